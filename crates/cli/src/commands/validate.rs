//! `detente validate`: boot a guest and run a plan inside it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::output::Output;

/// Boot a server's disks on virtual hardware and run a test plan inside.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The disks of one machine, the boot disk first.
    #[arg(required = true)]
    images: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let _ = (arguments, out);
    anyhow::bail!("not written yet")
}
