//! A plan for people: what `--dry-run` prints.

use serde::Serialize;

use super::diff::unified;
use super::{Change, Content, FileState, Plan, PlanError};
use crate::check;
use crate::guest::Guest;

/// A step for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The step's name.
    pub id: String,
    /// What it mends: rules with their titles.
    pub rules: Vec<ShownRule>,
    /// The change, in a line.
    pub what: String,
    /// Why.
    pub why: String,
    /// What it changes in a text, as `diff -u` shows it; absent where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// A rule that a step mends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownRule {
    /// Its name.
    pub id: String,
    /// What was wrong.
    pub title: &'static str,
}

impl Plan {
    /// The steps for people, with what they change in texts.
    ///
    /// # Errors
    /// [`PlanError`] when a file that is changed cannot be read.
    pub fn shown(&self, guest: &Guest) -> Result<Vec<Shown>, PlanError> {
        let mut all = Vec::new();
        for step in &self.steps {
            let rule = |id: &String| ShownRule {
                id: id.clone(),
                title: check::rule(id).map_or("", |rule| rule.title),
            };
            all.push(Shown {
                id: step.id.clone(),
                rules: step.rules.iter().map(rule).collect(),
                what: what(&step.change),
                why: step.why.clone(),
                diff: diff(guest, &step.change)?,
            });
        }
        Ok(all)
    }
}

fn what(change: &Change) -> String {
    match change {
        Change::Write {
            path,
            content: Content::Copy { path: from, .. },
            ..
        } => format!("{from} is copied to {path}"),
        Change::Write {
            path,
            before: FileState::Absent,
            ..
        } => format!("{path} is made"),
        Change::Write { path, .. } => format!("{path} is changed"),
        Change::Remove { path, .. } => format!("{path} is removed"),
        Change::Run { tool, .. } => format!("the guest runs: {}", tool.argv().join(" ")),
    }
}

fn diff(guest: &Guest, change: &Change) -> Result<Option<String>, PlanError> {
    let (path, new, before) = match change {
        Change::Write {
            path,
            content,
            before,
            ..
        } => (path, content.inline(), before),
        Change::Remove { path, before } => (path, Some(&[][..]), before),
        Change::Run { .. } => return Ok(None),
    };
    let Some(new) = new else {
        return Ok(None);
    };
    let old = match before {
        FileState::File(file) => guest.tree().read(path, file.len_bytes)?,
        FileState::Absent => Vec::new(),
        FileState::Link { .. } | FileState::Other => return Ok(None),
    };
    Ok(unified(path, &old, new))
}
