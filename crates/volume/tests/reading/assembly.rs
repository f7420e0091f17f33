//! Logical volumes and arrays of the samples that `make-assembly.sh` makes.

use detente_block::BlockRead as _;
use detente_volume::{Assembled, AssembledKind, Assembly, Member, Volume, assemble, open};

use crate::support::{only_volume, poke, sample};

fn put_together(disks: Vec<Vec<u8>>) -> Assembly {
    let volumes: Vec<Volume> = disks.into_iter().map(only_volume).collect();
    assemble(&volumes).unwrap()
}

fn samples(names: &[&str]) -> Assembly {
    put_together(names.iter().map(|name| sample(name)).collect())
}

fn find<'a>(assembly: &'a Assembly, name: &str) -> &'a Assembled {
    let found = assembly.devices.iter().find(|device| device.name == name);
    found.unwrap_or_else(|| panic!("no {name}; notes: {:?}", assembly.notes))
}

/// The bytes of a device without a partition table, as far as `len`.
fn bytes(device: &Assembled, len: usize) -> Vec<u8> {
    let survey = device.content.as_ref().unwrap();
    let mut bytes = vec![0; len];
    let window = &survey.volumes[0].window;
    window.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

fn check_content(device: &Assembled, expect: &str) {
    let expect = sample(expect);
    assert!(bytes(device, expect.len()) == expect, "{}", device.name);
}

fn check_unread(assembly: &Assembly, name: &str, layout: &str, why: &str) {
    let device = find(assembly, name);
    assert_eq!(device.layout, layout, "{name}");
    assert_eq!(device.content.as_ref().err().unwrap(), why, "{name}");
}

#[test]
fn linear_and_striped_volumes_hold_what_was_put_there() {
    for order in [["lvm-a", "lvm-b"], ["lvm-b", "lvm-a"]] {
        let assembly = samples(&order);
        assert_eq!(assembly.notes, Vec::<String>::new());
        assert_eq!(assembly.devices.len(), 2);
        let root = find(&assembly, "tiny/root");
        assert_eq!((root.layout.as_str(), root.len_bytes), ("linear", 1 << 20));
        assert_eq!(root.kind, AssembledKind::LogicalVolume);
        check_content(root, "ext4-plain");
        let home = find(&assembly, "tiny/home-dir");
        assert_eq!((home.layout.as_str(), home.len_bytes), ("striped", 1 << 17));
        assert_eq!(home.on.len(), 2);
        check_content(home, "fat12");
        let volume = &root.content.as_ref().unwrap().volumes[0];
        let release = open(volume).unwrap().read("/etc/os-release", 99).unwrap();
        assert_eq!(release, b"ID=debian\n");
    }
}

#[test]
fn a_volume_without_its_other_disk_names_what_is_missing() {
    let assembly = samples(&["lvm-a"]);
    check_content(find(&assembly, "tiny/root"), "ext4-plain");
    let why = "its physical volume pv1 is not here";
    check_unread(&assembly, "tiny/home-dir", "striped", why);
    let missing = &find(&assembly, "tiny/home-dir").missing;
    assert!(missing[0].starts_with("pv1 (aaaaaa00000000000000000000000002, last seen as /dev/"));
    assert_eq!(find(&assembly, "tiny/root").on, [Member::Given(0)]);
}

#[test]
fn a_mirror_is_read_by_any_leg_that_is_here() {
    for disks in [
        &["lvm-kinds-a", "lvm-kinds-b"][..],
        &["lvm-kinds-a"],
        &["lvm-kinds-b"],
    ] {
        let assembly = samples(disks);
        for (name, layout) in [("tiny/mir", "raid1"), ("tiny/old", "mirror")] {
            let device = find(&assembly, name);
            assert_eq!(device.layout, layout);
            assert_eq!(device.missing.len(), 2 - disks.len());
            check_content(device, "fat12");
        }
    }
}

#[test]
fn volumes_that_are_not_read_are_named_with_their_kind() {
    let assembly = samples(&["lvm-kinds-a", "lvm-kinds-b"]);
    let check = |name, layout, why| check_unread(&assembly, name, layout, why);
    check("tiny/pool", "thin-pool", "thin-pool volumes are not read");
    check("tiny/thin", "thin", "thin volumes are not read");
    check("tiny/five", "raid5_ls", "raid5_ls volumes are not read");
    let why = "it is a snapshot of root, which is not read";
    check("tiny/keep", "snapshot", why);
    check_content(find(&assembly, "tiny/root"), "ext4-plain");
    assert_eq!(assembly.devices.len(), 8, "hidden volumes are not listed");
}

#[test]
fn the_newest_metadata_counts_whatever_the_order() {
    // The samples of all kinds are a later state of the same group.
    for order in [["lvm-a", "lvm-kinds-b"], ["lvm-kinds-b", "lvm-a"]] {
        assert_eq!(samples(&order).devices.len(), 8);
    }
}

/// Both disks of the group, the first one spoiled; the notes.
fn spoiled(at: usize, new: &[u8]) -> (usize, String) {
    let (mut first, second) = (sample("lvm-a"), sample("lvm-b"));
    poke(&mut first, at, new);
    let assembly = put_together(vec![first, second]);
    let whole = assembly.devices.iter().filter(|own| own.content.is_ok());
    (whole.count(), assembly.notes.join("; "))
}

#[test]
fn spoiled_labels_and_metadata_are_noticed() {
    // The label is in the second sector, the area of metadata starts at 4 KiB.
    let (whole, notes) = spoiled(512 + 40, b"x");
    assert_eq!(whole, 0);
    assert!(notes.starts_with("a physical volume is not used: the checksum of its label is wrong"));
    let id = "physical volume aaaaaa00000000000000000000000001";
    let check = |at, rule: &str| {
        let expect = format!("{id}: metadata at 0x1000 is not used: {rule}");
        // The second disk has the same text.
        assert_eq!(spoiled(at, b"\x7f\x7f"), (2, expect));
    };
    check(4096 + 40, "the checksum of its header is wrong");
    let at = i64::from_le_bytes(sample("lvm-a")[4096 + 40..][..8].try_into().unwrap());
    let at = 4096 + usize::try_from(at).unwrap();
    check(at + 99, "the checksum of its text is wrong");
}

#[test]
fn every_version_of_a_mirrored_array_is_read_by_one_member() {
    for (version, name) in [
        ("090", "md3"),
        ("10", "boot"),
        ("11", "md0"),
        ("12", "root"),
    ] {
        for (members, missing) in [
            (&[0, 1][..], &[][..]),
            (&[0], &["device 1 of 2"]),
            (&[1], &["device 0 of 2"]),
        ] {
            let names: Vec<String> = members
                .iter()
                .map(|n| format!("md-{version}-{n}"))
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let assembly = samples(&names);
            let array = find(&assembly, name);
            assert_eq!(array.uuid, "10111213:14151617:18191a1b:1c1d1e1f");
            assert_eq!((array.layout.as_str(), array.dirty), ("raid1", Some(false)));
            assert_eq!(array.kind, AssembledKind::Array);
            assert_eq!(array.missing, missing);
            check_content(array, "fat12");
        }
    }
}

#[test]
fn a_linear_array_needs_all_its_members() {
    check_content(
        find(&samples(&["md-linear-1", "md-linear-0"]), "join"),
        "fat12",
    );
    let alone = samples(&["md-linear-0"]);
    check_unread(&alone, "join", "linear", "device 1 of 2 is not here");
    let striped = samples(&["md-zero-0"]);
    check_unread(&striped, "fast", "raid0", "raid0 arrays are not read");
}

#[test]
fn a_group_on_an_array_is_found() {
    let assembly = samples(&["md-lvm-0"]);
    assert_eq!(assembly.devices[0].name, "md7");
    let root = find(&assembly, "tiny/root");
    let (device, volume) = (0, 0);
    assert_eq!(root.on, [Member::Assembled { device, volume }]);
    check_content(root, "ext4-plain");
}

#[test]
fn a_spoiled_superblock_of_an_array_is_noticed() {
    for (name, at) in [("md-12-0", 4096 + 72), ("md-090-0", (256 - 64) * 1024 + 28)] {
        let mut bytes = sample(name);
        poke(&mut bytes, at, &[5]);
        let assembly = put_together(vec![bytes]);
        let rule = "a member of an array is not used: the checksum of its superblock is wrong";
        assert_eq!(
            (assembly.devices.len(), assembly.notes),
            (0, vec![rule.to_owned()])
        );
    }
}
