//! `detente image digest`: a digest of what a disk holds.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use clap::{Args, ValueEnum};
use detente_block::{BlockRead, ReadError, content_digest, raw_digest};
use serde::Serialize;

use super::source::Source;
use super::watched::Watched;
use super::{not_read, progress};
use crate::args::Format;
use crate::output::Output;
use crate::page::clean;
use crate::{INTERRUPTED, interrupt};

/// Print a digest of what each disk holds, whatever file format carries it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente image digest server.qcow2 server.vhdx\n  \
    detente image digest --algorithm sha256 server.vhdx\n\n\
    Exit codes: 0 fine, 2 could not tell, 64 wrong usage, 130 interrupted."
)]
pub(crate) struct Arguments {
    /// The images.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Which digest.
    #[arg(long, value_enum, default_value_t)]
    algorithm: Algorithm,
    #[command(flatten)]
    source: Source,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The digests that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Algorithm {
    /// `detente/content-digest/1`: leaves out what is zero, and uses every processor.
    #[default]
    Content,
    /// SHA-256 of all bytes, as `sha256sum` says it of a raw copy.
    Sha256,
}

/// The answer for programs.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    algorithm: &'static str,
    images: Vec<Digested>,
}

/// One image's digest.
#[derive(Serialize)]
struct Digested {
    file: String,
    virtual_size_bytes: u64,
    digest: String,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let cancel = interrupt::watch()?;
    let mut document = Document {
        schema: "detente/image-digest/1",
        algorithm: arguments.algorithm.name(),
        images: Vec::new(),
    };
    for path in &arguments.images {
        let image = arguments.source.open(path)?;
        let position = Arc::new(AtomicU64::new(0));
        let disk = Watched::new(image.reader, position.clone());
        let virtual_size_bytes = disk.len_bytes();
        let digest = progress::shown_at("digest", virtual_size_bytes, &position, || {
            arguments.algorithm.digest(&disk, &cancel)
        });
        let Some(digest) = digest.map_err(|error| not_read(path, error))? else {
            return Ok(ExitCode::from(INTERRUPTED));
        };
        let file = path.display().to_string();
        if arguments.format == Format::Text {
            out.line(&clean(&format!("{digest}  {file}")))?;
        }
        document.images.push(Digested {
            file,
            virtual_size_bytes,
            digest,
        });
    }
    match arguments.format {
        Format::Text => {}
        Format::Json => out.json(&document)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Content => "detente/content-digest/1",
            Self::Sha256 => "sha256",
        }
    }

    /// In hexadecimal digits; nothing if it was cancelled.
    fn digest(
        self,
        disk: &dyn BlockRead,
        cancel: &AtomicBool,
    ) -> Result<Option<String>, ReadError> {
        let sha256 = match self {
            Self::Content => content_digest(disk, cancel)?.map(|digest| digest.sha256),
            Self::Sha256 => raw_digest(disk, cancel)?,
        };
        Ok(sha256.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}
