//! `detente doctor`: what this machine can do, what is missing, how to get it.

use std::process::ExitCode;

use clap::Args;

use crate::output::Output;

/// Say what this machine can do, what is missing, and how to get it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let _ = (arguments, out);
    anyhow::bail!("not written yet")
}
