//! `detente image nbd`: serves a disk to other programs.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use detente_nbd::{Export, Server};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::source::Source;
use crate::failure::Failure;
use crate::output::Output;

/// Serve a disk over NBD at a Unix socket, until Ctrl-C.
///
/// Clients see the disk, whatever file format carries it. They cannot write, or with --overlay
/// into a throw-away file: the image is never written.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: detente image nbd server.vhdx --socket server.sock\n\
    Then, elsewhere: qemu-img info 'nbd+unix:///?socket=server.sock'\n\n\
    Exit codes: 0 ended by Ctrl-C or SIGTERM, 2 could not serve, 64 wrong usage."
)]
pub(crate) struct Arguments {
    /// The image.
    image: PathBuf,
    /// The socket to make; must not exist.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Let clients write; what they write is thrown away in the end. It lies in the socket's folder.
    #[arg(long)]
    overlay: bool,
    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let disk = arguments.source.open(&arguments.image)?.reader;
    let socket = &arguments.socket;
    let export = if arguments.overlay {
        let folder = folder(socket);
        Export::overlay(disk, folder)
            .with_context(|| format!("cannot keep writes in {}", folder.display()))?
    } else {
        Export::read_only(disk)
    };
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot watch for Ctrl-C")?;
    let server = Server::bind(socket, export).map_err(|error| cannot_bind(socket, error))?;
    out.line(&format!(
        "nbd+unix:///?socket={}",
        server.address().display()
    ))?;
    out.aside("serving until Ctrl-C");
    signals.forever().next();
    Ok(ExitCode::SUCCESS)
}

fn folder(socket: &Path) -> &Path {
    match socket.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

fn cannot_bind(socket: &Path, error: io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists => {
            "something has that name already: give another one, or take it away"
        }
        io::ErrorKind::NotFound => "the folder must exist",
        io::ErrorKind::PermissionDenied => "the folder must be writable for you",
        _ => "a socket's path has 107 bytes at most",
    };
    Failure::cannot_tell(
        anyhow::Error::new(error).context(format!("cannot serve at {}", socket.display())),
        Some(hint.to_owned()),
    )
}
