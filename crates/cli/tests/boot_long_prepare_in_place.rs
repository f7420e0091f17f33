//! `detente prepare --in-place --validate`, with two disks, on a real server.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::path::Path;

use support::circle::is_ready;
use support::prepare::{SIDES, b2sum, document, rules, undo};
use support::{detente, expect_code, image, names};

/// The disks, the boot disk first.
const DISKS: [&str; 2] = ["system.qcow2", "data.qcow2"];

/// Two disks get the place of the old ones, which stay beside them, and are booted on both sides;
/// what is taken back goes to a folder.
#[test]
fn two_disks_in_place() {
    let Some(image) = image("two_disks_in_place", "debian12-spoiled.qcow2") else {
        return;
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| place.path().join(name);
    std::fs::copy(&image, at("system.qcow2")).unwrap();
    data_disk(&at("data.qcow2"));
    let before = rules(&image, "kvm");
    let digests = DISKS.map(|name| b2sum(&at(name)));

    let done = in_place(place.path());
    expect_code(&done, 0);
    let done = document(&done);
    assert_eq!(done["validation"]["run"]["verdict"], "passed");
    assert_eq!(done["validation"]["not_booted"], serde_json::json!([]));
    for (name, digest) in DISKS.into_iter().zip(&digests) {
        // The tool prints the name behind the digest.
        let old = b2sum(&at(&format!("{name}.before")));
        assert_eq!(old.replace(".before", ""), *digest, "{name}");
    }
    is_ready(&at("system.qcow2"));
    expect_code(&in_place(place.path()), 64);

    let restored = at("restored");
    expect_code(&undo(&at("system.qcow2.journal"), &restored), 0);
    assert_eq!(names(&restored), ["data.qcow2", "system.qcow2"]);
    assert_eq!(rules(&restored.join("system.qcow2"), "kvm"), before);
}

/// Prepares both disks of a folder where they are.
fn in_place(folder: &Path) -> std::process::Output {
    let mut command = detente();
    command.args(["prepare", "--in-place", "--validate", "--format", "json"]);
    command.args(SIDES).args(DISKS);
    command.env("XDG_STATE_HOME", folder.join("state"));
    command.current_dir(folder).output().unwrap()
}

/// A disk with a file system and nothing else.
#[track_caller]
fn data_disk(disk: &Path) {
    let raw = disk.with_extension("raw");
    let mut command = std::process::Command::new("mke2fs");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command.args(["-q", "-t", "ext4", "-L", "data"]);
    expect_code(&command.arg(&raw).arg("64M").output().unwrap(), 0);
    let mut command = std::process::Command::new("qemu-img");
    command.args(["convert", "-O", "qcow2"]).arg(&raw).arg(disk);
    expect_code(&command.output().unwrap(), 0);
    std::fs::remove_file(raw).unwrap();
}
