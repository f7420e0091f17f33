//! The détente command line: one module per command; each parses, calls one function, renders.
//!
//! ```
//! let code = detente_cli::main(["detente", "--version"]);
//! assert_eq!(code, std::process::ExitCode::SUCCESS);
//! ```

mod args;
mod commands;
mod disks;
mod environment;
mod failure;
mod interrupt;
mod output;
mod page;
mod tool;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

pub use args::command;

/// Nothing is wrong.
const FINE: u8 = 0;
/// The finding is bad.
const BAD: u8 = 1;
/// It could not be told: unreadable, unsupported, internal error.
const CANNOT_TELL: u8 = 2;
/// Wrong usage.
const USAGE: u8 = 64;
/// Interrupted by the user.
const INTERRUPTED: u8 = 130;

/// Runs the command line given, the program's name first.
pub fn main<A>(arguments: A) -> ExitCode
where
    A: IntoIterator,
    A::Item: Into<OsString> + Clone,
{
    let arguments = match args::Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let mut out = output::Output::new();
    match commands::run(arguments.command, &mut out) {
        Ok(code) => code,
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::from(FINE),
        Err(error) => failure::report(&error, &mut out),
    }
}

/// Help and version are fine; everything else is 64 (clap's own 2 would say "could not tell").
fn usage(error: &clap::Error) -> ExitCode {
    // A closed standard error leaves nobody to tell.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::from(FINE),
        _ => ExitCode::from(USAGE),
    }
}
