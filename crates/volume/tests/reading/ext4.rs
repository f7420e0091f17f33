//! ext2, ext3 and ext4: samples made by `mke2fs`, read beside `ext4-view`, and spoiled.

use crate::support::{has_tool, open_bytes, poke, sample, window};
use std::collections::BTreeSet;
use std::process::Command;

use detente_block::ExtentKind;
use detente_volume::{Ext4State, FileKind, FileSystem, FsError, ext4_state};

/// Those that `ext4-view` 1.0.0 reads: it refuses journals without checksums of version 3, and
/// escaped blocks.
const COMPARED: [&str; 3] = ["ext2", "ext4-plain", "ext4-csum"];

/// What `seq -f %07.0f 0 2499` prints.
fn kernel() -> Vec<u8> {
    (0..2500)
        .flat_map(|line| format!("{line:07}\n").into_bytes())
        .collect()
}

fn sound(name: &str) -> Box<dyn FileSystem> {
    open_bytes(sample(name)).unwrap()
}

#[test]
fn files_links_and_directories_of_every_sample() {
    for name in ["ext2", "ext4-plain", "ext4-csum"] {
        let fs = sound(name);
        for path in [
            "/usr/lib/os-release",
            "/etc/os-release",
            "/lib/os-release",
            "/long-link",
            "/etc/../lib/./os-release",
            "//usr///lib/os-release",
        ] {
            assert_eq!(fs.read(path, 100).unwrap(), b"ID=debian\n", "{name} {path}");
        }
        assert_eq!(
            fs.read("/boot/vmlinuz", 1 << 20).unwrap(),
            kernel(),
            "{name}"
        );
        let metadata = fs.metadata("/boot/vmlinuz").unwrap();
        assert_eq!((metadata.kind, metadata.len), (FileKind::File, 20_000));
        assert_eq!((metadata.mode, metadata.modified_s), (0o644, 1_700_000_000));
        assert_eq!(fs.read_dir("/many").unwrap().len(), 60);
        assert_eq!(fs.read_link("/lib").unwrap(), "/usr/lib");
        assert_eq!(fs.read_link("/long-link").unwrap().len(), 9 + 120 + 10);
    }
}

#[test]
fn errors_name_their_cause() {
    let fs = sound("ext4-csum");
    let check = |result: Result<Vec<u8>, FsError>, expect: &str| {
        assert_eq!(result.unwrap_err().to_string(), expect);
    };
    check(fs.read("/none", 1), "/none: no such file");
    check(fs.read("usr", 1), "usr: no such file");
    check(fs.read("/usr", 1), "/usr: is not a file");
    check(
        fs.read("/boot/vmlinuz/x", 1),
        "/boot/vmlinuz/x: is not a directory",
    );
    check(
        fs.read("/boot/vmlinuz", 19_999),
        "/boot/vmlinuz: 20000 bytes, more than the limit of 19999",
    );
    check(fs.read("/loop-a", 1), "/loop-a: too many symbolic links");
    check(
        fs.read_link("/usr").map(String::into_bytes),
        "/usr: is not a symbolic link",
    );
    check(
        fs.read_dir("/boot/vmlinuz").map(|_| Vec::new()),
        "/boot/vmlinuz: is not a directory",
    );
}

#[test]
fn files_read_at_any_position_and_know_their_holes() {
    for name in ["ext2", "ext4-csum"] {
        let file = sound(name).open("/boot/vmlinuz").unwrap();
        for (at, len) in [
            (0, 1),
            (1023, 2),
            (1, 19_999),
            (12 * 1024 - 3, 7000),
            (19_999, 1),
        ] {
            let mut buf = vec![0; len];
            file.read_exact_at(at as u64, &mut buf).unwrap();
            assert_eq!(buf, kernel()[at..at + len], "{name}: {len} at {at}");
        }
        assert!(file.read_exact_at(19_999, &mut [0; 2]).is_err());
        let sparse = sound(name).open("/boot/sparse").unwrap();
        assert_eq!(sparse.len_bytes(), 300 * 1024 + 4);
        let first = sparse.next_extent(0).unwrap();
        assert_eq!((first.kind, first.len), (ExtentKind::Data, 1024));
        let (mut at, mut zeros) = (0, 0);
        while let Ok(extent) = sparse.next_extent(at) {
            zeros += if extent.kind == ExtentKind::Zero {
                extent.len
            } else {
                0
            };
            at += extent.len;
        }
        assert_eq!((at, zeros), (300 * 1024 + 4, 299 * 1024), "{name}");
        let mut tail = [1; 8];
        sparse.read_exact_at(300 * 1024 - 4, &mut tail).unwrap();
        assert_eq!(&tail, b"\0\0\0\0tail");
    }
}

/// `e2fsck` and then `debugfs cat` say the same (the recipe is in `tests/images/make.sh`).
#[test]
fn a_journal_that_was_not_written_back_is_replayed() {
    for name in ["ext4-journal", "ext4-journal-v3"] {
        let fs = sound(name);
        let config = fs.read("/boot/grub/grub.cfg", 100).unwrap();
        assert_eq!(
            config, b"set default=2\n",
            "{name}: the newer transaction wins"
        );
        assert_eq!(
            fs.read("/usr/lib/os-release", 100).unwrap(),
            b"ID=debian\n",
            "{name}: revoked"
        );
        let kernel_now = fs.read("/boot/vmlinuz", 1 << 20).unwrap();
        assert_eq!(
            kernel_now[..12],
            *b"\xc0\x3b\x39\x98 escaped",
            "{name}: magic restored"
        );
        assert_eq!(kernel_now[1024..], kernel()[1024..], "{name}");
    }
}

/// `e2fsck` replays the journal into a copy; that copy and the original read alike.
#[test]
fn e2fsck_replays_the_same() {
    if !has_tool("e2fsck_replays_the_same", "e2fsck") {
        return;
    }
    for name in ["ext4-journal", "ext4-journal-v3"] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), sample(name)).unwrap();
        let status = Command::new("e2fsck")
            .arg("-fy")
            .arg(file.path())
            .output()
            .unwrap()
            .status;
        // 1 means that something was corrected.
        assert!(matches!(status.code(), Some(0 | 1)), "{name}: {status}");
        let theirs = std::fs::read(file.path()).unwrap();
        assert!(ext4_state(&window(theirs.clone())).unwrap().clean, "{name}");
        let (theirs, ours) = (open_bytes(theirs).unwrap(), sound(name));
        for path in [
            "/boot/grub/grub.cfg",
            "/boot/vmlinuz",
            "/usr/lib/os-release",
        ] {
            let read = |fs: &dyn FileSystem| fs.read(path, 1 << 20).unwrap();
            assert_eq!(read(ours.as_ref()), read(theirs.as_ref()), "{name} {path}");
        }
    }
}

#[test]
fn a_torn_commit_is_not_replayed() {
    let mut bytes = sample("ext4-journal-v3");
    // The commit block of transaction 3, which holds the newer `grub.cfg`.
    let header = [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 2, 0, 0, 0, 3];
    let at = bytes
        .chunks_exact(1024)
        .position(|block| block.starts_with(&header))
        .unwrap()
        * 1024;
    bytes[at + 20] ^= 1;
    let fs = open_bytes(bytes).unwrap();
    assert_eq!(
        fs.read("/boot/grub/grub.cfg", 100).unwrap(),
        b"set default=1\n"
    );
}

#[test]
fn the_state_tells_a_clean_shutdown() {
    let state = |bytes: Vec<u8>| ext4_state(&window(bytes)).unwrap();
    let clean = Ext4State {
        clean: true,
        needs_recovery: false,
        errors: false,
    };
    assert_eq!(state(sample("ext4-csum")), clean);
    let open = Ext4State {
        clean: false,
        needs_recovery: true,
        errors: false,
    };
    assert_eq!(state(sample("ext4-journal")), open);
    let mut bytes = sample("ext4-plain");
    poke(&mut bytes, 1024 + 0x3a, &3_u16.to_le_bytes());
    assert_eq!(
        state(bytes),
        Ext4State {
            clean: false,
            needs_recovery: false,
            errors: true
        }
    );
    assert!(ext4_state(&window(vec![0; 4096])).is_err());
    assert!(ext4_state(&window(vec![0; 10])).is_err());
}

/// Opens an image with one superblock field spoiled.
fn check_spoiled(field: usize, value: u32, expect: &str) {
    let mut bytes = sample("ext4-plain");
    poke(&mut bytes, 1024 + field, &value.to_le_bytes());
    let error = open_bytes(bytes).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some(expect), "field {field:#x}");
}

#[test]
fn a_spoiled_superblock_is_refused_by_name() {
    let corrupt = |rule: &str| format!("corrupt ext4 file system: {rule}");
    check_spoiled(0x04, 1 << 20, &corrupt("it is longer than its volume"));
    check_spoiled(0x04, 0, &corrupt("it has no blocks"));
    check_spoiled(0x14, 2, &corrupt("its first data block is neither 0 nor 1"));
    check_spoiled(0x18, 7, &corrupt("the superblock makes no sense"));
    check_spoiled(0x18, u32::MAX, &corrupt("the superblock makes no sense"));
    check_spoiled(0x20, 0, &corrupt("blocks per group out of range"));
    check_spoiled(0x28, 0, &corrupt("inodes per group out of range"));
    check_spoiled(0x58, 100, &corrupt("the inode size is not allowed"));
    let unsupported = "unsupported ext4 file system: incompatible features 0x80000001";
    check_spoiled(0x60, 0x8000_0043, unsupported);
}

/// The kernel grew them: the first block of `few` was a leaf once and still ends as one.
#[test]
fn every_name_of_an_indexed_directory_is_there() {
    let fs = sound("ext4-index");
    for (path, count) in [("/few", 100), ("/many", 3000)] {
        let names = fs.read_dir(path).unwrap();
        let found: BTreeSet<String> = names.into_iter().map(|entry| entry.name).collect();
        let wanted = (0..count).map(|number| format!("a-name-of-some-length-{number}"));
        assert_eq!(found, wanted.collect(), "{path}");
    }
}

#[test]
fn checksums_are_checked() {
    let check = |at: usize, expect: &str| {
        let mut bytes = sample("ext4-csum");
        bytes[at] ^= 1;
        let result = open_bytes(bytes).and_then(|fs| fs.read_dir("/"));
        let error = result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(expect), "spoiled at {at:#x}: {error:?}");
    };
    check(1024 + 0x78, "the superblock's checksum is wrong");
    check(2048 + 4, "the checksum of group descriptor 0 is wrong");
    let bytes = sample("ext4-csum");
    let table = u32::from_le_bytes(bytes[2048 + 8..][..4].try_into().unwrap()) as usize * 1024;
    let inode_bytes = usize::from(u16::from_le_bytes(
        bytes[1024 + 0x58..][..2].try_into().unwrap(),
    ));
    let root = table + inode_bytes;
    check(root + 0x10, "the checksum of inode 2 is wrong");
    let block =
        u32::from_le_bytes(bytes[root + 0x28 + 20..][..4].try_into().unwrap()) as usize * 1024;
    check(
        block + 8,
        "a block of directory inode 2 has a wrong checksum",
    );
}

/// The root inode of the sample without checksums.
fn root_of(bytes: &[u8]) -> usize {
    let table = u32::from_le_bytes(bytes[2048 + 8..][..4].try_into().unwrap()) as usize * 1024;
    table
        + usize::from(u16::from_le_bytes(
            bytes[1024 + 0x58..][..2].try_into().unwrap(),
        ))
}

#[test]
fn spoiled_inodes_and_extents_are_corrupt() {
    let check = |field: usize, value: &[u8], expect: &str| {
        let mut bytes = sample("ext4-plain");
        let root = root_of(&bytes);
        poke(&mut bytes, root + field, value);
        let result = open_bytes(bytes).and_then(|fs| fs.read_dir("/"));
        let error = result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(expect), "field {field:#x}: {error:?}");
    };
    check(0x28, &[0; 2], "an extent block has no magic number");
    check(0x2a, &5_u16.to_le_bytes(), "claims more than it can hold");
    check(0x2e, &6_u16.to_le_bytes(), "claims more than it can hold");
    check(0x3c, &u32::MAX.to_le_bytes(), "is not in the file system");
    check(
        0x6c,
        &u32::MAX.to_le_bytes(),
        "is longer than a file can be",
    );
    check(0x07, &[0x10], "has 268436");
    check(0x20, &0x8_0800_u32.to_le_bytes(), "an encrypted file");
    check(0x00, &0x81a4_u16.to_le_bytes(), "is not a directory");
}

/// `ext4-view` is a reader by other people.
#[test]
fn ext4_view_sees_the_same() {
    for name in COMPARED {
        let theirs = ext4_view::Ext4::load(Box::new(sample(name))).unwrap();
        let ours = sound(name);
        compare(&theirs, ours.as_ref(), "/");
    }
}

fn compare(theirs: &ext4_view::Ext4, ours: &dyn FileSystem, path: &str) {
    let mut names: Vec<_> = ours
        .read_dir(path)
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name, entry.kind))
        .collect();
    let entries = theirs.read_dir(path).unwrap().map(Result::unwrap);
    let names_of =
        |name: &ext4_view::DirEntry| String::from_utf8(name.file_name().as_ref().to_vec()).unwrap();
    let mut expect: Vec<_> = entries
        .map(|entry| names_of(&entry))
        .filter(|name| name != "." && name != "..")
        .collect();
    names.sort_by(|left, right| left.0.cmp(&right.0));
    expect.sort();
    assert_eq!(
        names
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>(),
        expect,
        "{path}"
    );
    for (name, kind) in names {
        let child = format!("{}/{name}", path.trim_end_matches('/'));
        match kind {
            // ext4-view 1.0.0 takes a hole in a block map for block 0, and refuses it.
            FileKind::File if child == "/boot/sparse" => {}
            FileKind::File => {
                let theirs = theirs.read(child.as_str()).unwrap();
                assert_eq!(ours.read(&child, 1 << 20).unwrap(), theirs, "{child}");
            }
            FileKind::Directory => compare(theirs, ours, &child),
            FileKind::Symlink => {
                let target = theirs.read_link(child.as_str()).unwrap();
                assert_eq!(ours.read_link(&child).unwrap(), target.to_str().unwrap());
            }
            FileKind::Special => {}
        }
    }
}
