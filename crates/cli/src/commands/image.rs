//! `detente image`: disk image files.

mod asked;
mod bytes;
mod check;
mod commit;
mod compare;
mod convert;
mod create;
mod details;
mod digest;
mod info;
mod lost;
mod map;
mod nbd;
mod parent;
pub(super) mod progress;
mod rebase;
mod resize;
mod source;
pub(super) mod target;
mod watched;
pub(super) mod watcher;
pub(super) mod written;

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

use crate::failure::Failure;
use crate::output::Output;

/// Look into disk image files, compare, check and convert them.
///
/// raw, qcow2, VHDX, VHD and VMDK are read; all of them but VMDK are written.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Info(info::Arguments),
    Map(map::Arguments),
    Check(check::Arguments),
    Compare(compare::Arguments),
    Digest(digest::Arguments),
    Convert(convert::Arguments),
    Create(create::Arguments),
    Resize(resize::Arguments),
    Rebase(rebase::Arguments),
    Commit(commit::Arguments),
    Nbd(nbd::Arguments),
}

/// How an answer is written, where `qemu-img` has one to be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: a document with a `schema`.
    Json,
    /// As `qemu-img --output json` says it.
    QemuJson,
}

/// Runs one of the commands.
pub(crate) fn run(command: &Command, out: &mut Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Info(arguments) => info::run(arguments, out),
        Command::Map(arguments) => map::run(arguments, out),
        Command::Check(arguments) => check::run(arguments, out),
        Command::Compare(arguments) => compare::run(arguments, out),
        Command::Digest(arguments) => digest::run(arguments, out),
        Command::Convert(arguments) => convert::run(arguments, out),
        Command::Create(arguments) => create::run(arguments, out),
        Command::Resize(arguments) => resize::run(arguments, out),
        Command::Rebase(arguments) => rebase::run(arguments, out),
        Command::Commit(arguments) => commit::run(arguments, out),
        Command::Nbd(arguments) => nbd::run(arguments, out),
    }
}

/// The failure of a read in the midst of an image.
fn not_read(path: &std::path::Path, error: impl Into<anyhow::Error>) -> Failure {
    Failure::cannot_tell(
        error.into().context(path.display().to_string()),
        Some(format!(
            "`detente image check {}` lists what is broken",
            path.display()
        )),
    )
}
