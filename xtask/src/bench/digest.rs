//! The digest of an image's content beside `qemu-img convert` and `sha256sum`, in turn.

use std::time::Instant;

use anyhow::Context;
use serde::Deserialize;

use super::measure::median;
use super::scratch::Scratch;
use super::{GUEST, Report, Setup, program};
use crate::tool::Tool;

/// What `content_digest` prints.
#[derive(Deserialize)]
struct Digest {
    seconds: f64,
    read_bytes: f64,
    virtual_bytes: f64,
}

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    let scratch = Scratch::new()?;
    let raw = scratch.path().join("disk.raw");
    let mut digests = Vec::new();
    let (mut convert, mut sum) = (Vec::new(), Vec::new());
    // Once before anything counts, so that everybody reads from memory.
    digest(setup)?;
    for _ in 0..setup.pairs {
        digests.push(digest(setup)?);
        convert.push(timed(
            Tool::new("qemu-img")
                .args(["convert", "-O", "raw"])
                .arg(&setup.image)
                .arg(&raw),
        )?);
        sum.push(timed(Tool::new("sha256sum").arg(&raw))?);
    }
    let last = digests.last().context("there was no run")?;
    let our = median(digests.iter().map(|digest| digest.seconds));
    let (convert, sum) = (median(convert), median(sum));
    let peer = convert + sum;
    let (data, content) = (last.read_bytes / 1e6, last.virtual_bytes / 1e6);
    let text = format!(
        "Medians of {} runs, in turn; {content:.0} MB of content, {data:.0} MB of them data.\n\n\
         | | time | data a second | content a second |\n|---|---|---|---|\n\
         | content digest of `{GUEST}` | {our:.2} s | {:.0} MB/s | {:.0} MB/s |\n\
         | `qemu-img convert -O raw`, then `sha256sum` | {peer:.2} s | {:.0} MB/s | {:.0} MB/s |\n\
         | of these `sha256sum` alone | {sum:.2} s | {:.0} MB/s | {:.0} MB/s |\n\
         | ratio to convert and sum | **{:.3}** | | |\n\
         | ratio to the sum alone | {:.3} | | |",
        digests.len(),
        data / our,
        content / our,
        data / peer,
        content / peer,
        data / sum,
        content / sum,
        our / peer,
        our / sum,
    );
    let over = Vec::new();
    Ok(Report { text, over })
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
