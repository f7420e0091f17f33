//! A test that is ignored by default stands on the list of tests that may be skipped.

use super::Finding;
use super::workspace::{Source, Workspace};

/// Finds ignored tests that `list` (the skip list's text) does not name.
pub(crate) fn check(workspace: &Workspace, list: &str) -> Vec<Finding> {
    let listed: Vec<&str> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim())
        .collect();
    let sources = workspace.crates.iter().flat_map(|member| &member.sources);
    sources
        .flat_map(|source| ignored(source).map(move |test| (source, test)))
        .filter(|(_, test)| !listed.contains(test))
        .map(|(source, test)| {
            Finding::Broken(format!(
                "{} ignores {test}, which is not on the skip list",
                source.path
            ))
        })
        .collect()
}

/// The names of the functions that stand behind an `ignore` attribute.
fn ignored(source: &Source) -> impl Iterator<Item = &str> {
    let mut lines = source.text.lines();
    std::iter::from_fn(move || {
        lines.find(|line| line.trim_start().starts_with(concat!("#[", "ignore")))?;
        lines.find_map(|line| line.split_once("fn ")?.1.split('(').next())
    })
}
