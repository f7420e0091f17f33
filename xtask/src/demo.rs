//! `cargo xtask demo`: three guests on both sides' hardware, and whether they come out as they must.
//!
//! The first runs on both. The other two were made to run on one side only: the demo tells them
//! apart, by verdict and by the name of the driver that is missing. Its extended form
//! ([`prepare`]) then makes those two run on both sides, and takes that back.

mod prepare;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::say::say;
use crate::workspace::{root, target};

/// What asks for the extended form.
const EXTENDED: &str = "--extended";

/// A guest and how it comes out.
#[derive(Clone, Copy)]
struct Shown {
    image: &'static str,
    why: &'static str,
    kvm: Wanted,
    hyperv: Wanted,
}

/// How a guest comes out on one side.
#[derive(Clone, Copy)]
enum Wanted {
    Passed,
    /// A required case fails and names this driver.
    FailedFor(&'static str),
}

const GUESTS: [Shown; 3] = [
    Shown {
        image: "debian12",
        why: "a Debian 12 server as it comes: it must run on both",
        kvm: Wanted::Passed,
        hyperv: Wanted::Passed,
    },
    Shown {
        image: "debian12-kvm-only",
        why: "its initramfs holds drivers for KVM's hardware only: it must not come up on Hyper-V's",
        kvm: Wanted::Passed,
        hyperv: Wanted::FailedFor("hv_storvsc"),
    },
    Shown {
        image: "debian12-hyperv-only",
        why: "the other way round",
        kvm: Wanted::FailedFor("virtio_blk"),
        hyperv: Wanted::Passed,
    },
];

const INTRODUCTION: &str = "\
Three servers are booted on two kinds of virtual hardware each: kvm, by QEMU, and hyperv-vmbus, by
détente's Hyper-V-compatible machine. Where this machine has no usable KVM both are translated: a
server takes two to five minutes then, the whole demo about a quarter of an hour, and twice that
beside other work. A server that cannot find its disk looks for it without end: it is given four
minutes.";

/// How long the guests that are made for one side may take to boot, in seconds: dracut looks for the
/// root for longer than the plan waits. On two busy processors kvm takes about a minute.
const ONE_SIDED_LIMIT: &str = "240";

/// Both sides' hardware, as options.
const SIDES: [&str; 4] = ["--profile", "kvm", "--profile", "hyperv-vmbus"];

/// What a validation ends with when a required case failed, and when none did.
const FINDING: [i32; 2] = [0, 1];

/// Runs the demo with the release build; fails unless every guest comes out as it must.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (flags, names): (Vec<String>, Vec<String>) =
        arguments.iter().cloned().partition(|word| word == EXTENDED);
    let extended = !flags.is_empty();
    say(INTRODUCTION);
    if extended {
        say(prepare::INTRODUCTION);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let folder = target("demo").join(format!("run-{}", now.as_secs()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut lines = Vec::new();
    for guest in &GUESTS {
        if names.is_empty() || names.iter().any(|name| name == guest.image) {
            let image = target("images").join(format!("{}.qcow2", guest.image));
            lines.extend(show(guest, &image, &folder.join(guest.image))?);
            if extended && guest.is_one_sided() {
                lines.extend(prepare::show(guest, &image, &folder)?);
            }
        }
    }
    say("\nWhat was to be seen, and what was:");
    let wrong = lines.iter().filter(|line| !line.right).count();
    for line in &lines {
        say(&line.text);
    }
    say(&format!("The evidence is in {}.", folder.display()));
    if wrong > 0 {
        bail!("{wrong} of {} are not as they must be", lines.len());
    }
    Ok(())
}

/// How a guest came out on one side.
struct Line {
    right: bool,
    text: String,
}

impl Shown {
    /// Whether it was made for one side.
    fn is_one_sided(&self) -> bool {
        !matches!((self.kvm, self.hyperv), (Wanted::Passed, Wanted::Passed))
    }
}

/// Boots a guest on both sides' hardware; the evidence goes into the folder `out`.
fn show(guest: &Shown, image: &Path, out: &Path) -> anyhow::Result<Vec<Line>> {
    say(&format!("\n=== {}: {}", guest.image, guest.why));
    let started = Instant::now();
    let mut command = validate(image, out);
    if guest.is_one_sided() {
        command.args(["--boot-limit", ONE_SIDED_LIMIT]);
    }
    let status = command
        .status()
        .context("cannot start target/release/detente")?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    say(&format!("=== {}: {minutes:.1} minutes", guest.image));
    // Without a document neither side was seen; the other guests are shown all the same.
    let run = match status.code() {
        Some(code) if FINDING.contains(&code) => read(out)?,
        Some(_) | None => Value::Null,
    };
    Ok([("kvm", guest.kvm), ("hyperv-vmbus", guest.hyperv)]
        .map(|(profile, wanted)| line(guest.image, &run, profile, wanted))
        .into())
}

fn read(out: &Path) -> anyhow::Result<Value> {
    let text = fs::read(out.join("run.json")).context("the run left no document")?;
    serde_json::from_slice(&text).context("the run's document is no JSON")
}

fn validate(image: &Path, out: &Path) -> Command {
    let mut command = detente();
    command
        .args(["validate", "--plan", "smoke"])
        .args(SIDES)
        .arg(relative(image.to_owned()))
        .arg("--out")
        .arg(relative(out.to_owned()));
    command
}

/// The release build. The folders of its user are left alone: the lab's kernel is one of the images.
fn detente() -> Command {
    let mut command = Command::new(target("release/detente"));
    command
        .current_dir(root())
        .env("XDG_CACHE_HOME", target("images").join("cache"))
        .env_remove("XDG_RUNTIME_DIR");
    command
}

/// As somebody would write it who stands in the repository.
fn relative(path: PathBuf) -> PathBuf {
    match path.strip_prefix(root()) {
        Ok(below) => below.to_owned(),
        Err(_) => path,
    }
}

fn line(image: &str, run: &Value, profile: &str, wanted: Wanted) -> Line {
    let part = run["profiles"]
        .as_array()
        .and_then(|parts| parts.iter().find(|part| part["profile"] == profile))
        .unwrap_or(&Value::Null);
    let verdict = part["verdict"].as_str().unwrap_or("nothing");
    let (right, expected) = match wanted {
        Wanted::Passed => (verdict == "passed", "passed".to_owned()),
        Wanted::FailedFor(driver) => (
            verdict == "failed" && names_missing(part, driver),
            format!("failed, for want of {driver}"),
        ),
    };
    let mark = if right { "✓" } else { "✗" };
    let seen = if right { "so it is" } else { verdict };
    Line {
        right,
        text: format!("{mark} {image:22} {profile:14} {expected}: {seen}"),
    }
}

/// Whether a failed case says that this driver is missing.
fn names_missing(part: &Value, driver: &str) -> bool {
    let cases = part["cases"].as_array().map_or(&[][..], Vec::as_slice);
    cases.iter().any(|case| {
        let message = case["message"].as_str().unwrap_or_default();
        case["outcome"] == "failed"
            && message.contains("holds no module")
            && message.contains(driver)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(verdict: &str, message: &str) -> Value {
        json!({ "profiles": [{
            "profile": "kvm",
            "verdict": verdict,
            "cases": [{ "outcome": "failed", "message": message }],
        }] })
    }

    #[test]
    fn a_failure_that_names_another_driver_is_not_the_one() {
        let wanted = Wanted::FailedFor("virtio_blk");
        let right = |message| line("a", &run("failed", message), "kvm", wanted).right;
        assert!(right(
            "the initramfs holds no module virtio_pci, virtio_blk: the root disk"
        ));
        assert!(!right(
            "the initramfs holds no module hv_storvsc: the root disk"
        ));
        assert!(!right("virtio_blk: it did not come up in time"));
    }

    #[test]
    fn a_side_that_was_not_tried_is_wrong() {
        let run = run("passed", "");
        assert!(line("a", &run, "kvm", Wanted::Passed).right);
        assert!(!line("a", &run, "hyperv-vmbus", Wanted::Passed).right);
        assert!(!line("a", &Value::Null, "kvm", Wanted::Passed).right);
    }
}
