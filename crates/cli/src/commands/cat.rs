//! `detente cat`: a file of a guest on standard output.

use std::process::ExitCode;

use clap::Args;
use detente_block::BlockRead;

use super::guest_path::{GuestPath, Where};
use crate::FINE;
use crate::failure::Failure;
use crate::output::Output;

/// What is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Write a file of a guest to standard output, as it is.
///
/// The disks are read, never written. Links are followed inside the guest. The bytes are not made
/// safe for a terminal: pipe what you do not trust through `less` or into a file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente cat server.qcow2:/etc/fstab\n  \
    detente cat --volume disk0p1 server.vhdx:/EFI/BOOT/grub.cfg\n  \
    detente cat --disk data.qcow2 server.qcow2:/srv/notes.txt\n\n\
    Exit codes: 0 fine, 2 could not tell (no such file, unreadable), 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The file in the guest.
    #[arg(value_name = "IMAGE:PATH")]
    file: GuestPath,
    #[command(flatten)]
    place: Where,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let opened = arguments.place.open(&arguments.file.image)?;
    let tree = opened.tree()?;
    let path = &arguments.file.path;
    let file = tree.open(path).map_err(|error| opened.error(error))?;
    write(file.as_ref(), out, |error| opened.error(error.into()))?;
    Ok(ExitCode::from(FINE))
}

fn write(
    file: &dyn BlockRead,
    out: &mut Output,
    failed: impl Fn(detente_block::ReadError) -> Failure,
) -> anyhow::Result<()> {
    let len = file.len_bytes();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < len {
        let rest = usize::try_from(len - at).unwrap_or(usize::MAX);
        let part = &mut buffer[..CHUNK_BYTES.min(rest)];
        file.read_exact_at(at, part).map_err(&failed)?;
        out.bytes(part)?;
        at += part.len() as u64;
    }
    Ok(())
}
