//! Packets through the rings of a channel of the Hyper-V-compatible machine, beside memcpy.

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::measure::median;
use super::{Report, Setup, program};
use crate::tool::Tool;

/// The example that measures.
const EXAMPLE: &str = "ring_speed";

/// A line of what it prints.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Measured {
    direction: String,
    payload_bytes: u32,
    packets_a_second: f64,
    ring_bytes_a_second: f64,
    memcpy_bytes_a_second: f64,
}

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    Tool::new("cargo")
        .args(["build", "--release", "--locked", "--package"])
        .args(["detente-hyperv", "--example", EXAMPLE])
        .run()?;
    let runs = (0..setup.pairs)
        .map(|_| once())
        .collect::<anyhow::Result<Vec<_>>>()?;
    report(&runs)
}

fn once() -> anyhow::Result<Vec<Measured>> {
    let printed = Tool::new(
        &program(&format!("examples/{EXAMPLE}"))
            .display()
            .to_string(),
    )
    .capture()?;
    serde_json::from_str(&printed).with_context(|| format!("what {EXAMPLE} printed"))
}

fn report(runs: &[Vec<Measured>]) -> anyhow::Result<Report> {
    let first = runs.first().context("there was no run")?;
    let mut text = format!(
        "Medians of {} runs, rings and memcpy in turn; rings of 64 pages of data.\n\n\
         | direction | payload | packets a second | through the ring | memcpy | share of memcpy |\n\
         |---|---|---|---|---|---|\n",
        runs.len()
    );
    for (at, line) in first.iter().enumerate() {
        let same: Vec<_> = runs.iter().filter_map(|run| run.get(at)).collect();
        ensure!(same.len() == runs.len(), "the runs differ");
        let of = |what: fn(&Measured) -> f64| median(same.iter().map(|line| what(line)));
        let ring = of(|line| line.ring_bytes_a_second);
        let memcpy = of(|line| line.memcpy_bytes_a_second);
        text.push_str(&format!(
            "| {} | {} bytes | {:.2} million | {:.0} MB/s | {:.0} MB/s | {:.1} % |\n",
            line.direction,
            line.payload_bytes,
            of(|line| line.packets_a_second) / 1e6,
            ring / 1e6,
            memcpy / 1e6,
            100.0 * ring / memcpy,
        ));
    }
    let over = Vec::new();
    Ok(Report {
        text,
        over,
        missing: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Measured, report};

    #[test]
    fn each_line_is_the_median_of_the_runs() {
        let run = |packets_a_second: f64| {
            vec![Measured {
                direction: "to host".to_owned(),
                payload_bytes: 104,
                packets_a_second,
                ring_bytes_a_second: packets_a_second * 128.0,
                memcpy_bytes_a_second: 1e9,
            }]
        };
        let report = report(&[run(3e6), run(1e6), run(2e6)]).unwrap();
        let line = "| to host | 104 bytes | 2.00 million | 256 MB/s | 1000 MB/s | 25.6 % |";
        assert!(report.text.contains(line), "{}", report.text);
    }
}
