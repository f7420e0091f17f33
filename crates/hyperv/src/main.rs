//! `detente-hyperv`: one machine, from start to power-off.

use std::io::Write;
use std::process::ExitCode;

use detente_hyperv::arguments::{Job, parse};
use detente_hyperv::{kvm, process};

fn main() -> ExitCode {
    match parse(std::env::args_os().skip(1)) {
        Ok(Job::Probe) => probe(),
        Ok(Job::Serve(endpoint)) => match process::serve(&endpoint) {
            Ok(_ending) => ExitCode::SUCCESS,
            Err(error) => complain(&format!("the host cannot be reached: {error}"), 1),
        },
        Err(usage) => complain(usage, 64),
    }
}

fn probe() -> ExitCode {
    let report = kvm::probe();
    let text = serde_json::to_string(&report).unwrap_or_default();
    // Who closed its end does not want to know.
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::from(u8::from(!report.usable))
}

fn complain(what: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "detente-hyperv: {what}");
    ExitCode::from(code)
}
