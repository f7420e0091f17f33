//! The table, for people and for programs.

use serde_json::{Value, json};

use super::row::{Checked, Row, Validated};

/// The table as a page.
pub(super) fn markdown(rows: &[Row], plan: &str) -> String {
    let mut page = format!(
        "# Guests\n\n{} guests, plan `{plan}`. Made by `cargo xtask guests`; test results, no vendor's \
         certification. `hyperv-vmbus` is détente's Hyper-V-compatible machine and not Hyper-V.\n\n\
         | # | guest | kernel | firmware | check | validate |\n|---|---|---|---|---|---|\n",
        rows.len()
    );
    for (index, row) in rows.iter().enumerate() {
        let cells = [
            (index + 1).to_string(),
            or_dash(&row.os),
            or_dash(&row.kernel),
            or_dash(&row.firmware),
            joined(row.checked.iter().map(checked)),
            joined(row.validated.iter().map(validated)),
        ];
        page.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    page
}

/// The table as a document.
pub(super) fn json(rows: &[Row], plan: &str) -> Value {
    json!({ "schema": "detente/guests-table/1", "plan": plan, "guests": rows })
}

fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "—".to_owned()
    } else {
        text.to_owned()
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    or_dash(&parts.collect::<Vec<_>>().join("<br>"))
}

fn checked(own: &Checked) -> String {
    let mut text = format!("{} {}", own.profile, own.state);
    if !own.rules.is_empty() {
        text.push_str(&format!(": {}", own.rules.join(", ")));
    }
    text
}

fn validated(own: &Validated) -> String {
    let mut text = format!(
        "{} **{}** ({}, {}; {} passed",
        own.profile, own.verdict, own.platform, own.acceleration, own.passed
    );
    for (what, names) in [("failed", &own.failed), ("not seen", &own.unseen)] {
        if !names.is_empty() {
            text.push_str(&format!("; {what}: {}", names.join(", ")));
        }
    }
    text.push(')');
    text
}
