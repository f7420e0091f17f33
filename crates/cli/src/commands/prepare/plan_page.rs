//! The plan as a page for people: what is done, for which rules, and why; then what is left.

use detente_guest::Guest;
use detente_guest::check::By;
use detente_guest::prepare::{Change, FileState, Left, Plan, Step};

use crate::page::Page;

/// The page.
pub(super) fn text(guest: &Guest, plan: &Plan) -> String {
    let mut page = Page::default();
    page.heading(&guest.facts().operating_system.pretty_name);
    let profiles: Vec<_> = plan.profiles.iter().map(|profile| profile.name()).collect();
    page.line("for", &profiles.join(", "));
    if plan.is_empty() {
        page.heading("Nothing to do");
    }
    for (index, step) in plan.steps.iter().enumerate() {
        one(&mut page, guest, index.saturating_add(1), step);
    }
    left(&mut page, &plan.left);
    page.finish()
}

fn one(page: &mut Page, guest: &Guest, number: usize, step: &Step) {
    page.heading(&format!("{number}. {}", step.id));
    page.line("rules", &step.rules.join(", "));
    page.line("why", &step.why);
    match &step.change {
        Change::Write {
            content, before, ..
        } => match guest.diff(&step.change) {
            Ok(Some(diff)) => lines(page, "change", &diff),
            Ok(None) | Err(_) => {
                page.line("now", &now(before));
                let new = match content.inline() {
                    Some(bytes) => format!("{} bytes", bytes.len()),
                    None => "a copy of another file of the guest".to_owned(),
                };
                page.line("new", &new);
            }
        },
        Change::Remove { before, .. } => page.line("now", &now(before)),
        Change::Run { tool, touches } => {
            page.line("runs", &tool.argv().join(" "));
            for (index, touched) in touches.iter().enumerate() {
                page.line(if index == 0 { "changes" } else { "" }, &touched.path);
            }
        }
    }
}

fn lines(page: &mut Page, name: &str, text: &str) {
    for (index, line) in text.lines().enumerate() {
        // A page takes a tab for something that steers the terminal.
        let line = line.replace('\t', "    ");
        page.line(if index == 0 { name } else { "" }, &line);
    }
}

fn now(before: &FileState) -> String {
    match before {
        FileState::Absent => "not there".to_owned(),
        FileState::File(facts) => format!("{} bytes", facts.len_bytes),
        FileState::Link { target } => format!("a link to {target}"),
        FileState::Other => "no file".to_owned(),
    }
}

/// What is left to others.
pub(super) fn left(page: &mut Page, left: &[Left]) {
    if !left.is_empty() {
        page.heading("Left to others");
    }
    for Left {
        rule,
        why,
        by,
        packages,
    } in left
    {
        page.item("-", &format!("{rule}: {why} ({})", who(*by)));
        if !packages.is_empty() {
            page.line("packages", &packages.join(", "));
        }
    }
}

fn who(by: By) -> &'static str {
    crate::commands::check::explain::by(by)
}
