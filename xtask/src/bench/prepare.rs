//! `detente prepare` beside `virt-v2v -i disk -o local`, which boots an appliance of its own and has
//! the guest's programs run there: the same guest, both in QEMU's translator, one after the other.

use std::path::Path;

use anyhow::Context;

use super::measure::{Run, measure};
use super::scratch::Scratch;
use super::{Report, Setup, program};
use crate::say::say;
use crate::tool::{self, Tool};
use crate::workspace::target;

/// The servers: one that has to be changed, and one that fits both sides, which we only copy.
const GUESTS: [(&str, &str); 2] = [
    (CHANGED, "drivers for KVM's hardware only"),
    (
        "debian12.qcow2",
        "fits both sides: nothing is to be changed",
    ),
];

/// The one that the goal is about.
const CHANGED: &str = "debian12-kvm-only.qcow2";

const PEER: &str = "virt-v2v";

/// No libvirt, and QEMU's translator on every machine: a `/dev/kvm` may be there and of no use.
const PEER_COMMAND: [&str; 6] = [
    "env",
    "LIBGUESTFS_BACKEND=direct",
    "LIBGUESTFS_BACKEND_SETTINGS=force_tcg",
    "timeout",
    PEER_LIMIT_S,
    PEER,
];

/// How long the peer may take.
const PEER_LIMIT_S: &str = "1800";

/// How many times longer the peer takes, at least.
const RATIO_GOAL: f64 = 3.0;

/// What we are asked.
const OPTIONS: [&str; 5] = ["--emulate", "--profile", "kvm", "--profile", "hyperv-vmbus"];

pub(super) fn run(_: &Setup) -> anyhow::Result<Report> {
    let mut report = Report {
        text: heading(),
        over: Vec::new(),
        missing: Vec::new(),
    };
    for (guest, _) in GUESTS {
        if !target("images").join(guest).is_file() {
            report.missing.push(format!("{guest} is not there"));
        }
    }
    if !tool::exists(PEER) {
        report.missing.push(format!("{PEER} is not there"));
    }
    if !report.missing.is_empty() {
        return Ok(report);
    }
    for (guest, about) in GUESTS {
        let scratch = Scratch::new()?;
        let image = target("images").join(guest);
        let ours = ours(&image, &scratch)?;
        let peer = peer(&image, &scratch)?;
        compare(&mut report, guest, about, &ours, &peer);
    }
    Ok(report)
}

/// The commands, and the head of the table.
fn heading() -> String {
    format!(
        "One run each; the peer is given {PEER_LIMIT_S} s. Ours: `detente prepare GUEST -o OUT {}`; \
         the peer: `{} -i disk GUEST -o local -os DIR -of qcow2`.\n\n\
         | guest | ours, wall | the peer, wall | the peer's to ours | processor, ours | the peer's |\n\
         |---|---|---|---|---|---|\n",
        OPTIONS.join(" "),
        PEER_COMMAND.join(" "),
    )
}

/// Prepares, and looks whether nothing is found any more on what came out.
fn ours(image: &Path, scratch: &Scratch) -> anyhow::Result<Run> {
    let out = scratch.path().join("both.qcow2");
    let mut command = vec!["prepare".to_owned(), image.display().to_string()];
    command.extend(["-o".to_owned(), out.display().to_string()]);
    command.extend(OPTIONS.map(str::to_owned));
    let run = measure(program("detente"), command)?;
    say(&format!("prepare {:.1} s", run.seconds));
    Tool::new(&program("detente").display().to_string())
        .args(["check", "--profile", "kvm", "--profile", "hyperv-vmbus"])
        .arg(&out)
        .capture()
        .context("what we prepared is not ready")?;
    Ok(run)
}

fn peer(image: &Path, scratch: &Scratch) -> anyhow::Result<Run> {
    let out = scratch.folder("peer")?.display().to_string();
    let image = image.display().to_string();
    let [command, rest @ ..] = PEER_COMMAND;
    let own = ["-i", "disk", &image, "-o", "local", "-os", &out];
    let format = ["-of", "qcow2"];
    let run = measure(command, rest.into_iter().chain(own).chain(format))?;
    say(&format!("{PEER} {:.1} s", run.seconds));
    Ok(run)
}

/// A row; the goal is held against the guest that is changed.
fn compare(report: &mut Report, guest: &str, about: &str, ours: &Run, peer: &Run) {
    let ratio = peer.seconds / ours.seconds;
    let goal = match guest {
        CHANGED => format!(" (goal {RATIO_GOAL:.0})"),
        _ => String::new(),
    };
    report.text.push_str(&format!(
        "| `{guest}`: {about} | {:.1} s | {:.1} s | **{ratio:.2}**{goal} | {:.1} s | {:.1} s |\n",
        ours.seconds, peer.seconds, ours.cpu_seconds, peer.cpu_seconds,
    ));
    if guest == CHANGED && ratio < RATIO_GOAL {
        report.over.push(format!(
            "prepare: {ratio:.2} times less than {PEER}, goal {RATIO_GOAL:.0}"
        ));
    }
}
