//! `detente report`: the report of a run, made again from its folder.

mod text;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use detente_evidence::{Run, junit};
use detente_report::{OpenError, Opened, ReportDocument, differences};

use crate::failure::Failure;
use crate::output::Output;

/// Make the report of a run again, from its folder.
///
/// Every file is held against the run's manifest first: nothing is reported of a run that was
/// changed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente report result\n  \
    detente report result -o report.html\n  \
    detente report result --against last-week -o report.html\n  \
    detente report result --format junit -o junit.xml\n\n\
    Exit codes: 0 the report was made, 1 with --against: something fails that did not fail before, \
    2 the folder cannot be read or was changed, 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The folder of a run, as `detente validate` wrote it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The file to write; without it, standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The folder of an earlier run: say what changed since.
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// How to answer; without it, html into a file and text on standard output.
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// One page that needs nothing beside it.
    Html,
    /// The table, for terminals.
    Text,
    /// For programs: a document with a `schema`.
    Json,
    /// JUnit's XML.
    Junit,
    /// TAP version 14.
    Tap,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let opened = open(&arguments.folder)?;
    let earlier = match &arguments.against {
        Some(folder) => Some(open(folder)?.run),
        None => None,
    };
    let bytes = rendered(arguments, &opened, earlier.as_ref())?;
    match &arguments.output {
        None => out.bytes(&bytes)?,
        Some(file) => {
            not_of_the_run(file, &arguments.folder, &opened)?;
            write(file, &bytes, arguments.force)?;
            out.aside(&format!("report written to {}", file.display()));
        }
    }
    let worse =
        earlier.is_some_and(|earlier| !differences(&earlier, &opened.run).new_failures.is_empty());
    Ok(ExitCode::from(if worse { crate::BAD } else { crate::FINE }))
}

/// The run of a folder, held against its manifest.
pub(crate) fn open(folder: &Path) -> Result<Opened, Failure> {
    detente_report::open(folder).map_err(|error| {
        let hint = hint(&error);
        let error = anyhow::Error::new(error).context(folder.display().to_string());
        Failure::cannot_tell(error, Some(hint.to_owned()))
    })
}

fn hint(error: &OpenError) -> &'static str {
    match error {
        OpenError::Changed { .. } | OpenError::Apart { .. } => {
            "a report of a changed run would say nothing: get the folder again from where it was made"
        }
        _ => "name the folder that `detente validate` wrote, with its manifest.json",
    }
}

fn rendered(
    arguments: &Arguments,
    opened: &Opened,
    earlier: Option<&Run>,
) -> anyhow::Result<Vec<u8>> {
    let run = &opened.run;
    let format = arguments.format.unwrap_or(match arguments.output {
        Some(_) => ReportFormat::Html,
        None => ReportFormat::Text,
    });
    let changes = || earlier.map(|earlier| differences(earlier, run));
    Ok(match format {
        ReportFormat::Html => detente_report::html(run, &opened.folder, earlier)?.into_bytes(),
        ReportFormat::Text => text::text(run, changes().as_ref()).into_bytes(),
        ReportFormat::Json => {
            let document = ReportDocument::new(run.clone(), changes());
            let mut bytes = serde_json::to_vec_pretty(&document)?;
            bytes.push(b'\n');
            bytes
        }
        ReportFormat::Junit => junit(run)?,
        ReportFormat::Tap => detente_report::tap(run).into_bytes(),
    })
}

/// A file that the manifest names is evidence, and is not written over.
fn not_of_the_run(file: &Path, folder: &Path, opened: &Opened) -> anyhow::Result<()> {
    let Some(name) = file.file_name() else {
        return Ok(());
    };
    let absolute = |path: &Path| {
        fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))
    };
    let target = absolute(parent(file))?.join(name);
    let root = absolute(folder)?;
    let names = opened.folder.files().iter().map(|file| file.name.as_str());
    let mut evidence = names.chain(["manifest.json"]);
    if evidence.any(|name| root.join(name) == target) {
        let message = format!("{} is a file of the run itself", file.display());
        return Err(Failure::usage(message, "name a file outside of the run's folder").into());
    }
    Ok(())
}

fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Writes a file under another name first: nobody sees half of it.
fn write(file: &Path, bytes: &[u8], force: bool) -> anyhow::Result<()> {
    let there = fs::symlink_metadata(file);
    let refused = match there.map(|there| there.is_file()) {
        Err(_) => None,
        // A device or a link would be taken away by the renaming.
        Ok(false) => Some(("is no ordinary file", "name another file")),
        Ok(true) if !force => Some((
            "is there already",
            "name another file, or replace it with --force",
        )),
        Ok(true) => None,
    };
    if let Some((why, hint)) = refused {
        let said = anyhow::anyhow!("{} {why}", file.display());
        return Err(Failure::cannot_tell(said, Some(hint.to_owned())).into());
    }
    let name = file.file_name().context("the output has no name")?;
    let name = name.to_string_lossy();
    let partial = parent(file).join(format!(".{name}.{}.partial", std::process::id()));
    let written = File::create_new(&partial).and_then(|mut handle| {
        handle.write_all(bytes)?;
        handle.sync_all()?;
        fs::rename(&partial, file)
    });
    written
        .inspect_err(|_| {
            // The first error is the one to tell.
            let _ = fs::remove_file(&partial);
        })
        .with_context(|| format!("cannot write {}", file.display()))
}
