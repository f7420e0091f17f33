//! Partition tables: sound ones, and ones with one field spoiled.

use crate::support::{ImageBuilder, disk, has_tool, poke, sample};
use detente_volume::{Content, Survey, TableKind, survey};

const MIB: usize = 1024 * 1024;

/// What `survey` says, as lines: the kind, `number offset len`, then the notes.
fn lines(bytes: Vec<u8>) -> Vec<String> {
    let Survey {
        table,
        volumes,
        notes,
    } = survey(&disk(bytes)).unwrap();
    let mut lines = vec![format!("{table:?}")];
    lines.extend(volumes.iter().map(|volume| {
        format!(
            "{} {} {}",
            volume.number,
            volume.offset,
            detente_block::BlockRead::len_bytes(&volume.window)
        )
    }));
    lines.extend(notes);
    lines
}

fn check(image: ImageBuilder, expect: &[&str]) {
    assert_eq!(lines(image.bytes), expect);
}

fn gpt() -> ImageBuilder {
    ImageBuilder::new(2 * MIB, 512).gpt(&[(100, 199), (200, 299)])
}

const BOTH: [&str; 2] = ["1 51200 51200", "2 102400 51200"];

#[test]
fn gpt_of_both_sector_sizes() {
    check(gpt(), &["Gpt", BOTH[0], BOTH[1]]);
    check(
        ImageBuilder::new(4 * MIB, 4096).gpt(&[(100, 199)]),
        &["Gpt", "1 409600 409600"],
    );
}

#[test]
fn gpt_names_and_identities() {
    let volumes = survey(&disk(gpt().bytes)).unwrap().volumes;
    assert_eq!(volumes[1].type_id, "0fc63daf-8483-4772-8e79-3d69d8477de4");
    assert_eq!(
        volumes[1].partuuid.as_deref(),
        Some("02020202-0202-0202-0202-020202020202")
    );
    assert_eq!(volumes[1].name.as_deref(), Some("wurzel é"));
}

#[test]
fn a_spoiled_primary_header_falls_back_to_the_backup() {
    let cases: [(usize, &str); 4] = [
        (512, "primary GPT header not used: it is missing"),
        (
            512 + 16,
            "primary GPT header not used: its checksum is wrong",
        ),
        (
            512 + 30,
            "primary GPT header not used: its checksum is wrong",
        ),
        (
            1024,
            "primary GPT header not used: the checksum of its entries is wrong",
        ),
    ];
    for (at, note) in cases {
        let mut image = gpt();
        image.bytes[at] ^= 0xff;
        let found = lines(image.bytes);
        assert_eq!(found[..3], ["Gpt", BOTH[0], BOTH[1]], "spoiled at {at}");
        assert_eq!(found[3..], [note], "spoiled at {at}");
    }
}

#[test]
fn a_primary_header_whose_rules_are_broken_is_not_used() {
    let cases: [(usize, u32, &str); 5] = [
        (12, 91, "it is shorter than a header"),
        (12, 513, "it claims to be longer than a sector"),
        (24, 3, "it says that it belongs elsewhere"),
        (80, 9000, "it has more entries than we read"),
        (84, 129, "the size of its entries is not allowed"),
    ];
    for (field, value, rule) in cases {
        let image = gpt().poke(512 + field, &value.to_le_bytes()).seal(512);
        let note = format!("primary GPT header not used: {rule}");
        check(image, &["Gpt", BOTH[0], BOTH[1], &note]);
    }
    let far = u64::MAX.to_le_bytes();
    let note = "primary GPT header not used: its entries lie outside the disk";
    check(
        gpt().poke(512 + 72, &far).seal(512),
        &["Gpt", BOTH[0], BOTH[1], note],
    );
}

#[test]
fn a_backup_that_differs_from_the_primary_is_said() {
    let last = 2 * MIB - 512;
    let note = |what: &str| format!("backup GPT header not used: {what}");
    let check = |image: ImageBuilder, what: &str| {
        check(image, &["Gpt", BOTH[0], BOTH[1], &note(what)]);
    };
    check(gpt().poke(last, &[0; 512]), "it is missing");
    check(gpt().poke(last + 60, &[1]), "its checksum is wrong");
    let broken = "the checksum of its entries is wrong";
    check(gpt().poke(last - 128 * 128, &[0]), broken);
    // Another name for the first partition.
    let mut image = gpt().poke(last - 128 * 128 + 56, b"X");
    let sum = crc32fast::hash(&image.bytes[last - 128 * 128..last]);
    image = image.poke(last + 88, &sum.to_le_bytes()).seal(last);
    check(image, "its partitions are not those of the primary");
    let other = gpt().poke(last + 56, b"another disk").seal(last);
    check(other, "it is of another disk than the primary");
    let far = gpt().poke(512 + 32, &u64::MAX.to_le_bytes()).seal(512);
    check(far, "it is missing");
}

#[test]
fn the_backup_of_a_disk_that_has_grown_is_where_it_was() {
    let mut image = gpt();
    image.bytes.resize(3 * MIB, 0);
    check(image, &["Gpt", BOTH[0], BOTH[1]]);
}

#[test]
fn without_any_sound_header_there_are_no_partitions() {
    let mut image = gpt();
    image.bytes[512 + 60] ^= 1;
    let last = image.bytes.len() - 512 + 60;
    image.bytes[last] ^= 1;
    let found = lines(image.bytes);
    assert_eq!(found[0], "Gpt");
    assert_eq!(
        found.last().unwrap(),
        "no GPT header is sound: partitions unknown"
    );
}

#[test]
fn partitions_outside_over_another_or_backwards_are_left_out() {
    let image = ImageBuilder::new(2 * MIB, 512).gpt(&[
        (100, 199),
        (150, 250),
        (300, 1 << 40),
        (400, 300),
        (u64::MAX - 1, u64::MAX),
        (500, 500),
    ]);
    check(
        image,
        &[
            "Gpt",
            BOTH[0],
            "6 256000 512",
            "partition 2 left out: it overlaps another",
            "partition 3 left out: it goes past the disk",
            "partition 4 left out: it ends before it starts",
            "partition 5 left out: it goes past the disk",
        ],
    );
}

#[test]
fn a_hybrid_mbr_is_a_gpt() {
    check(
        gpt().mbr_entry(0, 1, 0x83, (100, 100)),
        &["Gpt", BOTH[0], BOTH[1]],
    );
}

#[test]
fn a_gpt_without_protective_mbr_is_none() {
    let image = gpt().poke(446 + 4, &[0]);
    assert_eq!(
        lines(image.bytes)[0],
        "Mbr",
        "Linux does not believe it either"
    );
}

/// One primary, an extended one with two logical partitions in it.
fn mbr() -> ImageBuilder {
    ImageBuilder::new(MIB, 512)
        .poke(440, &0xdead_beef_u32.to_le_bytes())
        .mbr_entry(0, 0, 0x83, (10, 20))
        .mbr_entry(0, 1, 0x05, (100, 200))
        .mbr_entry(100 * 512, 0, 0x83, (1, 9))
        .mbr_entry(100 * 512, 1, 0x05, (50, 50))
        .mbr_entry(150 * 512, 0, 0x82, (1, 9))
}

const PRIMARY: &str = "1 5120 10240";
const FIRST_LOGICAL: &str = "5 51712 4608";

#[test]
fn mbr_with_logical_partitions() {
    check(mbr(), &["Mbr", PRIMARY, FIRST_LOGICAL, "6 77312 4608"]);
    let volumes = survey(&disk(mbr().bytes)).unwrap().volumes;
    assert_eq!(volumes[2].type_id, "0x82");
    assert_eq!(volumes[2].partuuid.as_deref(), Some("deadbeef-06"));
}

#[test]
fn a_chain_that_leads_in_a_circle_ends() {
    let found = lines(mbr().mbr_entry(150 * 512, 1, 0x05, (50, 50)).bytes);
    assert_eq!(found[..4], ["Mbr", PRIMARY, FIRST_LOGICAL, "6 77312 4608"]);
    assert!(found.last().unwrap().starts_with("partition"), "{found:?}");
}

#[test]
fn a_spoiled_chain_ends_early() {
    let end = |what: &str| format!("logical partitions end early: {what}");
    let cases = [
        (
            mbr().mbr_entry(100 * 512, 1, 0x05, (9999, 50)),
            end("the chain leaves the extended partition"),
        ),
        (
            mbr().poke(150 * 512 + 510, &[0]),
            end("a link has no signature"),
        ),
        (
            mbr().mbr_entry(150 * 512, 0, 0x82, (1, 999)),
            "partition 6 left out: outside the extended partition".into(),
        ),
    ];
    for (image, note) in cases {
        check(image, &["Mbr", PRIMARY, FIRST_LOGICAL, &note]);
    }
    let far = mbr().mbr_entry(0, 1, 0x05, (u32::MAX, u32::MAX));
    check(far, &["Mbr", PRIMARY, &end("the chain leaves the disk")]);
}

#[test]
fn a_boot_sector_is_no_partition_table() {
    let mut fat = sample("fat12");
    assert_eq!(lines(fat.clone()), ["None", "0 0 131072"]);
    // Even where its program looks like an entry.
    poke(&mut fat, 446 + 4, &[0x83, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0]);
    assert_eq!(lines(fat), ["None", "0 0 131072"]);
    let ntfs = ImageBuilder::new(MIB, 512)
        .poke(3, b"NTFS    ")
        .poke(510, &[0x55, 0xaa]);
    check(ntfs, &["None", "0 0 1048576"]);
}

#[test]
fn an_mbr_with_a_strange_active_flag_is_none() {
    check(mbr().poke(446 + 16, &[0x12]), &["None", "0 0 1048576"]);
}

#[test]
fn disks_shorter_than_a_table_have_one_volume() {
    for len in [0, 1, 511, 512, 513, 1024] {
        assert_eq!(
            lines(vec![0; len]),
            ["None".to_owned(), format!("0 0 {len}")]
        );
    }
}

#[test]
fn file_systems_inside_partitions_are_recognised() {
    let mut image = ImageBuilder::new(4 * MIB, 512).gpt(&[(2048, 4095), (4096, 4351)]);
    poke(&mut image.bytes, 2048 * 512, &sample("ext4-csum"));
    poke(&mut image.bytes, 4096 * 512, &sample("fat12"));
    let volumes = survey(&disk(image.bytes)).unwrap().volumes;
    assert!(matches!(volumes[0].content, Content::Ext4 { .. }));
    assert!(matches!(volumes[1].content, Content::Fat { .. }));
}

/// `sfdisk` makes the table and says where the partitions are.
#[test]
fn tables_made_by_sfdisk() {
    if !has_tool("tables_made_by_sfdisk", "sfdisk") {
        return;
    }
    let gpt = "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n\
        start=2048, size=2048, type=uefi, name=\"EFI System\", uuid=AAAAAAAA-0000-4000-8000-000000000001\n\
        start=4096, size=8192, type=linux, uuid=AAAAAAAA-0000-4000-8000-000000000002\n";
    let found = survey(&disk(sfdisk(gpt))).unwrap();
    assert_eq!(found.table, TableKind::Gpt);
    assert_eq!(found.notes, Vec::<String>::new());
    assert_eq!(
        found.volumes[0].type_id,
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
    );
    assert_eq!(found.volumes[0].name.as_deref(), Some("EFI System"));
    assert_eq!(
        found.volumes[1].partuuid.as_deref(),
        Some("aaaaaaaa-0000-4000-8000-000000000002")
    );
    assert_eq!(found.volumes[1].offset, 4096 * 512);
    let mbr = "label: dos\nlabel-id: 0x0badcafe\nstart=2048, size=1024, type=83, bootable\n\
        start=4096, size=8192, type=f\nstart=4160, size=1000, type=83\nstart=6000, size=1000, type=82\n";
    let found = survey(&disk(sfdisk(mbr))).unwrap();
    assert_eq!((found.table, found.notes.len()), (TableKind::Mbr, 0));
    let places: Vec<_> = found
        .volumes
        .iter()
        .map(|volume| (volume.partuuid.clone().unwrap(), volume.offset / 512))
        .collect();
    let expect = [
        ("0badcafe-01", 2048),
        ("0badcafe-05", 4160),
        ("0badcafe-06", 6000),
    ];
    assert_eq!(places, expect.map(|(id, place)| (id.to_owned(), place)));
}

fn sfdisk(script: &str) -> Vec<u8> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(16 * MIB as u64).unwrap();
    let mut child = Command::new("sfdisk")
        .args(["--quiet", "--no-reread", "--no-tell-kernel"])
        .arg(file.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    std::fs::read(file.path()).unwrap()
}
