//! `unsafe` is opened only in the few crates that need it; adding one is a
//! change of design (ARCHITECTURE.md lists them, with the reason).

use super::Finding;
use super::workspace::{Source, Workspace};

/// The crates that may open `unsafe`.
const OPEN: &[&str] = &[
    "detente-agent",
    "detente-copy",
    "detente-host",
    "detente-hyperv",
];

/// Finds `unsafe` in any other crate.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let closed = workspace
        .crates
        .iter()
        .filter(|member| !OPEN.contains(&member.name.as_str()));
    closed
        .flat_map(|member| &member.sources)
        .filter_map(check_source)
        .collect()
}

fn check_source(source: &Source) -> Option<Finding> {
    let line = source.text.lines().position(opens_unsafe)?;
    Some(Finding::Broken(format!(
        "{}:{} opens unsafe; this crate may not",
        source.path,
        line + 1
    )))
}

/// Comments and strings may speak of it.
fn opens_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let code: String = code.split('"').step_by(2).collect();
    [
        "unsafe {",
        "unsafe fn ",
        "unsafe impl ",
        "unsafe extern ",
        "unsafe trait ",
        "#[unsafe(",
    ]
    .iter()
    .any(|opening| code.contains(opening))
}
