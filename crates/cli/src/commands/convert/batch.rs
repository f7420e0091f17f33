//! `detente convert --batch`: many machines, a few at a time.
//!
//! What is finished lies in its folder, with what it was made of: a second start passes it over,
//! and a folder that a killed run left half-made has no name of its own.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::Serialize;

use super::document::{Document, Done};
use super::folder::NewFolder;
use super::{Arguments, Wanted, list, one};
use crate::args::Format;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{Output, StatusLine};
use crate::page::clean;
use crate::{BAD, CANNOT_TELL, FINE, INTERRUPTED};

/// The answer for programs.
#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    command: &'static str,
    list: String,
    counts: Counts,
    machines: Vec<Line>,
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
#[derive(Clone, Serialize)]
struct Line {
    sources: Vec<String>,
    folder: String,
    result: End,
    error: Option<String>,
    hint: Option<String>,
    /// What was made or refused.
    document: Option<Document>,
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

/// What one worker found out about one machine.
struct Told {
    index: usize,
    line: Line,
}

pub(super) fn run(
    path: &Path,
    arguments: &Arguments,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let machines = list::read(path, arguments.verify)?;
    make_folders(&machines)?;
    let cancel = interrupt::watch()?;
    let lines = work(&machines, arguments, &cancel, out)?;
    let interrupted = cancel.load(Ordering::Relaxed);
    let mut counts = Counts::default();
    for line in &lines {
        *match line.result {
            End::Made => &mut counts.made,
            End::Already => &mut counts.already,
            End::Refused => &mut counts.refused,
            End::Failed => &mut counts.failed,
            End::NotRun => &mut counts.not_run,
        } += 1;
    }
    let code = match (
        interrupted && counts.not_run > 0,
        counts.refused,
        counts.failed,
    ) {
        (true, ..) => INTERRUPTED,
        (false, 1.., _) => BAD,
        (false, 0, 1..) => CANNOT_TELL,
        (false, 0, 0) => FINE,
    };
    match arguments.format {
        Format::Text => out.line(&summary(&counts, lines.len()))?,
        Format::Json => out.json(&Answer {
            schema: "detente/batch/1",
            command: "convert",
            list: path.display().to_string(),
            counts,
            machines: lines,
        })?,
    }
    Ok(ExitCode::from(code))
}

fn summary(counts: &Counts, all: usize) -> String {
    let mut text = format!(
        "{all} machines: {} converted, {} were there, {} refused, {} failed",
        counts.made, counts.already, counts.refused, counts.failed
    );
    if counts.not_run > 0 {
        text.push_str(&format!(", {} not begun", counts.not_run));
    }
    text
}

/// The folders above the results.
fn make_folders(machines: &[Wanted]) -> Result<(), Failure> {
    for above in machines
        .iter()
        .filter_map(|wanted| wanted.destination.parent())
    {
        fs::create_dir_all(above).map_err(|error| {
            let error = anyhow::Error::new(error).context(above.display().to_string());
            let hint = "`out` of the list must be a folder that you may write to".to_owned();
            Failure::cannot_tell(error, Some(hint))
        })?;
    }
    Ok(())
}

/// So many at a time; a line each as they end.
fn work(
    machines: &[Wanted],
    arguments: &Arguments,
    cancel: &AtomicBool,
    out: &mut Output,
) -> anyhow::Result<Vec<Line>> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let mut lines: Vec<Line> = machines.iter().map(not_run).collect();
    thread::scope(|scope| -> anyhow::Result<()> {
        for _ in 0..usize::from(arguments.jobs).min(machines.len()) {
            let own = sender
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            scope.spawn({
                let next = &next;
                move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let stop = cancel.load(Ordering::Relaxed);
                        let Some(wanted) = machines.get(index).filter(|_| !stop) else {
                            return;
                        };
                        let line = one(wanted, cancel);
                        if own.send(Told { index, line }).is_err() {
                            return;
                        }
                    }
                }
            });
        }
        // Only workers hold one now: the telling ends with the last of them.
        drop(sender);
        let told = tell(&receiver, &mut lines, arguments.format, out);
        if told.is_err() {
            cancel.store(true, Ordering::Relaxed);
        }
        told
    })?;
    Ok(lines)
}

fn tell(
    receiver: &mpsc::Receiver<Told>,
    lines: &mut [Line],
    format: Format,
    out: &mut Output,
) -> anyhow::Result<()> {
    let mut status = StatusLine::new();
    let all = lines.len();
    for (done, told) in receiver.iter().enumerate() {
        status.say("");
        if format == Format::Text {
            out.line(&text(&told.line))?;
        }
        if let Some(line) = lines.get_mut(told.index) {
            *line = told.line;
        }
        status.say(&format!("{} of {all} machines", done + 1));
    }
    status.say("");
    Ok(())
}

fn text(line: &Line) -> String {
    let what = match (line.result, &line.document, &line.error) {
        (End::Already, ..) => format!("{}: was there", line.folder),
        (End::Made | End::Refused, Some(document), _) => document.line(),
        (_, _, Some(error)) => format!("{}: failed: {error}", line.folder),
        (End::Made | End::Refused | End::Failed | End::NotRun, ..) => {
            format!("{}: not begun", line.folder)
        }
    };
    clean(&what)
}

fn not_run(wanted: &Wanted) -> Line {
    let sources = wanted.sources.iter();
    Line {
        sources: sources.map(|path| path.display().to_string()).collect(),
        folder: wanted.destination.display().to_string(),
        result: End::NotRun,
        error: None,
        hint: None,
        document: None,
    }
}

/// One machine, unless it is there already.
fn one(wanted: &Wanted, cancel: &AtomicBool) -> Line {
    let mut line = not_run(wanted);
    if let Some(document) = finished(wanted) {
        NewFolder::sweep(&wanted.destination);
        line.result = End::Already;
        line.document = Some(document);
        return line;
    }
    match one::convert(wanted, cancel, one::Look::Unseen) {
        Ok(document) => {
            line.result = match document.result {
                Done::Made | Done::WouldBeMade => End::Made,
                Done::RefusedByGate | Done::RefusedByStrict => End::Refused,
            };
            line.document = Some(document);
        }
        // It is begun anew by the next start.
        Err(failure) if failure.code == INTERRUPTED => {}
        Err(failure) => {
            line.result = End::Failed;
            line.hint.clone_from(&failure.hint);
            line.error = Some(crate::failure::text(&failure.into()));
        }
    }
    line
}

/// What a run before made of the same: its folder says so.
fn finished(wanted: &Wanted) -> Option<Document> {
    let json = fs::read(wanted.destination.join("convert.json")).ok()?;
    let document: Document = serde_json::from_slice(&json).ok()?;
    (document.job.is_some() && document.job == wanted.job).then_some(document)
}
