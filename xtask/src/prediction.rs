//! `cargo xtask prediction`: what `check` says of booting, beside what `validate` sees, for every
//! demo guest on every profile that boots here.
//!
//! A pair that was run before is not run again (`target/prediction/IMAGE-PROFILE`); boots are slow.
//! A guest boots if it found its root and answered from there: whether it is in time, and whether
//! everything in it works, are other questions.

mod page;

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::say::say;
use crate::tool::Tool;
use crate::workspace::target;

/// The guests, as `cargo xtask images` makes them.
const GUESTS: [&str; 8] = [
    "debian12",
    "debian12-dracut",
    "debian12-hyperv-only",
    "debian12-kvm-only",
    "debian12-no-initramfs",
    "debian12-selinux",
    "debian12-spoiled",
    "debian12-sysvinit",
];

/// What can be booted here.
const PROFILES: [&str; 3] = ["kvm", "kvm-legacy", "hyperv-vmbus"];

/// How long a boot may take where two translators stand between it and the processor.
const LIMIT_S: &str = "300";

/// What `validate` ends with where it saw the guest.
const SEEN: [i32; 3] = [0, 1, 2];

/// A guest on a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    guest: &'static str,
    profile: &'static str,
    /// What `check` says: `yes`, `no`, `unknown`.
    said: String,
    /// The rules that say so.
    rules: Vec<String>,
    seen: Seen,
}

/// How a boot went.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// It answered from its root.
    Booted(String),
    /// It did not come so far.
    Stopped(String),
    /// It was not run, or broke off for a reason of ours.
    Nothing(String),
}

impl Pair {
    fn is_mismatch(&self) -> bool {
        match self.seen {
            Seen::Booted(_) => self.said != "yes",
            Seen::Stopped(_) => self.said != "no",
            Seen::Nothing(_) => false,
        }
    }
}

/// Compares the named guests, or all; with `--seen` only what was run before.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (flags, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|word| word.starts_with('-'));
    if flags.iter().any(|flag| *flag != "--seen") {
        bail!("usage: cargo xtask prediction [--seen] [GUEST...]");
    }
    let mut pairs = Vec::new();
    for guest in GUESTS {
        if names.is_empty() || names.iter().any(|name| *name == guest) {
            for profile in PROFILES {
                if flags.is_empty() {
                    boot(guest, profile)?;
                }
                pairs.push(compare(guest, profile)?);
            }
        }
    }
    say(&page::table(&pairs));
    if names.is_empty() {
        page::write(&pairs)?;
    }
    match pairs.iter().filter(|pair| pair.is_mismatch()).count() {
        0 => Ok(()),
        wrong => bail!("{wrong} of {} pairs differ", pairs.len()),
    }
}

fn image(guest: &str) -> PathBuf {
    target("images").join(format!("{guest}.qcow2"))
}

fn folder(guest: &str, profile: &str) -> PathBuf {
    target("prediction").join(format!("{guest}-{profile}"))
}

fn detente() -> String {
    target("release/detente").display().to_string()
}

/// Boots a guest, unless a run of it is there that is newer than its image.
fn boot(guest: &str, profile: &str) -> anyhow::Result<()> {
    let (image, out) = (image(guest), folder(guest, profile));
    let time =
        |path: PathBuf| -> anyhow::Result<SystemTime> { Ok(std::fs::metadata(&path)?.modified()?) };
    let made = time(image.clone()).context("build guests first: cargo xtask images")?;
    if time(out.join("run.json")).is_ok_and(|run| run > made) {
        return Ok(());
    }
    if out.exists() {
        std::fs::remove_dir_all(&out).with_context(|| format!("cannot empty {}", out.display()))?;
    }
    std::fs::create_dir_all(target("prediction")).context("cannot create target/prediction")?;
    say(&format!("boots: {guest} on {profile}"));
    // The exit code is the verdict of all cases; the run's document tells of this one.
    let outcome = Tool::new(&detente())
        .arg("validate")
        .arg(&image)
        .args(["--plan", "smoke", "--profile", profile, "--no-control"])
        .args(["--case-limit", "5", "--boot-limit", LIMIT_S, "--out"])
        .arg(&out)
        .env("XDG_CACHE_HOME", target("images/cache"))
        .output_with(&SEEN);
    if let Err(error) = outcome {
        say(&format!("not seen: {guest} on {profile}: {error:#}"));
    }
    Ok(())
}

fn compare(guest: &'static str, profile: &'static str) -> anyhow::Result<Pair> {
    let said = Tool::new(&detente())
        .args(["check", "--format", "json", "--profile", profile])
        .arg(image(guest))
        .output_with(&SEEN)?;
    let said: Value = serde_json::from_str(&said).context("check writes no JSON")?;
    let (said, rules) = prediction(&said);
    let run = std::fs::read(folder(guest, profile).join("run.json"));
    let seen = match run {
        Ok(bytes) => seen(&serde_json::from_slice(&bytes).context("the run's document")?),
        Err(_) => Seen::Nothing("not run".to_owned()),
    };
    Ok(Pair {
        guest,
        profile,
        said,
        rules,
        seen,
    })
}

/// Whether it boots, and the rules that decide it.
fn prediction(document: &Value) -> (String, Vec<String>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = document["findings"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let deciding = findings
        .iter()
        .filter(|own| own["severity"] == "blocks-boot");
    let rules = deciding.map(|own| text(&own["rule"])).collect();
    (text(&document["profiles"][0]["boots"]), rules)
}

/// BOOT-02 reads the guest's log: where it was run, the guest answered.
fn seen(run: &Value) -> Seen {
    let cases = run["profiles"][0]["cases"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let case = |id: &str| {
        let case = cases
            .iter()
            .find(|case| case["case_id"] == id)
            .unwrap_or(&Value::Null);
        let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
        (text("outcome"), text("message"))
    };
    let ((boot, message), (log, _)) = (case("BOOT-01"), case("BOOT-02"));
    match (boot.as_str(), log.as_str()) {
        ("passed", _) | ("failed", "passed" | "failed") => Seen::Booted(message),
        ("failed", _) if is_without_root(&message) => Seen::Stopped(message),
        _ => Seen::Nothing(message),
    }
}

/// Not the limit alone: the guest gave up, or had no root when the limit was over.
fn is_without_root(message: &str) -> bool {
    message.starts_with("no root file system") || message.starts_with("the guest gave up")
}

#[cfg(test)]
mod tests;
