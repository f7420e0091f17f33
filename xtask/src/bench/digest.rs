//! The digest of an image's content beside `qemu-img convert` and SHA-256 of the raw file, in turn.

use std::time::Instant;

use anyhow::Context;
use serde::Deserialize;

use super::measure::median;
use super::scratch::Scratch;
use super::{GUEST, Report, Setup, program};
use crate::tool::{Tool, exists};

/// What `content_digest` prints.
#[derive(Deserialize)]
struct Digest {
    seconds: f64,
    read_bytes: f64,
    virtual_bytes: f64,
}

/// Programs that sum a file up, as they are started. Debian 12's sha256sum does not use the
/// processor's own instructions, openssl does: the faster one is the peer.
const SUMS: [&[&str]; 2] = [&["sha256sum"], &["openssl", "dgst", "-sha256"]];

/// A peer's program, and how long each run took.
struct Sum {
    words: &'static [&'static str],
    seconds: Vec<f64>,
}

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    let scratch = Scratch::new()?;
    let raw = scratch.path().join("disk.raw");
    let mut sums = SUMS.map(|words| Sum {
        words,
        seconds: Vec::new(),
    });
    let (mut digests, mut convert) = (Vec::new(), Vec::new());
    // Once before anything counts, so that everybody reads from memory.
    digest(setup)?;
    for _ in 0..setup.pairs {
        digests.push(digest(setup)?);
        let tool = Tool::new("qemu-img").args(["convert", "-O", "raw"]);
        convert.push(timed(tool.arg(&setup.image).arg(&raw))?);
        for sum in &mut sums {
            if let Some((program, options)) = sum.words.split_first()
                && exists(program)
            {
                let tool = Tool::new(program).args(options).arg(&raw);
                sum.seconds.push(timed(tool)?);
            }
        }
    }
    report(&digests, median(convert), sums)
}

fn report(digests: &[Digest], convert: f64, sums: [Sum; 2]) -> anyhow::Result<Report> {
    let last = digests.last().context("there was no run")?;
    let our = median(digests.iter().map(|digest| digest.seconds));
    let (data, content) = (last.read_bytes / 1e6, last.virtual_bytes / 1e6);
    let row = |what: &str, seconds: f64| {
        let (data, content) = (data / seconds, content / seconds);
        format!("| {what} | {seconds:.2} s | {data:.0} MB/s | {content:.0} MB/s |\n")
    };
    let mut text = format!(
        "Medians of {} runs, in turn; {content:.0} MB of content, {data:.0} MB of them data.\n\n\
         | | time | data a second | content a second |\n|---|---|---|---|\n",
        digests.len()
    );
    text.push_str(&row(&format!("content digest of `{GUEST}`"), our));
    text.push_str(&row("`qemu-img convert -O raw`", convert));
    let mut fastest = f64::INFINITY;
    for sum in sums.into_iter().filter(|sum| !sum.seconds.is_empty()) {
        let seconds = median(sum.seconds);
        fastest = fastest.min(seconds);
        let what = format!("`{}` of the raw file", sum.words.join(" "));
        text.push_str(&row(&what, seconds));
    }
    let (all, alone) = (our / (convert + fastest), our / fastest);
    text.push_str(&format!(
        "| ratio to conversion and the faster sum | **{all:.3}** | | |\n\
         | ratio to the faster sum alone | {alone:.3} | | |"
    ));
    let over = Vec::new();
    Ok(Report {
        text,
        over,
        missing: Vec::new(),
    })
}

fn digest(setup: &Setup) -> anyhow::Result<Digest> {
    let printed = Tool::new(&program("examples/content_digest").display().to_string())
        .arg(&setup.image)
        .capture()?;
    serde_json::from_str(&printed).context("what content_digest printed")
}

/// How many seconds it took.
fn timed(tool: Tool) -> anyhow::Result<f64> {
    let started = Instant::now();
    tool.capture()?;
    Ok(started.elapsed().as_secs_f64())
}
