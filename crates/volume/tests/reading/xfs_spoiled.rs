//! XFS of version 5 with one field spoiled, and sums made right again: each is refused by its rule.

use detente_volume::{FileKind, FileSystem, XfsLog, xfs_state};

use crate::support::{open_bytes, poke, sample, seal_xfs, window, xfs_pieces};

/// Every error of reading everything.
fn errors(bytes: Vec<u8>) -> Vec<String> {
    let mut errors = Vec::new();
    match open_bytes(bytes) {
        Err(error) => errors.push(error.to_string()),
        Ok(fs) => walk(fs.as_ref(), "", &mut errors),
    }
    errors
}

fn walk(fs: &dyn FileSystem, folder: &str, errors: &mut Vec<String>) {
    let path = if folder.is_empty() { "/" } else { folder };
    let entries = match fs.read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return errors.push(error.to_string()),
    };
    for entry in entries {
        let child = format!("{folder}/{}", entry.name);
        let outcome = match entry.kind {
            FileKind::Directory => {
                walk(fs, &child, errors);
                Ok(())
            }
            FileKind::Symlink => fs.read_link(&child).map(drop),
            FileKind::File if child == "/sparse" => Ok(()),
            FileKind::File => fs.read(&child, 1 << 20).map(drop),
            FileKind::Special => fs.metadata(&child).map(drop),
        };
        errors.extend(outcome.err().map(|error| error.to_string()));
    }
}

/// Where the first piece of metadata of `xfs-v5` starts that is as wanted.
fn find(is_wanted: impl Fn(&[u8]) -> bool) -> usize {
    let bytes = sample("xfs-v5");
    let pieces = xfs_pieces(&bytes, 4096);
    let mut starts = pieces.into_iter().map(|(at, _, _)| at);
    starts.find(|&at| is_wanted(&bytes[at..])).unwrap()
}

/// Spoils bytes of the piece at `start`, and looks for `rule`. Only the first of `cases` leaves the
/// sum as it was.
fn refuses(start: usize, cases: &[(usize, &[u8], &str)]) {
    for (index, (at, new, rule)) in cases.iter().enumerate() {
        let mut bytes = sample("xfs-v5");
        poke(&mut bytes, start + at, new);
        if index > 0 {
            seal_xfs(&mut bytes, 4096);
        }
        let errors = errors(bytes);
        let is_said = errors.iter().any(|error| error.contains(rule));
        assert!(is_said, "{at}: {rule}: {:?}", errors.first());
    }
}

#[test]
fn sealing_a_sound_sample_leaves_it_sound() {
    for (name, block) in [("xfs-v5", 4096), ("xfs-1k", 1024), ("xfs-dirty", 4096)] {
        let mut sealed = sample(name);
        seal_xfs(&mut sealed, block);
        // Links in two blocks have one sum, which is not known here.
        let mut said = errors(sealed);
        said.retain(|error| !error.contains("a link block"));
        assert_eq!(said, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_spoiled_inode_is_refused_by_its_rule() {
    // A link of 30 bytes, in the inode.
    let start = find(|piece| piece.starts_with(b"IN\xa1\xff\x03\x01") && piece[63] == 30);
    refuses(
        start,
        &[
            (43, &[0xee], "has a wrong checksum"),
            (0, b"X", "has no magic number"),
            (4, &[2], "has version 2, not 3"),
            (152, &[1], "has the number of another"),
            (160, &[0], "has the UUID of another file system"),
            (2, &[0, 0], "is not in use"),
            (5, &[9], "has a data fork of format 9"),
            (
                56,
                &[0x40],
                "claims a longer data fork than it has room for",
            ),
            (82, &[255], "has its attributes outside itself"),
            (91, &[1], "has its data on the realtime device"),
        ],
    );
}

#[test]
fn a_spoiled_directory_block_is_refused_by_its_rule() {
    let start = find(|piece| piece.starts_with(b"XDB3"));
    refuses(
        start,
        &[
            (64, &[0xee], "a directory block of inode"),
            (0, b"Y", "has no magic number"),
            (0, b"XD2B", "is of another version"),
            (8, &[1], "has the address of another"),
            (24, &[0], "has the UUID of another file system"),
            (40, &[1], "has another owner"),
            (72, &[0], "does not fit its block"),
            (4088, &[0xff], "does not fit its block"),
        ],
    );
    let index = find(|piece| piece[8..10] == [0x3d, 0xf1]);
    refuses(
        index,
        &[
            (80, &[0xee], "an index block of inode"),
            (8, &[0], "has a block without magic number"),
            (9, &[0xf2], "has a block without magic number"),
            (48, &[1], "has another owner"),
            (56, &[0xff, 0xff], "claims more entries"),
        ],
    );
}

#[test]
fn a_spoiled_extent_tree_is_refused_by_its_rule() {
    let start = find(|piece| piece.starts_with(b"BMA3"));
    refuses(
        start,
        &[
            (80, &[0xee], "an extent block of inode"),
            (0, b"X", "has no magic number"),
            (5, &[3], "is of the wrong depth"),
            (6, &[0xff, 0xff], "claims more entries than it has room for"),
            (56, &[1], "has another owner"),
        ],
    );
    let root = find(|piece| piece.starts_with(b"IN\x81") && piece[5] == 3);
    refuses(
        root,
        &[
            (178, &[0xee], "has a wrong checksum"),
            (176, &[0, 0], "has no allowed depth"),
            (176, &[0, 10], "has no allowed depth"),
            (178, &[1, 0], "claims more entries than it has room for"),
        ],
    );
}

#[test]
fn a_spoiled_remote_link_is_refused_by_its_rule() {
    let start = find(|piece| piece.starts_with(b"XSLM"));
    refuses(
        start,
        &[
            (100, &[0xee], "a link block of inode"),
            (0, b"Y", "has a block without its header"),
            (7, &[1], "has a block without its header"),
            (8, &[0, 0, 0, 0], "has a hole"),
            (8, &[0, 1, 0, 0], "has a hole"),
            (32, &[1], "has another owner"),
        ],
    );
}

/// What is said of the log of `xfs-dirty` when `new` stands `at` bytes behind each `pattern`.
fn log_said(pattern: &[u8], at: usize, new: &[u8], is_sealed: bool) -> String {
    let mut bytes = sample("xfs-dirty");
    let log = (6 * 4096..(6 + 1368) * 4096).step_by(4);
    let places = log.filter(|&place| bytes[place..].starts_with(pattern));
    for place in places.collect::<Vec<_>>() {
        poke(&mut bytes, place + at, new);
    }
    if is_sealed {
        seal_xfs(&mut bytes, 4096);
    }
    let state = xfs_state(&window(bytes)).unwrap();
    assert!(!state.clean);
    match state.log {
        XfsLog::NotReplayed { reason } => reason,
        replayed => format!("{replayed:?}"),
    }
}

#[test]
fn a_spoiled_log_is_not_replayed_and_that_is_said() {
    let record = b"\xfe\xed\xba\xbe";
    for (pattern, at, new, rule) in [
        // Every header, then fields of each.
        (&record[..], 0, &b"X"[..], "it has no sound record"),
        (record, 32, b"XXXX", "it has no sound record"),
        (record, 303, &[2], "machine of another byte order"),
        (record, 28, &[0x7f], "oldest record is not where"),
        // "TRAN"; a buffer, an inode, new inodes with their count of regions.
        (b"NART", 0, b"X", "has no magic number"),
        (b"\x3b\x12\x02\x00", 2, &[0, 0], "an item has no regions"),
        (b"\x3b\x12\x02\x00", 44, &[0x7f], "not in the volume"),
        (b"\x3b\x12\x02\x00", 52, &[1], "between two others"),
        (b"\x3b\x12\x02\x00", 68, b"X", "an inode has no magic"),
        (b"\x3c\x12\x02\x00", 13, &[0x7f], "not in the volume"),
        (b"\x3c\x12\x02\x00", 20, &[0xff; 8], "a buffer"),
        (b"\x3f\x12\x01\x00", 8, &[0x7f], "where none can be"),
        (b"\x3f\x12\x01\x00", 12, &[0x7f], "where none can be"),
        (b"\x3f\x12\x01\x00", 18, &[4], "where none can be"),
    ] {
        let is_sealed = at != 32;
        let said = log_said(pattern, at, new, is_sealed);
        assert!(said.contains(rule), "{pattern:x?} {at}: {said}");
    }
}
