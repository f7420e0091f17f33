//! `detente-hyperv`: one machine, from start to power-off.

use std::io::Write;
use std::process::ExitCode;

use detente_hyperv::kvm;

fn main() -> ExitCode {
    let report = kvm::probe();
    let text = serde_json::to_string(&report).unwrap_or_default();
    let _ = writeln!(std::io::stdout(), "{text}");
    if report.usable { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
