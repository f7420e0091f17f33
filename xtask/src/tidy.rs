//! `cargo xtask tidy`: the rules of the house that no compiler knows.
//!
//! Which way dependencies point, how long a file may be, that a crate has a
//! first page with an example, that a module says what it is for, which crates
//! may open `unsafe`, and which tests may be ignored. The rules are in `docs` of the house style; here
//! is what is checked, and the tests spoil one thing each of a fake workspace.

mod direction;
mod ignored;
mod pages;
mod sizes;
mod unsafety;
mod workspace;

use std::path::Path;

use anyhow::bail;

use crate::parts::skips;
use crate::say::say;
use workspace::Workspace;

/// What tidy has to say about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Breaks a rule: tidy fails.
    Broken(String),
    /// Comes near to breaking one.
    Warning(String),
}

/// Checks this workspace and fails when a rule is broken.
pub(crate) fn run() -> anyhow::Result<()> {
    let findings = findings(crate::workspace::root())?;
    let mut broken = 0;
    for finding in &findings {
        match finding {
            Finding::Broken(text) => {
                broken += 1;
                say(&format!("tidy: {text}"));
            }
            Finding::Warning(text) => say(&format!("tidy: warning: {text}")),
        }
    }
    if broken > 0 {
        bail!("tidy found {broken} broken rules");
    }
    Ok(())
}

/// Everything tidy has to say about the workspace in `root`.
fn findings(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let workspace = Workspace::read(root)?;
    let mut findings = direction::check(&workspace);
    findings.extend(sizes::check(&workspace));
    findings.extend(pages::check(&workspace));
    findings.extend(unsafety::check(&workspace));
    // Without a list nothing may be ignored.
    let list = std::fs::read_to_string(root.join(skips::LIST)).unwrap_or_default();
    findings.extend(ignored::check(&workspace, &list));
    Ok(findings)
}

#[cfg(test)]
mod tests;
