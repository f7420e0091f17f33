//! One spoiled field of a sound archive for each rule of cpio.

mod samples;

use std::ops::ControlFlow;

use detente_initramfs::{
    CpioWriter, EntryKind, InitramfsError, Limit, Limits, Offset, Rule, Unsupported, walk,
};
use samples::{archive, list, list_within};

/// Offsets of fields in a header, from `buffer-format.rst`.
const INO: usize = 6;
const MODE: usize = 14;
const NLINK: usize = 38;
const FILESIZE: usize = 54;
const NAMESIZE: usize = 94;
const CHKSUM: usize = 102;

fn put(archive: &mut [u8], field: usize, digits: &str) {
    archive[field..field + digits.len()].copy_from_slice(digits.as_bytes());
}

fn sound() -> Vec<u8> {
    archive("etc/hostname", b"payroll\n")
}

fn spoilt(field: usize, digits: &str) -> Vec<u8> {
    let mut bytes = sound();
    put(&mut bytes, field, digits);
    bytes
}

fn check(bytes: &[u8], place: Offset, expect: Rule) {
    match list(bytes) {
        Err(InitramfsError::Corrupt {
            segment: 0,
            offset,
            rule,
        }) => {
            assert_eq!((offset, rule), (place, expect));
        }
        other => panic!("{expect:?} expected, got {other:?}"),
    }
}

fn limit(bytes: &[u8], limits: &Limits) -> Limit {
    match list_within(bytes, limits) {
        Err(InitramfsError::LimitExceeded { limit, .. }) => limit,
        other => panic!("a limit expected, got {other:?}"),
    }
}

#[test]
fn a_sound_archive_is_read() {
    let (seen, segments) = list(&sound()).unwrap();
    assert_eq!(seen, [("etc/hostname".to_owned(), b"payroll\n".to_vec())]);
    // 110 + 13 (+1) name, 8 data, 110 + 11 (+3) trailer.
    assert_eq!(
        (segments[0].entries, segments[0].unpacked_bytes),
        (1, 124 + 8 + 124)
    );
}

#[test]
fn an_empty_file_and_zeros_have_no_segments() {
    assert_eq!(list(&[]).unwrap().1, []);
    assert_eq!(list(&[0; 300_001]).unwrap().1, []);
}

#[test]
fn text_is_junk() {
    check(
        b"hello, world",
        Offset::File(0),
        Rule::Junk {
            found: b"hell".to_vec(),
        },
    );
}

#[test]
fn junk_behind_an_archive_is_found_where_it_is() {
    let mut bytes = sound();
    bytes.extend_from_slice(b"\0\0junk");
    match list(&bytes) {
        Err(InitramfsError::Corrupt {
            segment: 1,
            offset: Offset::File(258),
            rule,
        }) => {
            assert_eq!(
                rule,
                Rule::Junk {
                    found: b"junk".to_vec()
                }
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_old_ascii_format_is_not_newc() {
    check(
        &spoilt(0, "070707"),
        Offset::File(0),
        Rule::NotNewc {
            found: "070707".to_owned(),
        },
    );
}

#[test]
fn a_field_that_is_not_hexadecimal_is_corrupt() {
    let rule = Rule::NotHexadecimal { field: "c_ino" };
    check(&spoilt(INO, "0000000g"), Offset::File(0), rule);
    let rule = Rule::NotHexadecimal {
        field: "c_filesize",
    };
    check(&spoilt(FILESIZE, "+0000008"), Offset::File(0), rule);
}

#[test]
fn a_name_without_bytes_is_corrupt() {
    check(
        &spoilt(NAMESIZE, "00000000"),
        Offset::File(110),
        Rule::EmptyName,
    );
}

#[test]
fn a_name_without_nul_is_corrupt() {
    check(
        &spoilt(NAMESIZE, "0000000c"),
        Offset::File(122),
        Rule::NameNotTerminated,
    );
}

#[test]
fn a_name_longer_than_the_limit_is_refused() {
    let bytes = spoilt(NAMESIZE, "00001001");
    assert_eq!(limit(&bytes, &Limits::default()), Limit::NameBytes(4096));
    let bytes = spoilt(NAMESIZE, "ffffffff");
    assert_eq!(limit(&bytes, &Limits::default()), Limit::NameBytes(4096));
}

#[test]
fn archives_end_where_they_are_cut() {
    let bytes = sound();
    check(
        &bytes[..109],
        Offset::File(109),
        Rule::Truncated { part: "a header" },
    );
    check(
        &bytes[..115],
        Offset::File(115),
        Rule::Truncated { part: "a name" },
    );
    check(
        &bytes[..130],
        Offset::File(130),
        Rule::Truncated {
            part: "a file's data",
        },
    );
    check(
        &bytes[..200],
        Offset::File(200),
        Rule::Truncated { part: "a header" },
    );
}

#[test]
fn a_size_beyond_the_end_is_a_cut_archive() {
    let part = "a file's data";
    check(
        &spoilt(FILESIZE, "fffffff0"),
        Offset::File(256),
        Rule::Truncated { part },
    );
}

#[test]
fn the_trailer_may_be_missing() {
    let (seen, _) = list(&sound()[..132]).unwrap();
    assert_eq!(seen.len(), 1);
}

#[test]
fn checksums_are_verified() {
    // "payroll\n": 112+97+121+114+111+108+108+10 = 781 = 0x30d
    let mut bytes = spoilt(CHKSUM, "0000030d");
    put(&mut bytes, 0, "070702");
    assert_eq!(list(&bytes).unwrap().0.len(), 1);
    put(&mut bytes, CHKSUM, "0000030e");
    let name = "etc/hostname".to_owned();
    check(
        &bytes,
        Offset::File(132),
        Rule::Checksum {
            name,
            expected: 0x30e,
            found: 0x30d,
        },
    );
    // The format without checksums does not look at the field.
    put(&mut bytes, 0, "070701");
    assert_eq!(list(&bytes).unwrap().0.len(), 1);
}

#[test]
fn checksums_are_verified_for_data_that_nobody_reads() {
    let mut bytes = spoilt(CHKSUM, "00000001");
    put(&mut bytes, 0, "070702");
    let ignored = walk(bytes.as_slice(), &Limits::default(), &mut |_, _| {
        ControlFlow::Continue(())
    });
    assert!(matches!(
        ignored,
        Err(InitramfsError::Corrupt {
            rule: Rule::Checksum { .. },
            ..
        })
    ));
}

#[test]
fn plain_archives_start_at_multiples_of_four() {
    for zeros in 0..9 {
        let mut bytes = sound();
        bytes.resize(bytes.len() + zeros, 0);
        bytes.extend_from_slice(&sound());
        match list(&bytes) {
            Ok((seen, _)) => assert!(zeros % 4 == 0 && seen.len() == 2, "{zeros}"),
            Err(InitramfsError::Corrupt {
                segment: 1,
                rule: Rule::Unaligned,
                ..
            }) => {
                assert!(zeros % 4 != 0, "{zeros}");
            }
            Err(other) => panic!("{zeros}: {other}"),
        }
    }
}

#[test]
fn zeros_may_stand_between_entries() {
    let mut bytes = sound();
    bytes.splice(132..132, [0; 512]);
    assert_eq!(list(&bytes).unwrap().1.len(), 1);
}

#[test]
fn names_lose_leading_slashes_and_dots_only() {
    for (stored, expect) in [
        ("./a", "a"),
        ("././/a", "a"),
        (".", "."),
        ("./", "."),
        ("../../etc/passwd", "../../etc/passwd"),
        (".hidden", ".hidden"),
        ("a/./b", "a/./b"),
    ] {
        assert_eq!(list(&archive(stored, b"")).unwrap().0[0].0, expect);
    }
    let mut bytes = archive("xetc", b"");
    bytes[110] = b'/';
    assert_eq!(list(&bytes).unwrap().0[0].0, "etc");
    bytes[112] = 0xff;
    assert_eq!(list(&bytes).unwrap().0[0].0, "e\u{fffd}c");
}

#[test]
fn hard_links_name_the_first_name() {
    let mut writer = CpioWriter::new();
    writer.file("one", 0o755, b"").file("two", 0o755, b"data");
    let mut bytes = writer.finish();
    for entry in [0, 116] {
        put(&mut bytes, entry + INO, "00000007");
        put(&mut bytes, entry + NLINK, "00000002");
    }
    // The same numbers behind the trailer are another file.
    let mut both = bytes.clone();
    both.extend_from_slice(&bytes);
    let mut seen = Vec::new();
    walk(both.as_slice(), &Limits::default(), &mut |entry, _| {
        seen.push((entry.name.clone(), entry.size, entry.hard_link_to.clone()));
        ControlFlow::Continue(())
    })
    .unwrap();
    let one = ("one".to_owned(), 0, None);
    let two = ("two".to_owned(), 4, Some("one".to_owned()));
    assert_eq!(seen, [one.clone(), two.clone(), one, two]);
}

#[test]
fn links_and_nodes_are_described() {
    let mut writer = CpioWriter::new();
    writer.directory("dev", 0o755);
    writer.node("dev/console", 0o020_600, 5, 1);
    writer.symlink("init", "usr/lib/systemd/systemd");
    let bytes = writer.finish();
    let mut seen = Vec::new();
    walk(bytes.as_slice(), &Limits::default(), &mut |entry, _| {
        seen.push((entry.kind(), entry.rdev, entry.link_target.clone()));
        ControlFlow::Continue(())
    })
    .unwrap();
    let target = Some("usr/lib/systemd/systemd".to_owned());
    assert_eq!(
        seen,
        [
            (EntryKind::Directory, (0, 0), None),
            (EntryKind::CharDevice, (5, 1), None),
            (EntryKind::Symlink, (0, 0), target),
        ]
    );
}

#[test]
fn a_directory_with_data_is_passed_over_as_the_kernel_does() {
    let (seen, segments) = list(&spoilt(MODE, "000041ed")).unwrap();
    assert_eq!((seen.len(), segments.len()), (0, 1));
}

#[test]
fn a_long_link_target_is_refused() {
    let mut writer = CpioWriter::new();
    writer.symlink("a", &"x".repeat(4097));
    assert_eq!(
        limit(&writer.finish(), &Limits::default()),
        Limit::NameBytes(4096)
    );
}

#[test]
fn limits_hold_over_all_segments() {
    let mut bytes = sound();
    bytes.extend_from_slice(&sound());
    let limits = Limits {
        entries: 1,
        ..Limits::default()
    };
    assert_eq!(limit(&bytes, &limits), Limit::Entries(1));
    let limits = Limits {
        segments: 1,
        ..Limits::default()
    };
    assert_eq!(limit(&bytes, &limits), Limit::Segments(1));
    let limits = Limits {
        unpacked_bytes: 511,
        ..Limits::default()
    };
    assert_eq!(limit(&bytes, &limits), Limit::UnpackedBytes(511));
    let limits = Limits {
        unpacked_bytes: 512,
        entries: 2,
        segments: 2,
        name_bytes: 13,
        ..Limits::default()
    };
    assert!(list_within(&bytes, &limits).is_ok());
}

#[test]
fn names_of_hard_links_are_bounded() {
    let mut bytes = Vec::new();
    let name = "n".repeat(4000);
    for inode in 0..2200 {
        let mut entry = archive(&name, b"")[..110 + 4004 - 2].to_vec();
        put(&mut entry, INO, &format!("{inode:08x}"));
        put(&mut entry, NLINK, "00000002");
        bytes.extend_from_slice(&entry);
    }
    assert_eq!(
        limit(&bytes, &Limits::default()),
        Limit::HardLinkBytes(8 << 20)
    );
}

#[test]
fn new_lz4_frames_are_unsupported() {
    match list(&[0x04, 0x22, 0x4d, 0x18]) {
        Err(InitramfsError::Unsupported {
            segment: 0,
            offset: 0,
            feature,
        }) => assert_eq!(feature, Unsupported::Lz4Frame),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_visitor_may_stop() {
    let mut writer = CpioWriter::new();
    writer.file("a", 0o644, b"1").file("b", 0o644, b"2");
    let mut calls = 0;
    let segments = walk(
        writer.finish().as_slice(),
        &Limits::default(),
        &mut |_, _| {
            calls += 1;
            ControlFlow::Break(())
        },
    )
    .unwrap();
    assert_eq!((calls, segments.len(), segments[0].entries), (1, 1, 1));
}
