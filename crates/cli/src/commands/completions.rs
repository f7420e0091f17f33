//! `detente completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::output::Output;

/// Print a shell's completion script.
#[derive(Debug, Args)]
#[command(after_help = "Example: detente completions bash > detente.bash")]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut crate::command(),
        "detente",
        &mut script,
    );
    out.bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
