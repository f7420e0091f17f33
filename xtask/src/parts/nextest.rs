//! Running nextest, and reading what it says: its closing line, and the skips
//! in the output of tests that passed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::budget::HOSTILE_SECONDS;
use super::skips;
use crate::say::say;
use crate::tool::Tool;
use crate::workspace;

const HOSTILE: &str = "binary(hostile)";

/// One run of nextest.
pub(crate) struct Nextest {
    profile: &'static str,
    filter: Option<String>,
    hostile_seconds: Option<u64>,
}

/// What a run said.
pub(crate) struct Report {
    /// Whether every test passed.
    pub(crate) passed: bool,
    /// nextest's summary, as it wrote it.
    pub(crate) closing: String,
    /// `test-name: reason` of each test that could not run.
    pub(crate) skipped: Vec<String>,
}

impl Nextest {
    /// Everything that boots no guest; the exercisers have a part of their own.
    pub(crate) fn unit() -> Self {
        let filter = Some(format!("not {HOSTILE}"));
        Self {
            profile: "default",
            filter,
            hostile_seconds: None,
        }
    }

    /// The exercisers, which share their time out among themselves.
    pub(crate) fn hostile() -> anyhow::Result<Self> {
        let seconds = HOSTILE_SECONDS
            .checked_div(exercisers()?)
            .unwrap_or(HOSTILE_SECONDS)
            .max(1);
        Ok(Self {
            profile: "default",
            filter: Some(HOSTILE.to_owned()),
            hostile_seconds: Some(seconds),
        })
    }

    /// The tests that boot guests.
    pub(crate) fn boots() -> Self {
        Self {
            profile: "boots",
            filter: None,
            hostile_seconds: None,
        }
    }

    /// Runs and shows what nextest prints.
    pub(crate) fn run(&self) -> anyhow::Result<Report> {
        let report = workspace::target("nextest")
            .join(self.profile)
            .join("junit.xml");
        let _ = fs::remove_file(&report); // of an earlier run; its absence is no matter
        let mut child = self
            .command()
            .spawn()
            .context("cargo nextest cannot be started")?;
        let stderr = child
            .stderr
            .take()
            .expect("stderr was asked for in command()");
        let mut closing = None;
        for line in BufReader::new(stderr).split(b'\n') {
            let line = String::from_utf8_lossy(&line.context("nextest's output cannot be read")?)
                .into_owned();
            say(&line);
            if is_closing(&line) {
                closing = Some(line);
            }
        }
        let status = child.wait().context("nextest cannot be waited for")?;
        let junit = fs::read_to_string(&report);
        if status.success() && junit.is_err() {
            bail!("nextest wrote no report: nobody knows which tests were skipped");
        }
        Ok(Report {
            passed: status.success(),
            closing: closing
                .unwrap_or_else(|| format!("nextest closed with {status} and no summary")),
            skipped: skips::reported(&junit.unwrap_or_default()),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("cargo");
        command.args([
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--profile",
            self.profile,
        ]);
        if let Some(filter) = &self.filter {
            command.args(["--filterset", filter]);
        }
        if let Some(seconds) = self.hostile_seconds {
            command.env("DETENTE_HOSTILE_SECONDS", seconds.to_string());
        }
        command
            .current_dir(workspace::root())
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

/// How many test programs exercise parsers.
fn exercisers() -> anyhow::Result<u64> {
    let list = Tool::new("cargo")
        .args([
            "nextest",
            "list",
            "--locked",
            "--workspace",
            "--list-type",
            "binaries-only",
            "--message-format",
            "json",
        ])
        .args(["--manifest-path"])
        .arg(workspace::root().join("Cargo.toml"))
        .capture()?;
    let list: Value =
        serde_json::from_str(&list).context("nextest wrote something else than JSON")?;
    let binaries = list["rust-binaries"]
        .as_object()
        .context("nextest lists no programs")?;
    let count = binaries
        .values()
        .filter(|binary| binary["binary-name"] == "hostile")
        .count();
    u64::try_from(count).context("more exercisers than there are numbers")
}

/// `     Summary [   2.258s] 20 tests run: 20 passed, 0 skipped`
fn is_closing(line: &str) -> bool {
    line.trim_start().starts_with("Summary [")
}
