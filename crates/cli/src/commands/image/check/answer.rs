//! What a check found, as it is printed.

use std::path::Path;

use detente_disk::{CheckReport, Finding, Severity};
use serde::Serialize;

use super::super::lost::{Lost, lost};
use super::super::source;
use super::Verdict;
use super::repair::Copy;
use crate::page::{Page, size};

/// The answer for programs.
#[derive(Serialize)]
pub(super) struct Document {
    schema: &'static str,
    file: String,
    format: &'static str,
    verdict: &'static str,
    complete: bool,
    corruptions: u64,
    leaks: u64,
    findings: Vec<Found>,
    findings_left_out: u64,
    image_end_offset: u64,
    units: u64,
    allocated_units: u64,
    copy: Option<Copied>,
}

/// The copy that --repair made.
#[derive(Serialize)]
struct Copied {
    file: String,
    verdict: &'static str,
    lost_bytes: u64,
    lost: Vec<Lost>,
}

/// One finding.
#[derive(Serialize)]
struct Found {
    severity: &'static str,
    rule: &'static str,
    offset: u64,
    what: String,
    section: &'static str,
}

/// The answer as `qemu-img check --output json` gives it (QAPI's `ImageCheck`).
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct QemuDocument {
    image_end_offset: u64,
    total_clusters: u64,
    check_errors: u64,
    allocated_clusters: u64,
    filename: String,
    format: &'static str,
    #[serde(skip_serializing_if = "is_none")]
    leaks: u64,
    #[serde(skip_serializing_if = "is_none")]
    corruptions: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Our document.
pub(super) fn ours(path: &Path, report: &CheckReport, copy: Option<&Copy>) -> Document {
    Document {
        schema: "detente/image-check/1",
        file: path.display().to_string(),
        format: source::name(report.format),
        verdict: Verdict::of(report).name(),
        complete: report.complete,
        corruptions: report.corruptions,
        leaks: report.leaks,
        findings: report.findings.iter().map(found).collect(),
        findings_left_out: left_out(report),
        image_end_offset: report.image_end,
        units: report.units,
        allocated_units: report.allocated_units,
        copy: copy.map(copied),
    }
}

fn copied(copy: &Copy) -> Copied {
    Copied {
        file: copy.path.display().to_string(),
        verdict: copy.verdict().name(),
        lost_bytes: copy.report.lost_bytes,
        lost: lost(&copy.report),
    }
}

/// QEMU's document.
pub(super) fn as_qemu(path: &Path, report: &CheckReport) -> QemuDocument {
    QemuDocument {
        image_end_offset: report.image_end,
        total_clusters: report.units,
        check_errors: u64::from(!report.complete),
        allocated_clusters: report.allocated_units,
        filename: path.display().to_string(),
        format: report.format.qemu_name(),
        leaks: report.leaks,
        corruptions: report.corruptions,
    }
}

/// The page for people.
pub(super) fn text(path: &Path, report: &CheckReport, copy: Option<&Copy>) -> String {
    let verdict = Verdict::of(report);
    let mut page = Page::default();
    let file = path.display();
    let format = source::name(report.format);
    page.heading(&match verdict {
        Verdict::Sound => format!("{file}: sound {format} image"),
        Verdict::Leaks => format!("{file}: sound {format} image, but room of the file is lost"),
        Verdict::Corrupt => format!("{file}: corrupt {format} image"),
        Verdict::Unknown => format!("{file}: {format} image, not all of which could be checked"),
    });
    page.line("used", &format!("{} of the file", size(report.image_end)));
    if report.units > 1 {
        let (have, all) = (report.allocated_units, report.units);
        page.line("allocated", &format!("{have} of {all} units"));
    }
    if verdict != Verdict::Sound {
        page.line("broken rules", &report.corruptions.to_string());
        page.line("leaks", &report.leaks.to_string());
    }
    for finding in &report.findings {
        page.item(mark(finding.severity), &sentence(finding));
    }
    match left_out(report) {
        0 => {}
        more => page.item("", &format!("and {more} more")),
    }
    if let Some(copy) = copy {
        copied_text(&mut page, copy);
    }
    page.finish()
}

fn copied_text(page: &mut Page, copy: &Copy) {
    let file = copy.path.display();
    page.heading(&match copy.report.lost_bytes {
        0 => format!("{file}: a {} copy; nothing was lost", copy.verdict().name()),
        lost => format!(
            "{file}: a copy without {} that could not be read",
            size(lost)
        ),
    });
    for range in &copy.report.lost {
        let (len, offset, why) = (range.len, range.offset, &range.why);
        page.item("✗", &format!("lost {len} bytes at {offset:#x}: {why}"));
    }
}

fn sentence(finding: &Finding) -> String {
    let Finding {
        rule,
        offset,
        what,
        section,
        severity: _,
    } = finding;
    format!("{offset:#x}  {what}  ({rule}, {section})")
}

fn found(finding: &Finding) -> Found {
    Found {
        severity: match finding.severity {
            Severity::Note => "note",
            Severity::Leak => "leak",
            Severity::Corrupt => "corrupt",
        },
        rule: finding.rule,
        offset: finding.offset,
        what: finding.what.clone(),
        section: finding.section,
    }
}

fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "·",
        Severity::Leak => "~",
        Severity::Corrupt => "✗",
    }
}

/// How many were counted and not kept.
fn left_out(report: &CheckReport) -> u64 {
    let kept = report
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Note)
        .count();
    let all = report.corruptions.saturating_add(report.leaks);
    all.saturating_sub(kept as u64)
}
