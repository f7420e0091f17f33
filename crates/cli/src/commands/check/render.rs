//! The answer as a page for people: the matrix first, then findings, then what vendors say.

use detente_guest::check::{
    AspectState, Finding, Gap, LeftOut, ProfileReadiness, Proof, Severity, State,
};
use detente_program::{Support, SupportStatus};

use super::document::Document;
use super::explain::{basis, by, profiles};
use super::support::Said;
use crate::page::Page;

/// So many rules are named that one reason keeps from being applied.
const NAMED: usize = 8;

/// The page.
pub(super) fn text(document: &Document) -> String {
    let mut page = Page::default();
    page.heading(&document.system.pretty_name);
    for (index, disk) in document.disks.iter().enumerate() {
        page.line(&format!("disk {index}"), disk);
    }
    matrix(&mut page, document);
    for finding in &document.readiness.findings {
        one(&mut page, finding);
    }
    gaps(&mut page, &document.readiness.not_looked_at);
    vendors(&mut page, &document.support);
    page.heading(
        "Readiness is what can be known without booting. `detente validate` boots the guest.",
    );
    page.finish()
}

fn matrix(page: &mut Page, document: &Document) {
    page.heading("Readiness");
    let rows = &document.readiness.profiles;
    let titles = rows.first().map(|row| row.aspects.as_slice());
    let mut head = vec![String::new(), "together".to_owned()];
    let names = titles.unwrap_or_default().iter();
    head.extend(names.map(|cell| cell.aspect.name().replace('-', " ")));
    let mut table = vec![head];
    table.extend(rows.iter().map(row));
    page.table(&table);
    for row in rows.iter().filter(|row| !row.not_shown.is_empty()) {
        page.line(row.profile.name(), row.not_shown);
    }
    for LeftOut { profile, why } in &document.left_out {
        page.line(profile.name(), &format!("left out: {why}"));
    }
}

fn row(row: &ProfileReadiness) -> Vec<String> {
    let mut cells = vec![row.profile.name().to_owned(), word(row.state).to_owned()];
    let states = row.aspects.iter();
    cells.extend(states.map(|AspectState { state, .. }| word(*state).to_owned()));
    cells
}

fn word(state: State) -> &'static str {
    match state {
        State::NotApplicable => "-",
        State::Ready => "ready",
        State::ReadyWithRemarks => "remarks",
        State::Unknown => "unknown",
        State::NotReady => "NOT READY",
    }
}

/// A severity, in words.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::BlocksBoot => "blocks boot",
        Severity::LosesNetwork => "loses network",
        Severity::Degrades => "degrades",
        Severity::Note => "note",
    }
}

fn one(page: &mut Page, finding: &Finding) {
    let title = format!(
        "{}: {}  [{}]",
        severity(finding.severity),
        finding.title,
        finding.rule
    );
    page.heading(&title);
    page.line("profiles", &profiles(&finding.profiles));
    for (index, proof) in finding.evidence.iter().enumerate() {
        page.line(if index == 0 { "evidence" } else { "" }, &evidence(proof));
    }
    page.line("follows", finding.consequence);
    page.line("helps", finding.remedy);
    page.line("done by", by(finding.by));
    page.line("rests on", basis(finding.basis));
}

fn evidence(proof: &Proof) -> String {
    match (&proof.file, proof.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: {}", proof.text),
        (Some(file), None) if !proof.text.contains(file.as_str()) => {
            format!("{file}: {}", proof.text)
        }
        (Some(_) | None, _) => proof.text.clone(),
    }
}

/// Why comes first: one reason often keeps many rules from being applied.
fn gaps(page: &mut Page, gaps: &[Gap]) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for gap in gaps {
        for why in &gap.why {
            match reasons.iter_mut().find(|(own, _)| own == why) {
                Some((_, rules)) if rules.contains(&gap.rule) => {}
                Some((_, rules)) => rules.push(gap.rule),
                None => reasons.push((why, vec![gap.rule])),
            }
        }
    }
    if !reasons.is_empty() {
        page.heading("Not looked at");
    }
    for (why, rules) in reasons {
        page.item("-", why);
        page.line("  keeps from", &some(&rules));
    }
}

/// The rules' names, of many only the first: all are in the document.
fn some(rules: &[&str]) -> String {
    match rules.split_at_checked(NAMED) {
        Some((named, rest)) if !rest.is_empty() => {
            let rest = rest.len();
            format!(
                "{} and {rest} more rules (`--format json` names them)",
                named.join(", ")
            )
        }
        _ => rules.join(", "),
    }
}

fn vendors(page: &mut Page, said: &Said) {
    let Some(first) = said.platforms.first() else {
        return;
    };
    let guest = said.guest.unwrap_or("this release");
    page.heading(&format!(
        "What vendors say of {guest} (as of {}; no part of readiness)",
        first.as_of
    ));
    let rows: Vec<Vec<String>> = said.platforms.iter().map(vendor_row).collect();
    page.table(&rows);
    let mut conditions: Vec<(&str, Vec<&str>)> = Vec::new();
    for own in &said.platforms {
        for text in &own.conditions {
            match conditions.iter_mut().find(|(other, _)| other == text) {
                Some((_, platforms)) => platforms.push(own.platform),
                None => conditions.push((text, vec![own.platform])),
            }
        }
    }
    for (text, platforms) in conditions {
        page.item("-", &format!("{}: {text}", platforms.join(", ")));
    }
}

fn vendor_row(support: &Support) -> Vec<String> {
    let status = match support.status {
        SupportStatus::Supported => "supported",
        SupportStatus::SupportedWithConditions => "supported, with conditions",
        SupportStatus::NotSupportedAnymore => "not supported any more",
        SupportStatus::Deprecated => "deprecated",
        SupportStatus::TechnologyPreview => "technology preview",
        SupportStatus::Unknown => "unknown",
    };
    [support.platform, support.platform_name, status]
        .map(str::to_owned)
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_rules_the_first_are_named() {
        let rules = ["a.b"; 120];
        assert_eq!(some(&rules[..2]), "a.b, a.b");
        assert_eq!(some(&rules[..NAMED]), ["a.b"; NAMED].join(", "));
        let said = some(&rules);
        assert!(said.ends_with("a.b and 112 more rules (`--format json` names them)"));
    }
}
