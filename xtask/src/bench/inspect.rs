//! `detente inspect`, warm: time and memory.
//!
//! The peer, libguestfs's virt-inspector, boots an appliance of its own; what it needed is in the
//! page's text, measured by hand.

use super::measure::{Run, measure, median};
use super::{GUEST, Report, Setup, program};

const RUNS: usize = 20;

const MEMORY_LIMIT_MIB: f64 = 64.0;

/// A way of asking, and what it may take.
struct Question {
    options: &'static [&'static str],
    limit_ms: f64,
}

const QUESTIONS: [Question; 2] = [
    Question {
        options: &[],
        limit_ms: 100.0,
    },
    Question {
        options: &["--initramfs"],
        limit_ms: 500.0,
    },
];

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    let mut text = format!(
        "{RUNS} runs each, after one that is not counted.\n\n\
         | | median | slowest | limit | peak memory | limit |\n|---|---|---|---|---|---|\n"
    );
    let mut over = Vec::new();
    for question in QUESTIONS {
        let image = setup.image.display().to_string();
        let once = || {
            let arguments = ["inspect", &image].into_iter();
            measure(
                program("detente"),
                arguments.chain(question.options.iter().copied()),
            )
        };
        once()?;
        let runs = (0..RUNS)
            .map(|_| once())
            .collect::<anyhow::Result<Vec<Run>>>()?;
        let median_ms = median(runs.iter().map(|run| run.seconds)) * 1000.0;
        let slowest_ms = runs.iter().map(|run| run.seconds).fold(0.0, f64::max) * 1000.0;
        let peak = runs
            .iter()
            .map(|run| run.peak_kib)
            .max()
            .unwrap_or_default();
        let peak_mib = mib(peak);
        let command = [&["detente", "inspect", GUEST], question.options]
            .concat()
            .join(" ");
        let limit_ms = question.limit_ms;
        text.push_str(&format!(
            "| `{command}` | {median_ms:.1} ms | {slowest_ms:.1} ms | {limit_ms:.0} ms \
             | {peak_mib:.1} MiB | {MEMORY_LIMIT_MIB:.0} MiB |\n"
        ));
        if median_ms > limit_ms {
            over.push(format!(
                "{command}: {median_ms:.1} ms, limit {limit_ms:.0} ms"
            ));
        }
        if peak_mib > MEMORY_LIMIT_MIB {
            over.push(format!(
                "{command}: {peak_mib:.1} MiB, limit {MEMORY_LIMIT_MIB:.0} MiB"
            ));
        }
    }
    Ok(Report {
        text,
        over,
        missing: Vec::new(),
    })
}

/// KiB as MiB.
fn mib(kib: i64) -> f64 {
    i32::try_from(kib).map_or(f64::INFINITY, f64::from) / 1024.0
}
