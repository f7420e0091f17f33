//! FAT12, FAT16 and FAT32: samples made by `mkfs.fat` and mtools, and spoiled.

use crate::support::{disk, only_volume, open_bytes, poke, sample};
use detente_volume::{Content, FileKind, TableKind, scan};

const ALL: [&str; 3] = ["fat12", "fat16", "fat32"];

#[test]
fn files_by_long_and_short_names_in_any_case() {
    let kernel: Vec<u8> = (0..2500)
        .flat_map(|line| format!("{line:07}\n").into_bytes())
        .collect();
    for name in ALL {
        let fs = open_bytes(sample(name)).unwrap();
        let long = "/EFI/boot/a long FILE name, with blanks.EFI";
        assert_eq!(fs.read(long, 1 << 20).unwrap(), kernel, "{name}");
        assert_eq!(
            fs.read("/efi/BOOT/../boot/ALONGF~1.EFI", 1 << 20).unwrap(),
            kernel,
            "{name}"
        );
        assert_eq!(fs.read("/boot/loader.conf", 100).unwrap(), b"timeout 3\n");
        assert_eq!(fs.read("/empty", 100).unwrap(), b"");
        let mut names: Vec<_> = fs.read_dir("/EFI/BOOT").unwrap();
        names.sort_by(|left, right| left.name.cmp(&right.name));
        let names: Vec<_> = names
            .into_iter()
            .map(|entry| (entry.name, entry.kind))
            .collect();
        let expect = ["A long file name, with blanks.efi", "BOOTX64.EFI"];
        assert_eq!(
            names,
            expect.map(|name| (name.to_owned(), FileKind::File)),
            "{name}"
        );
        assert_eq!(fs.metadata("/boot/loader.conf").unwrap().len, 10);
        let file = fs.open(long).unwrap();
        let mut middle = [0; 700];
        file.read_exact_at(511, &mut middle).unwrap();
        assert_eq!(middle, kernel[511..1211]);
    }
}

#[test]
fn errors_name_their_cause() {
    let fs = open_bytes(sample("fat16")).unwrap();
    let check = |path: &str, expect: &str| {
        assert_eq!(fs.read(path, 1).unwrap_err().to_string(), expect);
    };
    check("/none", "/none: no such file");
    check("/", "/: is not a file");
    check("/EFI", "/EFI: is not a file");
    check(
        "/boot/loader.conf/x",
        "/boot/loader.conf/x: is not a directory",
    );
    check(
        "/boot/loader.conf",
        "/boot/loader.conf: 10 bytes, more than the limit of 1",
    );
}

#[test]
fn identity_as_blkid_prints_it() {
    for name in ALL {
        let expect = Content::Fat {
            uuid: "ABCD-1234".into(),
            label: "TINY".into(),
        };
        assert_eq!(only_volume(sample(name)).content, expect, "{name}");
    }
}

#[test]
fn a_spoiled_boot_sector_is_not_fat() {
    // Field, bad value: [FAT] 3.1.
    for (field, value) in [(11, 1), (13, 3), (13, 0), (16, 0), (16, 9), (21, 7)] {
        let mut bytes = sample("fat16");
        bytes[field] = value;
        // What is left looks like an MBR without partitions.
        let (table, volumes) = scan(&disk(bytes)).unwrap();
        assert_eq!(
            (table, volumes.len()),
            (TableKind::Mbr, 0),
            "field {field} is {value}"
        );
    }
}

/// Where a 32-byte entry with this short name stands.
fn entry(bytes: &[u8], name: &[u8; 11]) -> usize {
    bytes
        .chunks_exact(32)
        .position(|entry| entry.starts_with(name))
        .unwrap()
        * 32
}

#[test]
fn spoiled_chains_are_corrupt() {
    let check = |spoil: &dyn Fn(&mut Vec<u8>, usize), expect: &str| {
        let mut bytes = sample("fat16");
        let kernel = entry(&bytes, b"ALONGF~1EFI");
        spoil(&mut bytes, kernel);
        let result = open_bytes(bytes).and_then(|fs| fs.read("/EFI/BOOT/ALONGF~1.EFI", 1 << 40));
        let error = result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(expect), "{error:?}");
    };
    check(
        &|bytes, at| poke(bytes, at + 28, &u32::MAX.to_le_bytes()),
        "is longer than the volume",
    );
    check(
        &|bytes, at| poke(bytes, at + 28, &40_000_u32.to_le_bytes()),
        "is shorter than its length",
    );
    check(
        &|bytes, at| poke(bytes, at + 26, &[0, 0]),
        "cluster 0, which does not exist",
    );
    check(
        &|bytes, at| poke(bytes, at + 26, &[0xf0, 0xff]),
        "cluster 65520, which does not exist",
    );
    // A free cluster in the middle of the chain.
    check(
        &|bytes, at| {
            let first = usize::from(u16::from_le_bytes([bytes[at + 26], bytes[at + 27]]));
            let reserved = usize::from(u16::from_le_bytes([bytes[14], bytes[15]])) * 512;
            poke(bytes, reserved + (first + 3) * 2, &[0, 0]);
        },
        "cluster 0, which does not exist",
    );
}

#[test]
fn a_directory_that_leads_in_a_circle_ends() {
    let mut bytes = sample("fat16");
    let at = entry(&bytes, b"BOOT       ");
    let first = usize::from(u16::from_le_bytes([bytes[at + 26], bytes[at + 27]]));
    let reserved = usize::from(u16::from_le_bytes([bytes[14], bytes[15]])) * 512;
    let own = u16::try_from(first).unwrap().to_le_bytes();
    poke(&mut bytes, reserved + first * 2, &own);
    let fs = open_bytes(bytes).unwrap();
    let error = fs.read_dir("/boot").unwrap_err().to_string();
    assert!(error.contains("more than 65536 entries"), "{error}");
}

#[test]
fn a_volume_that_is_cut_off_is_corrupt() {
    let mut bytes = sample("fat16");
    bytes.truncate(1 << 20);
    let error = open_bytes(bytes).err().map(|error| error.to_string());
    assert_eq!(
        error.as_deref(),
        Some("corrupt FAT file system: it is longer than its volume")
    );
}
