//! Every module opens with `//!`; a library's first page has an example.

use super::Finding;
use super::workspace::{Crate, Source, Workspace};

/// Finds modules that do not say what they are for, and first pages without
/// an example.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let modules = workspace.crates.iter().flat_map(|member| &member.sources);
    let silent = modules
        .filter(|source| !opens_with_documentation(source))
        .map(|source| Finding::Broken(format!("{} does not open with //!", source.path)));
    silent
        .chain(workspace.crates.iter().filter_map(first_page))
        .collect()
}

/// A file opens with `//!` when nothing but blank lines comes before.
fn opens_with_documentation(source: &Source) -> bool {
    source
        .text
        .lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(|line| line.starts_with("//!"))
}

/// A program has no page that rustdoc compiles; only libraries are asked.
fn first_page(member: &Crate) -> Option<Finding> {
    let page = member.source("src/lib.rs")?;
    let has_example = page
        .text
        .lines()
        .take_while(|line| line.trim().is_empty() || line.starts_with("//!"))
        .any(|line| is_example(line.trim_start_matches("//!").trim()));
    (!has_example)
        .then(|| Finding::Broken(format!("{} has no example on its first page", page.path)))
}

/// A fence that rustdoc takes for Rust and compiles.
fn is_example(line: &str) -> bool {
    matches!(line, "```" | "```rust" | "```no_run" | "```rust,no_run")
}
