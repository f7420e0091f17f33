//! Many machines, a few at a time: what `convert --batch` and `prepare --batch` have in common.
//!
//! What is finished lies in its folder, with what it was made of: a second start passes it over,
//! and a folder that a killed run left half-made has no name of its own.

pub(in crate::commands) mod list;
mod pool;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::new_folder::NewFolder;
use crate::args::Format;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;
use crate::page::clean;
use crate::{BAD, CANNOT_TELL, FINE, INTERRUPTED};

/// How much of an error stands in a line; the document has all of it.
const SHOWN: usize = 400;

/// What a batch is.
pub(in crate::commands) struct Batch<'a> {
    /// The command.
    pub(in crate::commands) command: &'static str,
    /// What it has done to a machine: `converted`.
    pub(in crate::commands) done: &'static str,
    pub(in crate::commands) list: &'a Path,
    /// How many machines at a time.
    pub(in crate::commands) jobs: u8,
    pub(in crate::commands) format: Format,
}

/// A machine of a batch.
pub(in crate::commands) trait Machine: Sync {
    /// What is answered for it.
    type Document: Document;

    /// What it is made of.
    fn sources(&self) -> &[PathBuf];

    /// The folder that it becomes.
    fn folder(&self) -> &Path;

    /// What a run before made of the same.
    fn finished(&self) -> Option<Self::Document>;

    /// Makes it.
    fn make(&self, cancel: &Arc<AtomicBool>) -> Result<Self::Document, Failure>;
}

/// What is answered for a machine.
pub(in crate::commands) trait Document: Serialize + Send {
    /// Whether its folder is there now.
    fn is_made(&self) -> bool;

    /// The exit code of the command alone.
    fn code(&self) -> u8;

    /// In one line.
    fn line(&self) -> String;
}

/// The answer for programs.
#[derive(Serialize)]
struct Answer<D> {
    schema: &'static str,
    command: &'static str,
    list: String,
    counts: Counts,
    machines: Vec<Line<D>>,
}

/// How many came to which end.
#[derive(Default, Serialize)]
struct Counts {
    made: usize,
    already: usize,
    refused: usize,
    failed: usize,
    not_run: usize,
}

/// What became of a machine.
#[derive(Serialize)]
struct Line<D> {
    sources: Vec<String>,
    folder: String,
    result: End,
    /// The exit code of the command alone; none where it was not begun.
    code: Option<u8>,
    error: Option<String>,
    hint: Option<String>,
    /// What was made or refused.
    document: Option<D>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum End {
    Made,
    Already,
    Refused,
    Failed,
    NotRun,
}

/// Works through the machines.
pub(in crate::commands) fn run<M: Machine>(
    batch: &Batch<'_>,
    machines: &[M],
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    make_folders(machines)?;
    let cancel = interrupt::watch()?;
    let mut lines: Vec<Line<M::Document>> = machines.iter().map(not_run).collect();
    let show = |line: &Line<M::Document>, out: &mut Output| match batch.format {
        Format::Text => out.line(&text(line)),
        Format::Json => Ok(()),
    };
    pool::work(
        machines,
        batch.jobs.into(),
        &cancel,
        |machine| one(machine, &cancel),
        |index, line, status| {
            status.say("");
            show(&line, out)?;
            if let Some(own) = lines.get_mut(index) {
                *own = line;
            }
            Ok(())
        },
    )?;
    let counts = count(&lines);
    let code = code(&lines, cancel.load(Ordering::Relaxed));
    match batch.format {
        Format::Text => out.line(&summary(&counts, lines.len(), batch.done))?,
        Format::Json => out.json(&Answer {
            schema: "detente/batch/1",
            command: batch.command,
            list: batch.list.display().to_string(),
            counts,
            machines: lines,
        })?,
    }
    Ok(ExitCode::from(code))
}

fn count<D>(lines: &[Line<D>]) -> Counts {
    let mut counts = Counts::default();
    for line in lines {
        *match line.result {
            End::Made => &mut counts.made,
            End::Already => &mut counts.already,
            End::Refused => &mut counts.refused,
            End::Failed => &mut counts.failed,
            End::NotRun => &mut counts.not_run,
        } += 1;
    }
    counts
}

/// What is certain counts more than what could not be told.
fn code<D>(lines: &[Line<D>], interrupted: bool) -> u8 {
    let any = |is: &dyn Fn(u8) -> bool| lines.iter().filter_map(|line| line.code).any(is);
    let not_run = lines.iter().any(|line| line.result == End::NotRun);
    match (interrupted && not_run, any(&|own| own == BAD)) {
        (true, _) => INTERRUPTED,
        (false, true) => BAD,
        (false, false) if any(&|own| own != FINE) => CANNOT_TELL,
        (false, false) => FINE,
    }
}

fn summary(counts: &Counts, all: usize, done: &str) -> String {
    let mut text = match all {
        1 => "1 machine: ".to_owned(),
        _ => format!("{all} machines: "),
    };
    text.push_str(&format!(
        "{} {done}, {} already there",
        counts.made, counts.already
    ));
    for (count, what) in [
        (counts.refused, "refused"),
        (counts.failed, "failed"),
        (counts.not_run, "not begun"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

/// The folders above the results.
fn make_folders<M: Machine>(machines: &[M]) -> Result<(), Failure> {
    for above in machines.iter().filter_map(|own| own.folder().parent()) {
        fs::create_dir_all(above).map_err(|error| {
            let error = anyhow::Error::new(error).context(above.display().to_string());
            let hint = "`out` of the list must be a folder that you may write to".to_owned();
            Failure::cannot_tell(error, Some(hint))
        })?;
    }
    Ok(())
}

fn text<D: Document>(line: &Line<D>) -> String {
    let what = match (line.result, &line.document, &line.error) {
        (End::Already, Some(document), _) if document.code() != FINE => {
            format!("{}: already there ({})", line.folder, document.line())
        }
        (End::Already, ..) => format!("{}: already there", line.folder),
        (End::Made | End::Refused, Some(document), _) => document.line(),
        (_, _, Some(error)) => format!("{}: failed: {}", line.folder, end_of(error)),
        (End::Made | End::Refused | End::Failed | End::NotRun, ..) => {
            format!("{}: not begun", line.folder)
        }
    };
    clean(&what)
}

/// The end of a long text: what happened stands there, behind what the guest said.
fn end_of(text: &str) -> String {
    let count = text.chars().count();
    match count.checked_sub(SHOWN) {
        None | Some(0) => text.to_owned(),
        Some(more) => format!("… {}", text.chars().skip(more).collect::<String>()),
    }
}

fn not_run<M: Machine>(machine: &M) -> Line<M::Document> {
    let sources = machine.sources().iter();
    Line {
        sources: sources.map(|path| path.display().to_string()).collect(),
        folder: machine.folder().display().to_string(),
        result: End::NotRun,
        code: None,
        error: None,
        hint: None,
        document: None,
    }
}

/// One machine, unless it is there already.
fn one<M: Machine>(machine: &M, cancel: &Arc<AtomicBool>) -> Line<M::Document> {
    let mut line = not_run(machine);
    if let Some(document) = machine.finished() {
        NewFolder::sweep(machine.folder());
        line.result = End::Already;
        line.code = Some(document.code());
        line.document = Some(document);
        return line;
    }
    match machine.make(cancel) {
        Ok(document) => {
            line.result = match document.is_made() {
                true => End::Made,
                false => End::Refused,
            };
            line.code = Some(document.code());
            line.document = Some(document);
        }
        // It is begun anew by the next start.
        Err(failure) if failure.code == INTERRUPTED => {}
        Err(failure) => {
            line.result = End::Failed;
            line.code = Some(failure.code);
            line.hint.clone_from(&failure.hint);
            line.error = Some(crate::failure::text(&failure.into()));
        }
    }
    line
}

#[cfg(test)]
mod tests;
