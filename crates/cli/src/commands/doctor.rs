//! `detente doctor`: what this machine can do, what is missing, how to get it.

mod findings;
mod look;
mod remedies;
mod render;
mod report;

use std::process::ExitCode;

use clap::Args;

use crate::args::Format;
use crate::output::Output;
use crate::{BAD, CANNOT_TELL, FINE, environment};
use report::{Report, Verdict};

/// Say what this machine can do, what is missing, and how to get it.
///
/// Nothing is installed or changed. A test program of a few instructions is run in QEMU, so that
/// what is said of the processor is proved.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  detente doctor\n  detente doctor --format json\n\n\
    Exit codes: 0 validation can run here, 1 something required is missing, 2 could not tell, \
    64 wrong usage."
)]
pub(crate) struct Arguments {
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let seen = look::look(look::Places {
        folders: environment::search_path(),
        runs: environment::runs_folder(),
        cache: environment::cache_folder().ok(),
    });
    let report = Report::of(&seen);
    match arguments.format {
        Format::Text => out.bytes(render::text(&report).as_bytes())?,
        Format::Json => out.json(&report)?,
    }
    Ok(ExitCode::from(code(report.verdict)))
}

fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fine => FINE,
        Verdict::Bad => BAD,
        Verdict::CouldNotTell => CANNOT_TELL,
    }
}
