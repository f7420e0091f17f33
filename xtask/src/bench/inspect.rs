//! `detente inspect` beside libguestfs's virt-inspector, which boots an appliance of its own. All
//! warm: the image is in the page cache, the appliance in libguestfs's.

use super::measure::{Run, measure, median};
use super::{GUEST, Report, Setup, program};
use crate::say::say;
use crate::tool;

const RUNS: usize = 20;

/// The peer takes most of a minute each time.
const PEER_RUNS: usize = 3;

const PEER: &str = "virt-inspector";

/// No libvirt, and QEMU's translator on every machine: a `/dev/kvm` may be there and of no use.
const PEER_COMMAND: [&str; 5] = [
    "env",
    "LIBGUESTFS_BACKEND=direct",
    "LIBGUESTFS_BACKEND_SETTINGS=force_tcg",
    PEER,
    "-a",
];

/// How many times longer the peer takes, at least.
const RATIO_GOAL: f64 = 50.0;

/// What the peer takes at most where the processor helps: guestfs-performance(1), "Baseline
/// measurements": under 6 s until the appliance runs, and at most 5 s more for an inspection.
const MANUAL_S: f64 = 11.0;

/// How many times longer than we that is, at least.
const MANUAL_GOAL: f64 = 20.0;

const MEMORY_LIMIT_MIB: f64 = 64.0;

/// A way of asking, and what it may take.
struct Question {
    options: &'static [&'static str],
    limit_ms: f64,
}

/// What the peer answers, and more: it has no look at the initramfs.
const EVERYTHING: Question = Question {
    options: &["--initramfs", "--packages"],
    limit_ms: 500.0,
};

const QUESTIONS: [Question; 3] = [
    Question {
        options: &[],
        limit_ms: 100.0,
    },
    Question {
        options: &["--packages"],
        limit_ms: 100.0,
    },
    Question {
        options: &["--initramfs"],
        limit_ms: 500.0,
    },
];

/// What some runs of one command took.
struct Figures {
    median_s: f64,
    slowest_s: f64,
    cpu_s: f64,
    peak_mib: f64,
}

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    let mut report = Report {
        text: format!(
            "{RUNS} runs each, {PEER_RUNS} of the peer, after one that is not counted.\n\n\
             | | median | slowest | limit | processor | peak memory | limit |\n\
             |---|---|---|---|---|---|---|\n"
        ),
        over: Vec::new(),
        missing: Vec::new(),
    };
    for question in &QUESTIONS {
        let figures = ours(setup, question)?;
        judge(&mut report, question, &figures);
    }
    let everything = ours(setup, &EVERYTHING)?;
    judge(&mut report, &EVERYTHING, &everything);
    if !tool::exists(PEER) {
        report.missing.push(format!("{PEER} is not there"));
        return Ok(report);
    }
    let image = setup.image.display().to_string();
    let [command, rest @ ..] = PEER_COMMAND;
    let peer = figures(PEER_RUNS, || {
        measure(command, rest.into_iter().chain([image.as_str()]))
    })?;
    compare(&mut report, &everything, &peer);
    Ok(report)
}

fn ours(setup: &Setup, question: &Question) -> anyhow::Result<Figures> {
    let image = setup.image.display().to_string();
    figures(RUNS, || {
        let arguments = ["inspect", &image].into_iter();
        measure(
            program("detente"),
            arguments.chain(question.options.iter().copied()),
        )
    })
}

fn figures(count: usize, once: impl Fn() -> anyhow::Result<Run>) -> anyhow::Result<Figures> {
    once()?;
    let runs = (0..count)
        .map(|_| once())
        .collect::<anyhow::Result<Vec<Run>>>()?;
    let peak_kib = runs.iter().map(|run| run.peak_kib).max();
    let figures = Figures {
        median_s: median(runs.iter().map(|run| run.seconds)),
        slowest_s: runs.iter().map(|run| run.seconds).fold(0.0, f64::max),
        cpu_s: median(runs.iter().map(|run| run.cpu_seconds)),
        peak_mib: mib(peak_kib.unwrap_or_default()),
    };
    say(&format!("{:.4} s", figures.median_s));
    Ok(figures)
}

/// A row, held against its limits.
fn judge(report: &mut Report, question: &Question, figures: &Figures) {
    let command = [&["detente", "inspect", GUEST], question.options]
        .concat()
        .join(" ");
    let limit_ms = question.limit_ms;
    let median_ms = figures.median_s * 1000.0;
    let peak_mib = figures.peak_mib;
    report.text.push_str(&format!(
        "| `{command}` | {median_ms:.1} ms | {:.1} ms | {limit_ms:.0} ms | {:.1} ms \
         | {peak_mib:.1} MiB | {MEMORY_LIMIT_MIB:.0} MiB |\n",
        figures.slowest_s * 1000.0,
        figures.cpu_s * 1000.0
    ));
    if median_ms > limit_ms {
        report.over.push(format!(
            "{command}: {median_ms:.1} ms, limit {limit_ms:.0} ms"
        ));
    }
    if peak_mib > MEMORY_LIMIT_MIB {
        report.over.push(format!(
            "{command}: {peak_mib:.1} MiB, limit {MEMORY_LIMIT_MIB:.0} MiB"
        ));
    }
}

/// The peer's row, and how many times longer it takes.
fn compare(report: &mut Report, everything: &Figures, peer: &Figures) {
    let options = EVERYTHING.options.join(" ");
    let ratio = peer.median_s / everything.median_s;
    let manual = MANUAL_S / everything.median_s;
    report.text.push_str(&format!(
        "| `{} {GUEST}` | {:.2} s | {:.2} s | | {:.2} s | {:.0} MiB | |\n\n\
         With `{options}` against the peer: **{ratio:.0}** times less wall time, {:.0} times less \
         memory (goal {RATIO_GOAL:.0} in time). Against the {MANUAL_S:.0} s that its manual expects \
         at most where the processor helps: **{manual:.0}** times (goal {MANUAL_GOAL:.0}).\n",
        PEER_COMMAND.join(" "),
        peer.median_s,
        peer.slowest_s,
        peer.cpu_s,
        peer.peak_mib,
        peer.peak_mib / everything.peak_mib,
    ));
    for (what, found, goal) in [
        ("the peer's time", ratio, RATIO_GOAL),
        ("its manual's", manual, MANUAL_GOAL),
    ] {
        if found < goal {
            report.over.push(format!(
                "inspect {options}: {found:.1} times less than {what}, goal {goal:.0}"
            ));
        }
    }
}

/// KiB as MiB.
fn mib(kib: i64) -> f64 {
    i32::try_from(kib).map_or(f64::INFINITY, f64::from) / 1024.0
}
