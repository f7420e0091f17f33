//! One module per command.

mod batch;
pub(crate) mod cat;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod cp;
pub(crate) mod doctor;
pub(crate) mod explain;
mod guest_path;
pub(crate) mod image;
pub(crate) mod inspect;
pub(crate) mod lab;
pub(crate) mod ls;
pub(crate) mod machine;
pub(crate) mod man;
mod new_folder;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod report;
pub(crate) mod validate;

use std::process::ExitCode;

use crate::args::Command;
use crate::output::Output;

/// Runs one command.
pub(crate) fn run(command: Command, out: &mut Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Inspect(arguments) => inspect::run(&arguments, out),
        Command::Ls(arguments) => ls::run(&arguments, out),
        Command::Cat(arguments) => cat::run(&arguments, out),
        Command::Cp(arguments) => cp::run(&arguments, out),
        Command::Check(arguments) => check::run(&arguments, out),
        Command::Convert(arguments) => convert::run(&arguments, out),
        Command::Prepare(arguments) => prepare::run(&arguments, out),
        Command::Validate(arguments) => validate::run(&arguments, out),
        Command::Report(arguments) => report::run(&arguments, out),
        Command::Explain(arguments) => explain::run(&arguments, out),
        Command::Image(command) => image::run(&command, out),
        Command::Machine(command) => machine::run(&command, out),
        Command::Plan(command) => plan::run(&command, out),
        Command::Lab(command) => lab::run(&command, out),
        Command::Doctor(arguments) => doctor::run(&arguments, out),
        Command::Completions(arguments) => completions::run(&arguments, out),
        Command::Man(arguments) => man::run(&arguments, out),
    }
}
