//! `detente man`: the manual pages.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::output::Output;

/// Write the manual pages, one for each command.
#[derive(Debug, Args)]
#[command(after_help = "Example: detente man ~/.local/share/man/man1")]
pub(crate) struct Arguments {
    /// The folder to write them to; it is made if it is not there.
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    clap_mangen::generate_to(crate::command(), directory)
        .with_context(|| format!("cannot write manual pages to {}", directory.display()))?;
    out.aside(&format!("manual pages written to {}", directory.display()));
    Ok(ExitCode::SUCCESS)
}
