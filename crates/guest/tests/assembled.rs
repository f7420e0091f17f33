//! Guests on logical volumes and arrays, the samples of the volume crate, and on subvolumes.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

#[path = "schema/mod.rs"]
mod schema;

use std::path::Path;
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend};
use detente_guest::facts::{AssembledKind, VolumeId};
use detente_guest::{DiskFiles, InspectError, Options, inspect};

fn disks(names: &[&str]) -> Vec<Arc<dyn BlockRead>> {
    let disk = |name: &&str| -> Arc<dyn BlockRead> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../volume/tests/images");
        let packed = std::fs::read(folder.join(format!("{name}.img.zst"))).unwrap();
        Arc::new(MemoryBackend::new(
            zstd::decode_all(packed.as_slice()).unwrap(),
        ))
    };
    names.iter().map(disk).collect()
}

#[test]
fn a_root_on_a_logical_volume_is_found_and_named() {
    let guest = inspect(&disks(&["lvm-a", "lvm-b"]), Options::default()).unwrap();
    let facts = guest.facts();
    assert_eq!(facts.operating_system.id, "debian");
    assert_eq!(facts.root.to_string(), "volume tiny/root");
    assert_eq!(facts.disks.len(), 2);
    assert_eq!(facts.disks[0].volumes[0].content, "LVM2_member");
    let root = facts.assembled.iter().find(|own| own.name == "tiny/root");
    let root = root.unwrap();
    assert_eq!(root.kind, AssembledKind::LogicalVolume);
    assert_eq!(root.on, [VolumeId::new(0, 0)]);
    assert_eq!(root.volumes[0].mount_point.as_deref(), Some("/"));
    assert_eq!(root.volumes[0].dirty, Some(false));

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
    let text = std::fs::read_to_string(folder.join("guest-facts-1.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let value = serde_json::to_value(facts).unwrap();
    assert_eq!(schema::misfit(&schema, &schema, &value, "facts"), None);
    let back: detente_guest::Facts = serde_json::from_value(value).unwrap();
    assert_eq!(&back, facts);
}

#[test]
fn devices_have_every_name_that_linux_gives_them() {
    let check = |disk: &str, names: &[&str]| {
        let files = DiskFiles::open(&disks(&["lvm-a", "lvm-b", disk])).unwrap();
        for name in names {
            let fs = files.volume(name);
            let fs = fs.unwrap_or_else(|| panic!("no {name}"));
            assert_eq!(fs.read("/boot/loader.conf", 99).unwrap(), b"timeout 3\n");
        }
        files
    };
    let uuid = "/dev/disk/by-id/md-uuid-10111213:14151617:18191a1b:1c1d1e1f";
    check("md-090-1", &["/dev/md3", uuid]);
    let files = check(
        "md-12-0",
        &[
            "/dev/tiny/home-dir",
            "/dev/mapper/tiny-home--dir",
            "/dev/disk/by-id/dm-name-tiny-home--dir",
            "/dev/md/root",
            "/dev/md127",
            uuid,
        ],
    );
    let release = files
        .volume("UUID=01234567-89ab-4cde-8f01-23456789abcd")
        .unwrap();
    assert!(release.metadata("/etc/os-release").is_ok());
    for name in ["/dev/tiny/none", "/dev/mapper/tiny-home-dir", "/dev/md0"] {
        assert!(files.volume(name).is_none(), "{name}");
    }
}

#[test]
fn what_is_missing_or_not_read_is_in_the_facts() {
    let guest = inspect(&disks(&["lvm-a"]), Options::default()).unwrap();
    let home = guest
        .facts()
        .assembled
        .iter()
        .find(|own| own.name == "tiny/home-dir");
    let home = home.unwrap();
    assert_eq!(
        home.unread.as_deref(),
        Some("its physical volume pv1 is not here")
    );
    assert_eq!(home.missing.len(), 1);
    let guest = inspect(&disks(&["lvm-kinds-a", "lvm-kinds-b"]), Options::default()).unwrap();
    let notes = guest.facts().notes.join("; ");
    assert!(
        notes.contains("tiny/thin is not read: thin volumes are not read"),
        "{notes}"
    );
    let error = inspect(&disks(&["lvm-b"]), Options::default())
        .err()
        .unwrap();
    assert!(
        matches!(&error, InspectError::Incomplete { missing, .. } if missing[0].starts_with("pv0 ")),
        "{error}"
    );
}

/// A guest made by `images/make-btrfs.sh`.
fn subvolumes(name: &str) -> Vec<Arc<dyn BlockRead>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    let packed = std::fs::read(folder.join(format!("btrfs-{name}.img.zst"))).unwrap();
    let bytes = zstd::decode_all(packed.as_slice()).unwrap();
    vec![Arc::new(MemoryBackend::new(bytes))]
}

/// Files of the tree with what the kernel shows in them; none that stands at `hidden`.
fn check_tree(name: &str, files: &[(&str, &str)], hidden: &[&str]) {
    let disks = DiskFiles::open(&subvolumes(name)).unwrap();
    let tree = disks.tree().ok().unwrap();
    for (path, expect) in files {
        let text = tree.read(path, 4096);
        let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(String::from_utf8_lossy(&text), *expect, "{name} {path}");
    }
    for path in hidden {
        assert!(tree.metadata(path).is_err(), "{name} {path}");
    }
}

#[test]
fn subvolumes_are_mounted_as_fedora_does() {
    let files = [
        ("/etc/os-release", "ID=fedora\n"),
        ("/home/user", "home of fedora\n"),
        ("/srv/file", "data of fedora\n"),
        ("/var/hidden", "hidden\n"),
        ("/home/../etc/os-release", "ID=fedora\n"),
    ];
    let hidden = ["/home/hidden", "/srv/hidden", "/root/etc", "/data"];
    check_tree("fedora", &files, &hidden);
    // Errors name what was asked for, not where it is in the top level.
    let disks = DiskFiles::open(&subvolumes("fedora")).unwrap();
    let error = disks.tree().ok().unwrap().read("/etc", 9).unwrap_err();
    assert_eq!(error.to_string(), "/etc: is not a file");
    let guest = inspect(&subvolumes("fedora"), Options::default()).unwrap();
    let facts = guest.facts();
    assert_eq!(facts.operating_system.id, "fedora");
    let mounted = |path: &str| {
        let all = &facts.disks[0].volumes[0].subvolumes;
        let own = all.iter().find(|own| own.path == path).unwrap();
        own.mount_point.clone()
    };
    assert_eq!(mounted("root").as_deref(), Some("/"));
    assert_eq!(mounted("home").as_deref(), Some("/home"));
    assert_eq!(mounted("data").as_deref(), Some("/srv"));
}

#[test]
fn a_snapshot_is_mounted_by_default_as_opensuse_does() {
    let files = [
        ("/etc/os-release", "ID=opensuse-leap\n"),
        ("/home/user", "home of suse\n"),
        ("/var/file", "var of suse\n"),
        ("/srv/hidden", "hidden\n"),
        // An older one stands beside it.
        ("/.snapshots/2/snapshot/usr/lib/os-release", "ID=older\n"),
    ];
    check_tree("suse", &files, &["/home/hidden", "/var/hidden", "/@"]);
    let guest = inspect(&subvolumes("suse"), Options::default()).unwrap();
    let facts = guest.facts();
    assert_eq!(facts.operating_system.id, "opensuse-leap");
    let all = &facts.disks[0].volumes[0].subvolumes;
    let default = all.iter().find(|own| own.default).unwrap();
    assert_eq!(default.path, "@/.snapshots/1/snapshot");
    assert_eq!(default.mount_point.as_deref(), Some("/"));
}
