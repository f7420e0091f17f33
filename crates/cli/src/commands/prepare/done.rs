//! The answer at the end.

use std::process::ExitCode;

use detente_evidence::Verdict;
use detente_guest::check::State;
use detente_validate::prepare::{Action, Difference, Differences, How, PrepareOutcome};

use super::document::{Document, Validation};
use super::plan_page;
use crate::args::Format;
use crate::output::Output;
use crate::page::Page;
use crate::{BAD, CANNOT_TELL, FINE, INTERRUPTED};

/// How many differences the page names.
const SHOWN: usize = 20;

/// Prints it, and gives the exit code.
pub(super) fn print(
    outcome: &PrepareOutcome,
    validation: Option<&Validation>,
    format: Format,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => out.json(&Document {
            outcome,
            validation,
            job: None,
        })?,
        Format::Text => out.bytes(page(outcome, validation).as_bytes())?,
    }
    Ok(ExitCode::from(code(outcome, validation)))
}

fn page(outcome: &PrepareOutcome, validation: Option<&Validation>) -> String {
    let mut page = Page::default();
    page.heading(match outcome.action {
        Action::Prepared => "Prepared",
        Action::NothingToDo => "Nothing to do",
        Action::Undone => "Taken back",
    });
    for disk in &outcome.disks {
        page.line("disk", &format!("{} ({})", disk.path, disk.format));
        if let Some(before) = &disk.before {
            page.line("as it was", before);
        }
    }
    if let Some(journal) = &outcome.journal {
        page.line("journal", journal);
    }
    if let Some(machine) = &outcome.machine {
        page.line(
            "changed on",
            &format!("{}, {}", machine.profile, machine.host),
        );
        let took = &outcome.took;
        let parts = format!(
            "{} (boot {}, steps {}, shutdown {}, check {}, writing {})",
            seconds(took.total_ms),
            seconds(took.boot_ms),
            seconds(took.steps_ms),
            seconds(took.shutdown_ms),
            seconds(took.check_ms),
            seconds(took.write_ms)
        );
        page.line("took", &parts);
    }
    readiness(&mut page, outcome);
    if let Some(differences) = &outcome.differences {
        differ(&mut page, differences);
    }
    plan_page::left(&mut page, &outcome.left);
    if let Some(validation) = validation {
        validated(&mut page, validation);
    }
    page.finish()
}

fn readiness(page: &mut Page, outcome: &PrepareOutcome) {
    page.heading("Readiness now");
    for own in &outcome.readiness {
        page.line(own.profile.name(), own.state.name());
    }
    for broken in &outcome.still_broken {
        page.item(
            "!",
            &format!(
                "{} is broken still: {}",
                broken.rule,
                broken.evidence.join("; ")
            ),
        );
    }
}

fn differ(page: &mut Page, differences: &Differences) {
    page.heading("Differences from the disk as it was, by the guest's own booting");
    page.line(
        "compared",
        &format!(
            "{} files, {} of them by their bytes; {} differ",
            differences.compared, differences.by_bytes, differences.count
        ),
    );
    for Difference { path, how, whose } in differences.files.iter().take(SHOWN) {
        page.line(word(*how), &format!("{path}  ({})", whose.words()));
    }
    let shown = differences.files.len().min(SHOWN) as u64;
    if differences.count > shown {
        let more = differences.count.saturating_sub(shown);
        page.line("", &format!("and {more} more (--format json names them)"));
    }
}

fn word(how: How) -> &'static str {
    match how {
        How::Added => "added",
        How::Removed => "removed",
        How::Kind => "of another kind",
        How::Content => "other bytes",
        How::Mode => "permissions",
        How::Touched => "written to",
    }
}

fn validated(page: &mut Page, validation: &Validation) {
    page.heading("Booted");
    let parts = validation.run.iter().flat_map(|run| &run.profiles);
    for part in parts {
        page.line(
            &part.profile,
            &format!("{}: {}", part.verdict.word(), part.statement),
        );
    }
    for line in &validation.not_booted {
        page.item("○", line);
    }
    page.line("run", &validation.folder);
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// The exit code.
pub(super) fn code(outcome: &PrepareOutcome, validation: Option<&Validation>) -> u8 {
    let run = validation.and_then(|validation| validation.run.as_ref());
    match run.map(|run| run.verdict) {
        Some(Verdict::Interrupted) => return INTERRUPTED,
        Some(Verdict::Failed) => return BAD,
        Some(Verdict::Incomplete) => return CANNOT_TELL,
        Some(Verdict::Passed) | None => {}
    }
    if validation.is_some() && run.is_none() {
        return CANNOT_TELL;
    }
    if outcome.action == Action::Undone {
        return FINE;
    }
    match outcome.worst() {
        _ if !outcome.still_broken.is_empty() => BAD,
        Some(State::NotReady) => BAD,
        Some(State::Unknown) => CANNOT_TELL,
        Some(State::NotApplicable | State::Ready | State::ReadyWithRemarks) | None => FINE,
    }
}
