//! What volumes hold: magic numbers placed by hand, and what `blkid` says of others' images.

use std::process::Command;

use detente_block::{BlockRead as _, MemoryBackend, Window};
use detente_volume::{Content, FsError, open};

use crate::support::{has_tool, only_volume, poke, sample};

const MIB: usize = 1024 * 1024;
/// 00 11 22 … ff, as a UUID.
const ID: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];
const ID_TEXT: &str = "00112233-4455-6677-8899-aabbccddeeff";

fn check(pieces: &[(usize, &[u8])], expect: &Content) {
    let mut bytes = vec![0; MIB];
    for (at, piece) in pieces {
        poke(&mut bytes, *at, piece);
    }
    assert_eq!(only_volume(bytes).content, *expect);
}

fn other(kind: &'static str, uuid: Option<&str>) -> Content {
    Content::Other {
        kind,
        uuid: uuid.map(str::to_owned),
    }
}

#[test]
fn file_systems_that_are_recognised_by_magic() {
    let xfs = Content::Xfs {
        uuid: ID_TEXT.to_owned(),
        label: "LABEL".to_owned(),
    };
    check(&[(0, b"XFSB"), (32, &ID), (108, b"LABEL")], &xfs);
    check(
        &[(65_536 + 64, b"_BHRfS_M"), (65_536 + 32, &ID)],
        &Content::Btrfs {
            uuid: ID_TEXT.to_owned(),
            label: String::new(),
        },
    );
    check(
        &[(4086, b"SWAPSPACE2"), (1024 + 12, &ID)],
        &other("swap", Some(ID_TEXT)),
    );
    check(
        &[(3, b"NTFS    "), (0x48, &ID)],
        &other("ntfs", Some("7766554433221100")),
    );
    check(&[(3, b"-FVE-FS-")], &other("BitLocker", None));
    check(&[(0, b"hsqs"), (28, &[4, 0])], &other("squashfs", None));
    check(&[(0, b"hsqs"), (28, &[9, 0])], &Content::Unknown);
    let date = b"2024010203040506\0";
    check(
        &[(32_768, b"\x01CD001\x01"), (32_768 + 830, date)],
        &Content::Iso {
            uuid: Some("2024-01-02-03-04-05-06".to_owned()),
            label: String::new(),
        },
    );
}

#[test]
fn containers_win_over_what_they_contain() {
    let text = ID_TEXT.as_bytes();
    let luks: [(usize, &[u8]); 3] = [
        (0, b"LUKS\xba\xbe\x00\x02"),
        (168, text),
        (4086, b"SWAPSPACE2"),
    ];
    check(
        &luks,
        &Content::Luks {
            version: 2,
            uuid: ID_TEXT.to_owned(),
        },
    );
    let lvm: [(usize, &[u8]); 4] = [
        (512, b"LABELONE"),
        (512 + 20, &32_u32.to_le_bytes()),
        (512 + 24, b"LVM2 001"),
        (512 + 32, b"abcdefGHIJKLmnopQRSTuvwx01234567"),
    ];
    check(
        &lvm,
        &other(
            "LVM2_member",
            Some("abcdef-GHIJ-KLmn-opQR-STuv-wx01-234567"),
        ),
    );
    let magic = 0xa92b_4efc_u32.to_le_bytes();
    for at in [0, 4096, MIB - 8192] {
        let raid: [(usize, &[u8]); 4] = [
            (at, &magic),
            (at + 4, &[1]),
            (at + 16, &ID),
            (65_536 + 64, b"_BHRfS_M"),
        ];
        check(&raid, &other("linux_raid_member", Some(ID_TEXT)));
    }
    let at = MIB - 65_536;
    let words: [(usize, &[u8]); 5] = [
        (at, &magic),
        (at + 20, &ID[..4]),
        (at + 52, &ID[4..8]),
        (at + 56, &ID[8..12]),
        (at + 60, &ID[12..]),
    ];
    check(&words, &other("linux_raid_member", Some(ID_TEXT)));
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let mut bytes = vec![0; MIB];
    poke(&mut bytes, 4086, b"SWAPSPACE2");
    let error = open(&only_volume(bytes)).err();
    assert!(
        matches!(error, Some(FsError::Unsupported { kind: "swap", .. })),
        "{error:?}"
    );
    let error = open(&only_volume(vec![0; MIB])).err();
    assert!(
        matches!(
            error,
            Some(FsError::Unsupported {
                kind: "unknown",
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn volumes_shorter_than_any_magic_are_unknown() {
    for len in [0, 1, 100, 1025, 4090] {
        assert_eq!(only_volume(vec![0xff; len]).content, Content::Unknown);
    }
}

/// Makes images with other people's tools and compares with what `blkid` says of them.
#[test]
fn blkid_says_the_same() {
    let test = "blkid_says_the_same";
    let makers: [(&str, &[&str]); 6] = [
        ("mkfs.ext4", &["-q", "-F", "-L", "root fs"]),
        ("mkfs.ext3", &["-q", "-F"]),
        ("mkfs.fat", &["-F", "32", "-n", "EFI"]),
        ("mkfs.fat", &["-F", "16"]),
        ("mkswap", &["-q", "-L", "swap"]),
        ("mkfs.xfs", &["-q", "-f"]),
    ];
    if !has_tool(test, "blkid") {
        return;
    }
    for (tool, args) in makers {
        // Where one of the tools is missing, the others still count.
        if Command::new(tool).arg("-V").output().is_err() {
            continue;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file()
            .set_len(if tool == "mkfs.xfs" { 320 } else { 40 } * MIB as u64)
            .unwrap();
        assert!(
            Command::new(tool)
                .args(args)
                .arg(file.path())
                .output()
                .unwrap()
                .status
                .success(),
            "{tool}"
        );
        let told = Command::new("blkid")
            .args(["-p", "-o", "export"])
            .arg(file.path())
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let field = |name: &str| {
            let mut values = told
                .lines()
                .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            values.next().unwrap_or_default().replace('\\', "")
        };
        let content = only_volume(std::fs::read(file.path()).unwrap()).content;
        let (kind, uuid, label) = match &content {
            Content::Ext4 { uuid, label } => ("ext", uuid.clone(), label.clone()),
            Content::Xfs { uuid, label } => ("xfs", uuid.clone(), label.clone()),
            Content::Fat { uuid, label } => ("vfat", uuid.clone(), label.clone()),
            Content::Other { kind, uuid } => {
                (*kind, uuid.clone().unwrap_or_default(), field("LABEL"))
            }
            other => panic!("{tool}: {other:?}"),
        };
        assert!(
            field("TYPE").starts_with(kind),
            "{tool}: {told} {content:?}"
        );
        assert_eq!(
            (uuid, label),
            (field("UUID"), field("LABEL")),
            "{tool}: {told}"
        );
    }
}

#[test]
fn a_sample_is_recognised_through_a_window() {
    let mut bytes = vec![0xff; 777];
    bytes.extend(sample("ext2"));
    let len = bytes.len() as u64 - 777;
    let inner = Window::new(std::sync::Arc::new(MemoryBackend::new(bytes)), 777, len).unwrap();
    assert_eq!(inner.len_bytes(), len);
    let disk: std::sync::Arc<dyn detente_block::BlockRead> = std::sync::Arc::new(inner);
    let (_, volumes) = detente_volume::scan(&disk).unwrap();
    let uuid = "01234567-89ab-4cde-8f01-23456789abcd".to_owned();
    assert_eq!(
        volumes[0].content,
        Content::Ext4 {
            uuid,
            label: "tiny".to_owned()
        }
    );
}
