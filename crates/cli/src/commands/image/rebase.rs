//! `detente image rebase`: the same disk on another backing file, or on none.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use detente_copy::{ConvertError, ConvertOptions, Zeroes, convert, rebase};

use super::asked;
use super::parent::Parent;
use super::progress;
use super::source::{FormatName, Source};
use super::target::TargetArguments;
use super::watcher::{self, Watcher};
use super::written::{Document, Names, failure};
use crate::args::Format;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;

/// Put a disk on another backing file: a new image that holds what the two differ in.
///
/// The guest sees the same as before. The image itself is not written: the new one is made beside it,
/// and gets its name when all of it is on stable storage. What both images have in the same place of
/// the same file, or leave empty, is not read.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("onto").required(true),
    after_help = "Examples:\n  detente image rebase --backing golden2.qcow2 -o new.qcow2 server.qcow2\n  \
    detente image rebase --flatten -o whole.qcow2 server.qcow2\n  \
    detente image rebase --backing golden.vhdx -o child.vhdx --verify server.vhdx\n\n\
    Exit codes: 0 fine, 2 not done, 64 wrong usage, 130 interrupted."
)]
pub(crate) struct Arguments {
    /// The image.
    image: PathBuf,
    /// What the new image is to rest on (qcow2 on any, vhdx on vhdx).
    #[arg(long, value_name = "IMAGE", group = "onto")]
    backing: Option<PathBuf>,
    /// Let the new image rest on nothing.
    #[arg(long, group = "onto")]
    flatten: bool,
    /// The new image.
    #[arg(short = 'o', long, value_name = "NEW")]
    output: PathBuf,
    /// The format of the backing file, instead of what it looks like.
    #[arg(
        short = 'F',
        long,
        value_enum,
        value_name = "FORMAT",
        conflicts_with = "flatten"
    )]
    backing_format: Option<FormatName>,
    /// Write down this name of the backing file, as seen from the new image's folder.
    #[arg(long, value_name = "NAME", conflicts_with = "flatten")]
    relative_name: Option<String>,
    /// Leave out zeroes that the image stores, too; all of its data is read for it.
    #[arg(long)]
    detect_zeroes: bool,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    target: TargetArguments,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the new image is written: what `rebase` and `commit` ask alike.
#[derive(Debug, Args)]
pub(super) struct Writing {
    /// Replace a file that has the new image's name.
    #[arg(long)]
    pub(super) force: bool,
    /// Read the new image back and compare it before it gets its name.
    #[arg(long)]
    pub(super) verify: bool,
    /// Read the images though another program may be writing to them.
    #[arg(long)]
    ignore_locks: bool,
}

impl Writing {
    /// The engine's options.
    pub(super) fn options(&self) -> ConvertOptions {
        ConvertOptions {
            on_existing: asked::on_existing(self.force),
            verification: asked::verification(self.verify),
            source_lock: asked::source_lock(self.ignore_locks),
            ..ConvertOptions::default()
        }
    }
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let new = &arguments.output;
    let format = arguments.target.format_for(new)?;
    let mut target = arguments.target.target(format)?;
    let image = arguments.source.open(&arguments.image)?;
    let base = match &arguments.backing {
        Some(path) => {
            let base = arguments.source.open_as(path, arguments.backing_format)?;
            let name = arguments.relative_name.as_deref();
            Parent::of(path, &base).put_under(&mut target, new, name)?;
            Some(base)
        }
        None => None,
    };
    let mut options = arguments.writing.options();
    if arguments.detect_zeroes {
        options.zeroes = Zeroes::Detect;
    }
    let cancel = interrupt::watch()?;
    let watcher = Watcher::new(&cancel);
    let report = progress::shown(
        || watcher::reading(std::slice::from_ref(&watcher)),
        || match &base {
            Some(base) => rebase(&image, base, &target, new, &options, &watcher),
            None => convert(&image, &target, new, &options, &watcher),
        },
    );
    let names = Names {
        source: Some(&arguments.image),
        target: new,
    };
    let report = report.map_err(|error| failed(names, arguments.backing.as_deref(), error))?;
    let mut document = Document::new("rebase");
    document.wrote(names, &report, arguments.writing.verify);
    document.print(arguments.format, out)
}

/// The failure of the engine, with a way out that these commands have.
pub(super) fn failed(names: Names<'_>, base: Option<&Path>, error: ConvertError) -> Failure {
    let broken = |path: &Path| {
        let path = path.display();
        Some(format!(
            "`detente image check {path}` lists what is broken; `detente image convert --salvage` \
             copies what can be read"
        ))
    };
    let hint = match (&error, names.source, base) {
        (ConvertError::Source(_), Some(path), _) | (ConvertError::Base(_), _, Some(path)) => {
            broken(path)
        }
        (ConvertError::Unsupported { .. }, ..) => Some(
            "`detente image convert` makes an image that rests on nothing of any that is read"
                .to_owned(),
        ),
        (ConvertError::Reopen(_), ..) => Some(
            "nothing was kept; a name given by --relative-name must lead from the new image to \
             its backing file"
                .to_owned(),
        ),
        _ => return failure(names, error),
    };
    Failure {
        hint,
        ..failure(names, error)
    }
}
