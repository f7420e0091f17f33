//! `detente image compare`: whether two disks hold the same.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clap::Args;
use detente_block::{CompareError, Comparison, Side, compare};
use serde::Serialize;

use super::source::{FormatName, Source};
use super::watched::Watched;
use super::{not_read, progress};
use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::{BAD, FINE, INTERRUPTED, interrupt};

/// Say whether two disks hold the same, and where they first do not.
///
/// The file formats do not matter. What one disk is longer by must be zero.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: detente image compare server.qcow2 server.vhdx\n\n\
    Exit codes: 0 the same, 1 not the same, 2 could not tell, 64 wrong usage, 130 interrupted."
)]
pub(crate) struct Arguments {
    /// The first image.
    first: PathBuf,
    /// The second image.
    second: PathBuf,
    /// The same for the second image.
    #[arg(short = 'F', long, value_enum, value_name = "FORMAT")]
    second_format: Option<FormatName>,
    /// The disks must be equally long, too.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    source: Source,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The answer for programs.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    first: Compared,
    second: Compared,
    identical: bool,
    difference: Option<Difference>,
}

/// One of the two.
#[derive(Serialize)]
struct Compared {
    file: String,
    virtual_size_bytes: u64,
}

/// What is not the same.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Difference {
    /// The disks are not equally long (with `--strict` alone).
    Size,
    /// A byte.
    Content { offset: u64 },
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let first = arguments.source.open(&arguments.first)?.reader;
    let second = arguments
        .source
        .open_as(&arguments.second, arguments.second_format)?
        .reader;
    let sizes = (first.len_bytes(), second.len_bytes());
    let difference = if arguments.strict && sizes.0 != sizes.1 {
        Some(Difference::Size)
    } else {
        let cancel = interrupt::watch()?;
        let position = Arc::new(AtomicU64::new(0));
        let first = Watched::new(first, position.clone());
        let second = Watched::new(second, position.clone());
        let comparison = progress::shown_at("compare", sizes.0.max(sizes.1), &position, || {
            compare(&first, &second, &cancel)
        });
        match comparison.map_err(|error| unreadable(arguments, error))? {
            Comparison::Same => None,
            Comparison::Differs { offset } => Some(Difference::Content { offset }),
            Comparison::Cancelled => return Ok(ExitCode::from(INTERRUPTED)),
        }
    };
    let document = Document {
        schema: "detente/image-compare/1",
        first: compared(&arguments.first, sizes.0),
        second: compared(&arguments.second, sizes.1),
        identical: difference.is_none(),
        difference,
    };
    match arguments.format {
        Format::Text => text(&document, out)?,
        Format::Json => out.json(&document)?,
    }
    Ok(ExitCode::from(if document.identical { FINE } else { BAD }))
}

fn compared(path: &Path, virtual_size_bytes: u64) -> Compared {
    Compared {
        file: path.display().to_string(),
        virtual_size_bytes,
    }
}

fn unreadable(arguments: &Arguments, error: CompareError) -> Failure {
    let path = match error.side {
        Side::First => &arguments.first,
        Side::Second => &arguments.second,
    };
    not_read(path, error.source)
}

fn text(document: &Document, out: &mut Output) -> anyhow::Result<()> {
    let (first, second) = (&document.first, &document.second);
    let sizes_differ = first.virtual_size_bytes != second.virtual_size_bytes;
    match document.difference {
        None if sizes_differ => out.line(&format!(
            "the same, but for zeroes at the end: {} is {} bytes long, {} is {}",
            first.file, first.virtual_size_bytes, second.file, second.virtual_size_bytes
        ))?,
        None => out.line("the same")?,
        Some(Difference::Size) => out.line(&format!(
            "not equally long: {} is {} bytes long, {} is {}",
            first.file, first.virtual_size_bytes, second.file, second.virtual_size_bytes
        ))?,
        Some(Difference::Content { offset }) => out.line(&format!(
            "not the same: the first byte that differs is at {offset} ({offset:#x})"
        ))?,
    }
    Ok(())
}
