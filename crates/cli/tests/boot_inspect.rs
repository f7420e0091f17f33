//! The demo guests as `inspect` sees them: what their recipes put there. Nothing is booted, but
//! they are there only when the tests that boot run.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{detente, expect_code, image, output_and_peak_kib, schema};

/// The limit for `inspect`, without unpacking the initramfs.
const MEMORY_KIB: u64 = 64 * 1024;

#[track_caller]
fn facts(image: &Path, options: &[&str]) -> Value {
    let mut command = detente();
    command.args(["inspect", "--format", "json"]);
    let (output, peak_kib) = output_and_peak_kib(command.args(options).arg(image));
    expect_code(&output, 0);
    assert!(peak_kib < MEMORY_KIB, "{peak_kib} KiB");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Looks at a guest, whose initramfs must (or must not) hold virtio's drivers.
#[track_caller]
fn check(test: &str, name: &str, has_virtio: bool) {
    let Some(image) = image(test, name) else {
        return;
    };
    let facts = facts(&image, &["--initramfs"]);
    assert_eq!(facts["operating_system"]["id"], "debian");
    assert_eq!(facts["operating_system"]["version_id"], "12");
    assert_eq!(facts["architecture"], "x86-64");
    assert_eq!(facts["firmware"], "uefi");
    assert_eq!(facts["root"]["partition"], 2);
    assert_eq!(facts["boot"]["loader"], "grub2");
    assert_eq!(facts["problems"].as_array().unwrap().len(), 0);
    let agents: Vec<_> = facts["agents"].as_array().unwrap().iter().collect();
    let agents: Vec<_> = agents.iter().map(|agent| &agent["name"]).collect();
    assert_eq!(agents, ["qemu-guest-agent", "hyperv-daemons"]);

    let default = &facts["boot"]["default"];
    let release = default["kernel_release"].as_str().unwrap();
    assert_eq!(
        default["kernel"]["path"],
        format!("/boot/vmlinuz-{release}")
    );
    let first = &default["initramfs"][0]["path"];
    assert_eq!(*first, format!("/boot/initrd.img-{release}"));
    assert_eq!(default["root"]["volume"], facts["root"]);

    let modules = facts["initramfs"]["modules"].to_string();
    assert!(modules.contains("\"ahci\""), "{modules}");
    for module in ["virtio_pci", "virtio_blk"] {
        let found = modules.contains(&format!("\"{module}\""));
        assert_eq!(found, has_virtio, "{module}: {modules}");
    }
}

#[test]
fn the_guest_with_initramfs_tools() {
    check("the_guest_with_initramfs_tools", "debian12.qcow2", true);
}

#[test]
fn the_guest_with_dracut() {
    check("the_guest_with_dracut", "debian12-dracut.qcow2", true);
}

#[test]
fn the_guest_whose_initramfs_was_spoiled() {
    let test = "the_guest_whose_initramfs_was_spoiled";
    check(test, "debian12-spoiled.qcow2", false);
}

#[test]
fn without_the_initramfs_no_modules_are_listed() {
    let test = "without_the_initramfs_no_modules_are_listed";
    if let Some(image) = image(test, "debian12.qcow2") {
        assert!(facts(&image, &[]).get("initramfs").is_none());
    }
}

#[test]
fn the_facts_of_a_guest_are_as_their_schema_says() {
    let test = "the_facts_of_a_guest_are_as_their_schema_says";
    let Some(image) = image(test, "debian12.qcow2") else {
        return;
    };
    schema::check(
        "guest-facts-1.json",
        &facts(&image, &["--initramfs"]),
        &[
            ("/schema", json!("detente/guest-facts/2")),
            ("/disks", json!([])),
            ("/disks/0/table", json!("apm")),
            ("/root/partition", json!(-1)),
            ("/firmware", json!("coreboot")),
            ("/boot/loader", json!("lilo")),
            ("/boot/entries/0/kind", json!("windows")),
            ("/boot/default/why/reason", json!("guessed")),
            ("/operating_system/id", json!(12)),
        ],
    );
}
