//! A file is read by people: there is a ceiling to its length.

use super::Finding;
use super::workspace::Workspace;

const CEILING_LINES: usize = 1000;
const WARNING_LINES: usize = 700;

/// Finds files that are too long, or nearly.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let sources = workspace.crates.iter().flat_map(|member| &member.sources);
    sources
        .filter_map(|source| {
            let lines = source.text.lines().count();
            if lines > CEILING_LINES {
                Some(Finding::Broken(format!(
                    "{} has {lines} lines; the ceiling is {CEILING_LINES}",
                    source.path
                )))
            } else if lines > WARNING_LINES {
                Some(Finding::Warning(format!(
                    "{} has {lines} lines; cut it before {CEILING_LINES}",
                    source.path
                )))
            } else {
                None
            }
        })
        .collect()
}
