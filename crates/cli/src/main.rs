//! The `detente` binary: parse, call one function, render.

use std::process::ExitCode;

fn main() -> ExitCode {
    detente_cli::main(std::env::args_os())
}
