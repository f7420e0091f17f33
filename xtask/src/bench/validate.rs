//! `detente validate` beside the same machine started by hand, in turn.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use super::measure::{measure, median};
use super::scratch::Scratch;
use super::{Report, Setup, program};
use crate::say::say;
use crate::tool::Tool;

/// What a validation may cost more than the boot that it watches.
const LIMIT: f64 = 1.15;

/// What `by_hand` prints.
#[derive(Deserialize)]
struct ByHand {
    seconds: f64,
    multi_user_seconds: f64,
    acceleration: String,
    command: String,
}

/// One validation, and where its time went as its own record says.
struct Validation {
    seconds: f64,
    ready: f64,
    shutdown: f64,
}

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    let scratch = Scratch::new()?;
    let mut ours = Vec::new();
    let mut peers = Vec::new();
    for pair in 1..=setup.pairs {
        // In turn, and who begins changes too: what drifts does not favour one side.
        if pair % 2 == 1 {
            ours.push(validate(&setup.image, &scratch, pair)?);
            peers.push(by_hand(&setup.image, &scratch, pair)?);
        } else {
            peers.push(by_hand(&setup.image, &scratch, pair)?);
            ours.push(validate(&setup.image, &scratch, pair)?);
        }
        if let (Some(our), Some(peer)) = (ours.last(), peers.last()) {
            say(&format!(
                "pair {pair}: validate {:.2} s, by hand {:.2} s",
                our.seconds, peer.seconds
            ));
        }
    }
    report(&ours, &peers)
}

fn validate(image: &Path, scratch: &Scratch, pair: usize) -> anyhow::Result<Validation> {
    let out = scratch.path().join(format!("run{pair}"));
    let (image, folder) = (image.display().to_string(), out.display().to_string());
    let arguments = [
        "validate",
        &image,
        "--profile",
        "kvm",
        "--plan",
        "smoke",
        "--out",
        &folder,
    ];
    let seconds = measure(program("detente"), arguments)?.seconds;
    let run = std::fs::read(out.join("run.json")).context("run.json")?;
    let run: Value = serde_json::from_slice(&run).context("run.json")?;
    let took = |case: &str| {
        let cases = run.pointer("/profiles/0/cases")?.as_array()?;
        let found = cases.iter().find(|found| found["case_id"] == case)?;
        Some(found["duration_ms"].as_f64()? / 1000.0)
    };
    Ok(Validation {
        seconds,
        ready: took("BOOT-01").context("run.json has no BOOT-01")?,
        shutdown: took("PWR-01").context("run.json has no PWR-01")?,
    })
}

fn by_hand(image: &Path, scratch: &Scratch, pair: usize) -> anyhow::Result<ByHand> {
    let work = scratch.folder(&format!("hand{pair}"))?;
    let printed = Tool::new(&program("examples/by_hand").display().to_string())
        .arg(image)
        .arg(&work)
        .capture()?;
    serde_json::from_str(&printed).context("what by_hand printed")
}

fn report(ours: &[Validation], peers: &[ByHand]) -> anyhow::Result<Report> {
    let our = median(ours.iter().map(|run| run.seconds));
    let peer = median(peers.iter().map(|run| run.seconds));
    let ratio = our / peer;
    let hand = peers.last().context("there was no pair")?;
    let ready = median(ours.iter().map(|run| run.ready));
    let shutdown = median(ours.iter().map(|run| run.shutdown));
    let multi_user = median(peers.iter().map(|run| run.multi_user_seconds));
    let text = format!(
        "Medians of {} pairs, in turn. Acceleration: {}.\n\n\
         | | start to end | boot | shutdown | the rest |\n|---|---|---|---|---|\n\
         | `detente validate {GUEST} --profile kvm --plan smoke --out DIR` \
         | {our:.2} s | {ready:.2} s | {shutdown:.2} s | {:.2} s |\n\
         | QEMU by hand | {peer:.2} s | {multi_user:.2} s | {:.2} s | |\n\
         | ratio (limit {LIMIT}) | **{ratio:.3}** | | | |\n\n\
         Every pair, validate / by hand, in seconds: {}.\n\n\
         By hand:\n\n```sh\n{}\n```",
        peers.len(),
        hand.acceleration,
        our - ready - shutdown,
        peer - multi_user,
        pairs(ours, peers),
        hand.command,
        GUEST = super::GUEST,
    );
    let over = (ratio > LIMIT)
        .then(|| format!("validate takes {ratio:.3} times as long as by hand, limit {LIMIT}"));
    Ok(Report {
        text,
        over: over.into_iter().collect(),
        missing: Vec::new(),
    })
}

fn pairs(ours: &[Validation], peers: &[ByHand]) -> String {
    let pairs = ours.iter().zip(peers);
    let pairs = pairs.map(|(our, peer)| format!("{:.2} / {:.2}", our.seconds, peer.seconds));
    pairs.collect::<Vec<_>>().join(", ")
}
