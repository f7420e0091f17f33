//! The extended demo: a guest that was made for one side is prepared, runs on both, and is taken back.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Line, SIDES, Shown, Wanted, detente, relative, show as boot};
use crate::say::say;

pub(super) const INTRODUCTION: &str = "\
The two one-sided servers are then prepared: booted on the side that they have, where their own dracut
makes their initramfs anew; booted on both sides again; and taken back to what they were. That takes
about ten minutes more for each without KVM.";

/// The commands, each as somebody would type it, and the lines that say how it went.
pub(super) fn show(guest: &Shown, image: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let out = folder.join(format!("{}-prepared.qcow2", guest.image));
    let restored = folder.join(format!("{}-restored.qcow2", guest.image));
    let journal = folder.join(format!("{}-prepared.qcow2.journal", guest.image));
    let before = findings(image)?;

    let mut prepare = detente();
    prepare.arg("prepare").arg(relative(image.to_owned()));
    prepare.arg("-o").arg(relative(out.clone())).args(SIDES);
    succeed(&mut prepare)?;
    let mut lines = vec![line(guest, "prepare: nothing is found any more", || {
        Ok(findings(&out)?.is_empty())
    })?];

    let prepared = Shown {
        why: "prepared: it must run on both now",
        kvm: Wanted::Passed,
        hyperv: Wanted::Passed,
        ..*guest
    };
    lines.extend(boot(
        &prepared,
        &out,
        &folder.join(format!("{}-prepared", guest.image)),
    )?);

    let mut undo = detente();
    undo.arg("prepare").arg("--undo").arg(relative(journal));
    undo.arg("-o").arg(relative(restored.clone()));
    succeed(&mut undo)?;
    lines.push(line(guest, "undo: the same is found as before", || {
        Ok(findings(&restored)? == before)
    })?);
    // The disks are large, and each is made again by a command above.
    for disk in [out, restored] {
        fs::remove_file(&disk).with_context(|| format!("cannot remove {}", disk.display()))?;
    }
    Ok(lines)
}

fn line(
    guest: &Shown,
    what: &str,
    is_so: impl FnOnce() -> anyhow::Result<bool>,
) -> anyhow::Result<Line> {
    let right = is_so()?;
    let (mark, seen) = if right {
        ("✓", "so it is")
    } else {
        ("✗", "it is not so")
    };
    Ok(Line {
        right,
        text: format!("{mark} {:22} {what}: {seen}", guest.image),
    })
}

/// Runs a command of ours, shown as it is typed.
fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let words: Vec<_> = command
        .get_args()
        .map(|word| word.to_string_lossy())
        .collect();
    let words = words.join(" ");
    say(&format!("\n$ detente {words}"));
    let status = command
        .stdin(Stdio::null())
        .status()
        .context("cannot start target/release/detente")?;
    if !status.success() {
        bail!("detente {words} failed: {status}");
    }
    Ok(())
}

/// The rules that speak against one of the sides, as `check` names them.
fn findings(image: &Path) -> anyhow::Result<Vec<String>> {
    let output = detente()
        .args(["check", "--format", "json"])
        .args(SIDES)
        .arg(image)
        .output()
        .context("cannot start target/release/detente")?;
    let document: Value = serde_json::from_slice(&output.stdout).context("check wrote no JSON")?;
    Ok(rules(&document))
}

/// Those that are more than notes.
fn rules(document: &Value) -> Vec<String> {
    let found = document["findings"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let weighty = found.iter().filter(|finding| finding["severity"] != "note");
    weighty
        .filter_map(|finding| finding["rule"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_note_speaks_against_no_side() {
        let document = json!({ "findings": [
            { "rule": "linux.network.mac-bound", "severity": "note" },
            { "rule": "linux.initramfs.storvsc-missing", "severity": "blocks-boot" },
        ] });
        assert_eq!(super::rules(&document), ["linux.initramfs.storvsc-missing"]);
    }
}
