//! XFS: the samples of `make-xfs.sh`, and sound ones with one field spoiled.

use std::fmt::Write as _;

use detente_block::ExtentKind;
use detente_volume::{FileKind, FsError, XfsLog, xfs_state};

use crate::support::{open_bytes, poke, sample, window};

#[test]
fn what_mkfs_put_into_version_4_is_read() {
    let fs = open_bytes(sample("xfs-v4")).unwrap();
    assert_eq!(fs.read("/link", 100).unwrap(), b"ID=debian\n");
    assert_eq!(fs.metadata("/numbers").unwrap().mode, 0o600);
    let numbers = (1..=3000).fold(String::new(), |mut all, n| {
        writeln!(all, "{n}").unwrap();
        all
    });
    assert_eq!(fs.read("/numbers", 1 << 20).unwrap(), numbers.as_bytes());
    assert_eq!(fs.read_dir("/many").unwrap().len(), 500);
    assert_eq!(fs.metadata("/many/name-0500").unwrap().len, 0);
    assert!(matches!(
        fs.metadata("/many/name-0501"),
        Err(FsError::NotFound { .. })
    ));
}

#[test]
fn every_form_of_directory_file_and_link_of_version_5_is_read() {
    for name in ["xfs-v5", "xfs-1k"] {
        let fs = open_bytes(sample(name)).unwrap();
        // Every seventh name from the fifth on was removed again.
        for (count, left) in [(3, 3), (40, 34), (300, 257)] {
            let folder = format!("/names-{count}");
            assert_eq!(fs.read_dir(&folder).unwrap().len(), left, "{name}");
            let one = fs.read(&format!("{folder}/name-0000001"), 100).unwrap();
            assert_eq!(one, format!("one of {count}\n").as_bytes());
        }
        for entry in fs.read_dir("/alike").unwrap() {
            fs.metadata(&format!("/alike/{}", entry.name)).unwrap();
        }
        for len in [1, 30, 200, 400, 700, 1023] {
            let target = fs.read_link(&format!("/link-{len}")).unwrap();
            assert_eq!(target, "x".repeat(len), "{name}");
        }
        assert_eq!(fs.read("/a/b/c/d/e/f/file", 10).unwrap(), b"deep");
        assert_eq!(fs.metadata("/a/b").unwrap().modified_s, -631_152_000);
        assert_eq!(fs.metadata("/short").unwrap().mode, 0o4751);
        let kinds = fs.read_dir("/").unwrap();
        let pipe = kinds.iter().find(|entry| entry.name == "pipe").unwrap();
        assert_eq!(pipe.kind, FileKind::Special);
    }
}

#[test]
fn holes_and_unwritten_extents_are_zero_without_being_read() {
    let fs = open_bytes(sample("xfs-v5")).unwrap();
    let sparse = fs.open("/sparse").unwrap();
    assert_eq!(sparse.len_bytes(), 5 << 30);
    assert_eq!(sparse.next_extent(0).unwrap().kind, ExtentKind::Zero);
    let mut bytes = [0; 11];
    sparse.read_exact_at(3 << 30, &mut bytes).unwrap();
    assert_eq!(bytes, [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0]);
    let unwritten = fs.open("/unwritten").unwrap();
    assert_eq!(unwritten.next_extent(0).unwrap().kind, ExtentKind::Zero);
    // `pwrite -S i % 251` at every other block.
    let holes = fs.read("/holes", 1 << 20).unwrap();
    for (index, block) in holes.chunks(4096).enumerate() {
        let half = u8::try_from(index / 2).unwrap();
        let value = if index % 2 == 0 { half } else { 0 };
        assert!(block.iter().all(|&byte| byte == value), "block {index}");
    }
}

#[test]
fn a_log_that_was_not_written_back_is_read_through() {
    let state = xfs_state(&window(sample("xfs-dirty"))).unwrap();
    assert!(!state.clean);
    assert!(
        matches!(state.log, XfsLog::Replayed { transactions: 1.. }),
        "{state:?}"
    );
    let fs = open_bytes(sample("xfs-dirty")).unwrap();
    assert_eq!(fs.read("/link", 100).unwrap(), b"before\n");
    assert_eq!(fs.read("/new", 100).unwrap(), b"after, and longer\n");
    // `kept`, `moved` and a hundred more; `gone` is.
    assert_eq!(fs.read_dir("/dir").unwrap().len(), 102);
    assert!(fs.metadata("/dir/gone").is_err());
    for name in ["xfs-v4", "xfs-v5", "xfs-1k"] {
        let state = xfs_state(&window(sample(name))).unwrap();
        assert_eq!((state.clean, state.log), (true, XfsLog::Clean), "{name}");
    }
}

/// What opening says when `new` stands at byte `at` of the superblock; sums are not made right.
fn refusal(name: &str, at: usize, new: &[u8]) -> String {
    let mut bytes = sample(name);
    poke(&mut bytes, at, new);
    open_bytes(bytes).err().unwrap().to_string()
}

#[test]
fn a_spoiled_superblock_is_refused_by_its_rule() {
    // Version 5: the sum; unknown features by bit and name.
    assert!(refusal("xfs-v5", 108, b"X").contains("checksum"));
    assert!(refusal("xfs-v5", 216, &0x8000_0003_u32.to_be_bytes()).contains("0x80000000"));
    assert!(refusal("xfs-v5", 216, &0x203_u32.to_be_bytes()).contains("ZONED"));
    // Version 4 has no sum: each rule by itself.
    for (at, new, rule) in [
        (4, &[0, 0, 2, 0][..], "block size"),
        (102, &[0, 3], "sector size"),
        (104, &[0, 1], "inode size"),
        (123, &[9], "inodes per block"),
        (124, &[30], "logarithm"),
        (88, &[0, 0, 0, 0], "more blocks"),
        (126, &[1], "mkfs"),
        (8, &[0, 0, 0, 0, 0, 0x7f, 0, 0], "more blocks"),
        (48, &[0; 8], "log is on another device"),
        (100, &[0x30, 0x03], "version 3"),
        (100, &[0x00, 0x04], "directories of version 1"),
    ] {
        let said = refusal("xfs-v4", at, new);
        assert!(said.contains(rule), "{at}: {said}");
    }
}
