//! Whole disks made by the usual tools: a sound guest and its spoiled twins.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod schema;
mod support;

use detente_guest::facts::Loader;
use detente_guest::{BootLimits, Guest, InspectError, Options, inspect};
use detente_samples::{ROOT, Tree, initramfs, kernel, luks, program};
use support::{disk, sound, with_root};

fn guest(tree: &Tree) -> Guest {
    inspect(&[disk(tree)], Options::default()).unwrap()
}

fn problem(tree: &Tree) -> String {
    let guest = guest(tree);
    let ids: Vec<&str> = guest
        .problems()
        .iter()
        .map(|problem| problem.id())
        .collect();
    assert!(guest.boot_files(BootLimits::default()).is_err());
    ids.join(" ")
}

#[test]
fn a_sound_disk_has_its_boot_files_and_its_facts_fit_the_schema() {
    let Some(tree) = sound("a_sound_disk") else {
        return;
    };
    let guest = guest(&tree);
    assert_eq!(guest.problems(), []);
    assert_eq!(guest.facts().boot.loader, Loader::Grub2);
    assert_eq!(guest.facts().operating_system.pretty_name, "Debian 12");
    assert_eq!(guest.root_volume().unwrap().number, 2);
    let files = guest.boot_files(BootLimits::default()).unwrap();
    assert_eq!(files.kernel, kernel("6.1"));
    assert_eq!(files.initramfs, initramfs());
    assert_eq!(
        files.cmdline,
        format!("BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID={ROOT} ro quiet")
    );

    let text =
        std::fs::read_to_string(support::repository().join("docs/schemas/guest-facts-1.json"));
    let schema: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
    let facts = serde_json::to_value(guest.facts()).unwrap();
    assert_eq!(schema::misfit(&schema, &schema, &facts, "facts"), None);
}

#[test]
fn a_default_without_its_kernel() {
    let Some(tree) = sound("a_default_without_its_kernel") else {
        return;
    };
    let tree = tree.without("boot/vmlinuz-6.1");
    assert_eq!(problem(&tree), "boot.kernel-missing");
}

#[test]
fn a_root_with_the_wrong_uuid() {
    let Some(tree) = sound("a_root_with_the_wrong_uuid") else {
        return;
    };
    let config = Tree::grub("66666666-0000-0000-0000-000000000000", true);
    let tree = tree.file("boot/grub/grub.cfg", config.as_bytes());
    assert_eq!(problem(&tree), "boot.root-not-found");
}

#[test]
fn a_guest_for_another_processor() {
    let Some(tree) = sound("a_guest_for_another_processor") else {
        return;
    };
    let tree = tree.file("lib/systemd/systemd", &program(183));
    // mke2fs keeps the link absolute: it starts at the root of the guest.
    let error = inspect(&[disk(&tree)], Options::default()).err().unwrap();
    let said = error.to_string();
    assert!(
        matches!(error, InspectError::NotX86_64 { .. }) && said.contains("aarch64"),
        "{said}"
    );
}

#[test]
fn a_disk_without_a_system() {
    let Some(tree) = sound("a_disk_without_a_system") else {
        return;
    };
    let tree = tree.without("etc/os-release").without("usr/lib/os-release");
    let error = inspect(&[disk(&tree)], Options::default()).err().unwrap();
    assert!(
        matches!(error, InspectError::NoOperatingSystem { .. }),
        "{error}"
    );
}

#[test]
fn an_encrypted_root() {
    if sound("an_encrypted_root").is_none() {
        return;
    }
    let error = inspect(&[with_root(luks())], Options::default())
        .err()
        .unwrap();
    assert!(
        matches!(error, InspectError::EncryptedRoot { version: 2, .. }),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("without encryption"));
}

#[test]
fn a_root_that_claims_to_be_ext4_and_is_damaged() {
    let Some(tree) = sound("a_root_that_claims_to_be_ext4_and_is_damaged") else {
        return;
    };
    let mut bytes = tree.ext4(24);
    // [ext4] the superblock is at 1024; its count of inodes a group is at 40.
    bytes[1024 + 40..1024 + 44].fill(0);
    let error = inspect(&[with_root(bytes)], Options::default())
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            InspectError::Corrupt { .. } | InspectError::Unsupported { .. }
        ),
        "{error}"
    );
}
