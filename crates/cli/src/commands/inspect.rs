//! `detente inspect`: what is in a guest's disks.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::args::Format;
use crate::output::Output;

/// Say what is in a server's disks: operating system, boot chain, kernels.
#[derive(Debug, Args)]
#[command(after_help = "Example: detente inspect server.qcow2")]
pub(crate) struct Arguments {
    /// The disks of one machine, the boot disk first.
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let _ = (arguments, out);
    anyhow::bail!("not written yet")
}
