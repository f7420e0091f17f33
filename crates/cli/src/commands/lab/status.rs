//! `detente lab status`: whether a lab is up.

use std::process::ExitCode;

use clap::Args;
use detente_host::lab::warm::{self, Status};

use super::report::{Report, State};
use crate::args::Format;
use crate::output::Output;
use crate::{BAD, FINE, environment};

/// Say whether a lab is kept warm.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente lab status\n  detente lab status --format json\n\n\
    Exit codes: 0 one is up, 1 none is up, 2 could not tell, 64 wrong usage."
)]
pub(crate) struct Arguments {
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let (report, code) = match warm::status(&environment::runtime_folder()?)? {
        Status::Idle(lab) => {
            let message = "the lab is up and waits for a guest";
            (Report::new(State::Up, false, message, Some(lab)), FINE)
        }
        Status::Busy(lab) => {
            let message = "the lab is in use, or is just being started or ended";
            (Report::new(State::InUse, false, message, lab), FINE)
        }
        Status::Died => {
            let message = "no lab is up: the last one ended without being told to, and what it \
                           left was cleared away";
            (Report::new(State::Down, true, message, None), BAD)
        }
        Status::Down => {
            let report = Report::new(State::Down, false, "no lab is up", None);
            (report, BAD)
        }
    };
    report.print(arguments.format, out)?;
    Ok(ExitCode::from(code))
}
