//! A disk through rings and storvsc beside `memcpy`, all in memory.

use anyhow::Context;
use serde::Deserialize;

use super::measure::median;
use super::{Report, Setup, program};
use crate::tool::Tool;

/// The example that measures.
const EXAMPLE: &str = "storvsc_speed";

/// A row that it prints.
#[derive(Deserialize)]
struct Row {
    what: String,
    bytes: u64,
    times: f64,
    seconds: f64,
}

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    let mut runs = Vec::new();
    for _ in 0..setup.pairs {
        runs.push(measured()?);
    }
    let rows = runs.first().context("there was no run")?;
    let mut text = format!(
        "Medians of {} runs, requests and their copies in turn.\n\n\
         | | requests a second | bytes a second | `memcpy` | ratio |\n|---|---|---|---|---|\n",
        setup.pairs
    );
    for (index, row) in rows.iter().enumerate() {
        // Each row that moves data is followed by its copies.
        if row.what != "memcpy" {
            let copies = rows.get(index + 1).is_some_and(|row| row.what == "memcpy");
            let peer = copies.then(|| rate(&runs, index + 1));
            text.push_str(&line(row, rate(&runs, index), peer));
        }
    }
    let over = Vec::new();
    Ok(Report {
        text,
        over,
        missing: Vec::new(),
    })
}

/// The median of how many a second a row did.
fn rate(runs: &[Vec<Row>], index: usize) -> f64 {
    let rows = runs.iter().filter_map(|run| run.get(index));
    median(rows.map(|row| row.times / row.seconds))
}

fn line(row: &Row, rate: f64, peer: Option<f64>) -> String {
    let what = match row.bytes {
        0 => row.what.clone(),
        bytes => format!("{} of {} KiB", row.what, bytes / 1024),
    };
    let Some(peer) = peer else {
        return format!("| {what} | {rate:.0} | | | |\n");
    };
    // Whole megabytes are exact enough, and far from where numbers of 64 bits are not.
    let megabytes = |rate: f64| rate * f64::from(u32::try_from(row.bytes).unwrap_or(0)) / 1e6;
    format!(
        "| {what} | {rate:.0} | {:.0} MB/s | {:.0} MB/s | **{:.2}** |\n",
        megabytes(rate),
        megabytes(peer),
        rate / peer
    )
}

fn measured() -> anyhow::Result<Vec<Row>> {
    let example = program(&format!("examples/{EXAMPLE}"));
    let printed = Tool::new(&example.display().to_string()).capture()?;
    printed
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("what {EXAMPLE} printed")))
        .collect()
}
