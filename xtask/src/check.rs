//! `cargo xtask check`: what CI runs that needs no guest.
//!
//! Every step runs even if an earlier one failed; the table at the end says
//! which failed and how long each took.

use std::time::Instant;

use anyhow::bail;

use crate::say::say;
use crate::tool::{Tool, exists};

/// A step's name, and what it does.
type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: &[Step] = &[
    ("format", || cargo(&["fmt", "--all", "--check"])),
    ("tidy", crate::tidy::run),
    ("clippy", || {
        cargo(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    }),
    ("tests", || {
        cargo(&["nextest", "run", "--locked", "--workspace"])
    }),
    ("examples", || {
        cargo(&["test", "--quiet", "--locked", "--workspace", "--doc"])
    }),
    ("docs", docs),
    ("licences", licences),
];

/// Runs every step and fails if one did.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut table = Vec::new();
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        say(&format!("== {name}"));
        let started = Instant::now();
        let outcome = step();
        let verdict = outcome
            .as_ref()
            .map_or_else(|error| format!("FAILED: {error:#}"), |()| "ok".to_owned());
        table.push(format!(
            "{name:10} {:6.1} s  {verdict}",
            started.elapsed().as_secs_f64()
        ));
        if outcome.is_err() {
            failed.push(*name);
        }
    }
    say("");
    table.iter().for_each(|line| say(line));
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    Tool::new("cargo").args(arguments).run()
}

fn docs() -> anyhow::Result<()> {
    Tool::new("cargo")
        .args([
            "doc",
            "--quiet",
            "--locked",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

/// Licences, bans and sources always; advisories where their database is reachable.
fn licences() -> anyhow::Result<()> {
    if !exists("cargo-deny") {
        say("not run: cargo-deny is not installed (`cargo install --locked cargo-deny`)");
        return Ok(());
    }
    cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"])?;
    if cargo(&["deny", "--locked", "fetch", "db"]).is_err() {
        say("not run: advisories, because their database cannot be reached");
        return Ok(());
    }
    cargo(&["deny", "--locked", "check", "advisories"])
}
