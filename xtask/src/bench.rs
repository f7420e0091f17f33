//! `cargo xtask bench`: how fast we are, each time beside a peer in the same run.
//!
//! What is measured is written into `docs/benchmarks.md`, each benchmark into a section of its
//! own, so that a rerun replaces no other. A trial (`--pairs`) is only shown.

mod digest;
mod disk;
mod inspect;
mod machine;
mod measure;
mod page;
mod prepare;
mod ring;
mod scratch;
mod storvsc;
mod validate;

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::say::say;
use crate::tool::Tool;
use crate::workspace::target;

/// How often each side of a pair is measured, in turn.
const PAIRS: usize = 5;

/// The guest that everything is measured with.
const GUEST: &str = "debian12.qcow2";

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bench {
    Validate,
    Inspect,
    Digest,
    Ring,
    Storvsc,
    Disk,
    Prepare,
}

const BENCHES: [Bench; 7] = [
    Bench::Validate,
    Bench::Inspect,
    Bench::Digest,
    Bench::Ring,
    Bench::Storvsc,
    Bench::Disk,
    Bench::Prepare,
];

impl Bench {
    fn name(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Inspect => "inspect",
            Self::Digest => "digest",
            Self::Ring => "ring",
            Self::Storvsc => "storvsc",
            Self::Disk => "disk",
            Self::Prepare => "prepare",
        }
    }

    fn run(self, setup: &Setup) -> anyhow::Result<Report> {
        match self {
            Self::Validate => validate::run(setup),
            Self::Inspect => inspect::run(setup),
            Self::Digest => digest::run(setup),
            Self::Ring => ring::run(setup),
            Self::Storvsc => storvsc::run(setup),
            Self::Disk => disk::run(setup),
            Self::Prepare => prepare::run(setup),
        }
    }

    /// Whether it is measured with the program and the guest's image, or builds what it wants.
    fn needs_image(self) -> bool {
        match self {
            Self::Validate | Self::Inspect | Self::Digest | Self::Prepare => true,
            Self::Ring | Self::Storvsc | Self::Disk => false,
        }
    }
}

/// What every benchmark is given.
struct Setup {
    image: PathBuf,
    pairs: usize,
}

/// What a benchmark found.
struct Report {
    /// Markdown: commands, a table, ratios.
    text: String,
    /// The limits that were passed over, in words.
    over: Vec<String>,
    /// What has to be measured yet before the page can be written.
    missing: Vec<String>,
}

/// How the chore was called.
struct Call {
    benches: Vec<Bench>,
    pairs: usize,
    check: bool,
}

/// Runs the named benchmarks, or all of them.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    if let [first, command @ ..] = arguments
        && first == measure::FLAG
    {
        return measure::in_this_process(command);
    }
    let call = parse(arguments)?;
    let setup = Setup {
        image: target("images").join(GUEST),
        pairs: call.pairs,
    };
    if call.benches.iter().any(|bench| bench.needs_image()) {
        if !setup.image.is_file() {
            bail!("{} is missing: `cargo xtask images`", setup.image.display());
        }
        build()?;
    }
    let mut over = Vec::new();
    for bench in call.benches {
        say(&format!("== {}", bench.name()));
        let facts = machine::facts()?;
        let report = bench.run(&setup)?;
        let section = format!("{facts}\n\n{}", report.text.trim());
        say(&section);
        if !report.missing.is_empty() {
            let missing = report.missing.join(", ");
            say(&format!(
                "(kept; {} is as it was, for these are missing: {missing})",
                page::FILE
            ));
        } else if call.pairs == PAIRS {
            page::replace(bench.name(), &section)?;
        } else {
            say(&format!("(a trial: {} is as it was)", page::FILE));
        }
        over.extend(report.over);
    }
    over.iter()
        .for_each(|line| say(&format!("over the limit: {line}")));
    if call.check && !over.is_empty() {
        bail!("{} limits were passed over", over.len());
    }
    Ok(())
}

fn parse(arguments: &[String]) -> anyhow::Result<Call> {
    let mut call = Call {
        benches: Vec::new(),
        pairs: PAIRS,
        check: false,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => call.check = true,
            "--pairs" => {
                let count = arguments.next().context("--pairs wants a number")?;
                call.pairs = count.parse().context("--pairs wants a number")?;
            }
            name => {
                let bench = BENCHES.into_iter().find(|bench| bench.name() == name);
                call.benches
                    .push(bench.with_context(|| format!("no benchmark is called {name}"))?);
            }
        }
    }
    if call.pairs == 0 {
        bail!("--pairs wants a number above zero");
    }
    if call.benches.is_empty() {
        call.benches = BENCHES.to_vec();
    }
    Ok(call)
}

/// The program as users have it, and the peers that are ours.
fn build() -> anyhow::Result<()> {
    Tool::new("cargo")
        .args(["build", "--release", "--locked", "--package", "detente-cli"])
        .args(["--bin", "detente"])
        .args(["--example", "by_hand", "--example", "content_digest"])
        .run()
}

/// `target/release/NAME`.
fn program(name: &str) -> PathBuf {
    target("release").join(name)
}
