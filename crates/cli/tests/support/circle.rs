//! There and back again: what is seen of a one-sided server that is prepared and taken back.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::prepare::{
    SIDES, b2sum, bytes, debugfs, document, journal_of, prepare, raw, rules, undo, validate,
};
use super::{detente, expect_code, names, stderr};

/// The guest fits `own` and lacks a driver for `other`. It is prepared, runs on `booted`, and is
/// taken back. The folder is empty.
#[track_caller]
pub(crate) fn there_and_back(image: &Path, place: &Path, lacks: (&str, &str), booted: &[&str]) {
    let (other, rule) = lacks;
    let before = rules(image, other);
    assert!(before.contains(rule), "{before:?}");
    let source = b2sum(image);

    let out = place.join("both.qcow2");
    let output = prepare(image, &out);
    expect_code(&output, 0);
    let prepared = document(&output);
    assert_eq!(prepared["action"], "prepared");
    assert_eq!(prepared["still_broken"], Value::Array(Vec::new()));
    assert_eq!(b2sum(image), source, "the image was written to");
    assert_eq!(names(place), ["both.qcow2", "both.qcow2.journal"]);
    is_ready(&out);
    let run = place.join("run");
    validate(&out, booted, &run);

    refused_once_changed(&out, place);
    let restored = place.join("restored.qcow2");
    let output = undo(&journal_of(&out), &restored);
    expect_code(&output, 0);
    is_as_before(image, &restored, &out, &document(&output), place);
    assert_eq!(rules(&restored, other), before);
}

/// `check` finds nothing for either side.
#[track_caller]
pub(crate) fn is_ready(image: &Path) {
    let mut command = detente();
    let output = command.arg("check").args(SIDES).arg(image);
    expect_code(&output.output().unwrap(), 0);
    for profile in ["kvm", "hyperv-vmbus"] {
        assert_eq!(rules(image, profile), BTreeSet::new(), "{profile}");
    }
}

/// A disk on which somebody has worked since is not undone, and nothing is made.
#[track_caller]
fn refused_once_changed(out: &Path, place: &Path) {
    let folder = place.join("changed");
    std::fs::create_dir(&folder).unwrap();
    let changed = folder.join("both.qcow2");
    std::fs::copy(out, &changed).unwrap();
    // One byte behind the last partition, where no file system sees it.
    let mut command = Command::new("qemu-io");
    command.args(["-f", "qcow2", "-c", "write -P 0x5a 4095M 1k"]);
    expect_code(&command.arg(&changed).output().unwrap(), 0);
    let mut command = detente();
    command.args(["prepare", "--undo"]).arg(journal_of(out));
    command.arg("-o").arg(folder.join("restored.qcow2"));
    let output = command.arg(&changed).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("changed"), "{}", stderr(&output));
    assert_eq!(names(&folder), ["both.qcow2"]);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Another tool finds the same bytes in every file that prepare changed; whatever else differs is
/// listed, and is none of them.
#[track_caller]
fn is_as_before(image: &Path, restored: &Path, out: &Path, undone: &Value, place: &Path) {
    let journal = std::fs::read(journal_of(out).join("journal.json")).unwrap();
    let journal: Value = serde_json::from_slice(&journal).unwrap();
    let files = journal["files"].as_array().unwrap();
    let paths: Vec<&str> = files
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert!(
        paths
            .iter()
            .any(|path| path.starts_with("/boot/initrd.img-")),
        "{paths:?}"
    );
    let old = raw(image, place.join("old.raw"));
    let new = raw(restored, place.join("new.raw"));
    let between = raw(out, place.join("between.raw"));
    let mut changed = 0;
    for path in &paths {
        let was = bytes(&old, path);
        assert_eq!(bytes(&new, path), was, "{path}");
        changed += usize::from(bytes(&between, path) != was);
    }
    assert!(changed > 0, "prepare changed nothing: {paths:?}");
    for path in paths {
        assert_eq!(owner(&new, path), owner(&old, path), "{path}");
    }
    assert_eq!(undone["action"], "undone");
    let differences = &undone["differences"];
    assert!(differences["compared"].as_u64().unwrap() > 10_000);
    for difference in differences["files"].as_array().unwrap() {
        let path = difference["path"].as_str().unwrap();
        let is_the_guests = ["/var/", "/tmp/", "/etc/machine-id", "/boot/grub/grubenv"];
        let known = is_the_guests.iter().any(|start| path.starts_with(start));
        assert!(known, "{difference}");
    }
    for disk in [old, new, between] {
        std::fs::remove_file(disk).unwrap();
    }
}

/// Mode and owner of a file, as debugfs has them.
#[track_caller]
fn owner(raw: &Path, path: &str) -> Vec<String> {
    let answer = debugfs(raw, &format!("stat {path}"));
    let words = answer.split_whitespace().collect::<Vec<_>>();
    let after = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        at.and_then(|at| words.get(at + 1)).map(ToString::to_string)
    };
    ["Mode:", "User:", "Group:"]
        .into_iter()
        .filter_map(after)
        .collect()
}
