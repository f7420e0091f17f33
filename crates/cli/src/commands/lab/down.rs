//! `detente lab down`: end the lab.

use std::process::ExitCode;

use clap::Args;
use detente_host::lab::warm::{self, Down};

use super::report::{Report, State};
use crate::args::Format;
use crate::output::Output;
use crate::{BAD, FINE, environment};

/// End the lab that is kept warm. Without one there is nothing to do, which is fine.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente lab down\n  detente lab down --format json\n\n\
    Exit codes: 0 no lab is up any more, 1 it is in use and was left alone, 2 could not tell, \
    64 wrong usage."
)]
pub(crate) struct Arguments {
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let (state, changed, message, code) = match warm::down(&environment::runtime_folder()?)? {
        Down::Ended => (State::Down, true, "the lab was ended", FINE),
        Down::None => (State::Down, false, "no lab was up", FINE),
        Down::Busy => {
            let message = "the lab is in use: it was left alone";
            (State::InUse, false, message, BAD)
        }
    };
    Report::new(state, changed, message, None).print(arguments.format, out)?;
    Ok(ExitCode::from(code))
}
