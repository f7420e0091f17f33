//! What may stand on the command line.

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::commands::{
    cat, check, completions, convert, cp, doctor, explain, image, inspect, lab, ls, machine, man,
    plan, prepare, report, validate,
};

/// Run, move and prove virtual servers on both sides of the hypervisor divide.
#[derive(Debug, Parser)]
#[command(
    name = "detente",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 fine, 1 the finding is bad, 2 could not tell, 64 wrong usage, \
                  130 interrupted.\n\nStart with: detente doctor"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Inspect(inspect::Arguments),
    Check(check::Arguments),
    Ls(ls::Arguments),
    Cat(cat::Arguments),
    Cp(cp::Arguments),
    Prepare(prepare::Arguments),
    Convert(Box<convert::Arguments>),
    Validate(validate::Arguments),
    Report(report::Arguments),
    Explain(explain::Arguments),
    #[command(subcommand)]
    Image(image::Command),
    #[command(subcommand)]
    Machine(machine::Command),
    #[command(subcommand)]
    Plan(plan::Command),
    #[command(subcommand)]
    Lab(lab::Command),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: a document with a `schema`.
    Json,
}

/// The whole command line, for completions and man pages.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}
