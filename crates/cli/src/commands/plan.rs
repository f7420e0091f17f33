//! `detente plan`: the test plans and their cases.

use std::process::ExitCode;

use clap::Subcommand;

use crate::output::Output;

/// Show test plans and their cases.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the plans.
    List,
}

pub(crate) fn run(command: &Command, out: &mut Output) -> anyhow::Result<ExitCode> {
    let _ = (command, out);
    anyhow::bail!("not written yet")
}
