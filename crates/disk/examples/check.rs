//! Names the rules that an image file breaks, and tells the three causes of an error apart:
//! `check IMAGE`.

use std::io::Write as _;
use std::process::ExitCode;

use detente_block::{FileBackend, ReadError};
use detente_disk::{CheckReport, Severity, check};

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    let Some(path) = std::env::args_os().nth(1) else {
        return said(writeln!(out, "check IMAGE"), 64);
    };
    let file = match FileBackend::open(path.as_ref()) {
        Ok(file) => file,
        Err(error) => return said(writeln!(out, "cannot be opened: {error}"), 2),
    };
    match check(&file) {
        Ok(report) => said(tell(&mut out, &report), u8::from(report.corruptions > 0)),
        // The storage failed: look at the medium; the image may be sound.
        Err(ReadError::Io { source, .. }) => said(writeln!(out, "storage: {source}"), 2),
        // The bytes are wrong. `check` makes findings of most of these; other calls return them.
        Err(error @ (ReadError::Corrupt { .. } | ReadError::PastEnd { .. })) => {
            said(writeln!(out, "bytes: {error}"), 1)
        }
        // We do not read it: another tool may.
        Err(error @ ReadError::Unsupported { .. }) => said(writeln!(out, "us: {error}"), 2),
        // The enum may grow.
        Err(error) => said(writeln!(out, "{error}"), 2),
    }
}

fn tell(out: &mut impl std::io::Write, report: &CheckReport) -> std::io::Result<()> {
    for finding in &report.findings {
        let mark = match finding.severity {
            Severity::Note => "note",
            Severity::Leak => "leak",
            Severity::Corrupt => "corrupt",
        };
        let (rule, offset) = (finding.rule, finding.offset);
        writeln!(out, "{mark} {rule} at {offset:#x}: {}", finding.what)?;
    }
    let (broken, leaks) = (report.corruptions, report.leaks);
    writeln!(out, "{broken} broken rules, {leaks} leaks")?;
    if !report.complete {
        writeln!(out, "not everything could be looked at")?;
    }
    Ok(())
}

/// The exit code, unless nobody could be told.
fn said(written: std::io::Result<()>, code: u8) -> ExitCode {
    written.map_or(ExitCode::FAILURE, |()| ExitCode::from(code))
}
