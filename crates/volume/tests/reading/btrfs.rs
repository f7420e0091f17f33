//! btrfs: samples from `tests/images/make-btrfs.sh`, and the same with one field spoiled.

use detente_block::{ExtentKind, Window};
use detente_volume::{Btrfs, Content, FileKind, FileSystem, FsError};

use crate::support::{only_volume, open_bytes, poke, sample, seal_btrfs, window};

/// Where the superblock stands, and how long tree blocks of the samples are.
const SUPERBLOCK: usize = 65_536;
const NODE: usize = 4096;
/// Numbers of trees.
const ROOTS: u64 = 1;
const CHUNKS: u64 = 3;
const ROOT_SUBVOLUME: u64 = 256;

fn btrfs(bytes: Vec<u8>) -> Result<Btrfs, FsError> {
    Btrfs::open(&[window(bytes)])
}

/// What `seq FIRST LAST` prints.
fn seq(first: u32, last: u32) -> Vec<u8> {
    (first..=last)
        .flat_map(|n| format!("{n}\n").into_bytes())
        .collect()
}

fn names(fs: &dyn FileSystem, path: &str) -> Vec<String> {
    let entries = fs.read_dir(path).unwrap().into_iter();
    let mut names: Vec<_> = entries.map(|entry| entry.name).collect();
    names.sort();
    names
}

/// What the recipe's `fill` makes.
fn check_filled(fs: &dyn FileSystem) {
    let release = b"ID=fedora\n";
    for path in ["/usr/lib/os-release", "/etc/os-release", "/lib/os-release"] {
        assert_eq!(fs.read(path, 100).unwrap(), release, "{path}");
    }
    assert_eq!(
        fs.read_link("/etc/os-release").unwrap(),
        "../usr/lib/os-release"
    );
    let kernel: Vec<u8> = (0..2500)
        .flat_map(|n| format!("{n:07}\n").into_bytes())
        .collect();
    assert_eq!(fs.read("/boot/vmlinuz", 1 << 20).unwrap(), kernel);
    let mut sparse = vec![0; 300 * 1024];
    sparse[..4].copy_from_slice(b"head");
    sparse.extend(b"tail");
    assert_eq!(fs.read("/boot/sparse", 1 << 20).unwrap(), sparse);
    let many = names(fs, "/many");
    assert_eq!(many.len(), 60);
    assert!(many.contains(&"a-file-with-a-rather-long-name-37".to_owned()));
    let error = fs.metadata("/loop-a").unwrap_err();
    assert!(matches!(error, FsError::TooManyLinks { .. }), "{error}");
    let error = fs.metadata("/boot/nothing").unwrap_err();
    assert!(matches!(error, FsError::NotFound { .. }), "{error}");
    let error = fs.open("/boot").err().unwrap();
    assert!(matches!(error, FsError::WrongKind { .. }), "{error}");
}

#[test]
fn the_default_subvolume_is_what_a_volume_opens_as() {
    let volume = only_volume(sample("btrfs"));
    let expect = Content::Btrfs {
        uuid: "01234567-89ab-4cde-8f01-23456789abc1".to_owned(),
        label: "tiny".to_owned(),
    };
    assert_eq!(volume.content, expect);
    let fs = detente_volume::open(&volume).unwrap();
    check_filled(fs.as_ref());
    assert_eq!(fs.read("/usr/nested/inside", 100).unwrap(), seq(1, 9));
    let changed = fs.read("/shared", 1 << 20).unwrap();
    let mut expect = fs.read("/boot/vmlinuz", 1 << 20).unwrap();
    expect[8192..8195].copy_from_slice(b"new");
    assert_eq!(changed, expect);
    assert_eq!(fs.read("/reserved", 1 << 20).unwrap(), vec![0; 20_000]);
}

#[test]
fn each_compression_is_unpacked() {
    let fs = open_bytes(sample("btrfs")).unwrap();
    for kind in ["zlib", "lzo", "zstd"] {
        let numbers = fs.read(&format!("/packed-{kind}/numbers"), 1 << 20);
        assert_eq!(numbers.unwrap(), seq(1, 40_000), "{kind}");
        let inline = fs.read(&format!("/packed-{kind}/inline"), 1 << 20);
        assert_eq!(inline.unwrap(), seq(1, 300), "{kind}");
        // A piece across the border of two extents.
        let file = fs.open(&format!("/packed-{kind}/numbers")).unwrap();
        let mut piece = [0; 50];
        file.read_exact_at((128 << 10) - 20, &mut piece).unwrap();
        assert_eq!(piece[..], seq(1, 40_000)[(128 << 10) - 20..][..50]);
    }
}

#[test]
fn extents_tell_holes_from_data() {
    let fs = open_bytes(sample("btrfs")).unwrap();
    let file = fs.open("/boot/sparse").unwrap();
    let (mut at, mut kinds) = (0, Vec::new());
    while at < file.len_bytes() {
        let extent = file.next_extent(at).unwrap();
        kinds.push((extent.kind, extent.len));
        at += extent.len;
    }
    let hole = 300 * 1024 - 4096;
    let expect = [
        (ExtentKind::Data, 4096),
        (ExtentKind::Zero, hole),
        (ExtentKind::Data, 4),
    ];
    assert_eq!(kinds, expect);
    assert!(file.next_extent(at).is_err());
    assert!(file.read_exact_at(at - 1, &mut [0; 2]).is_err());
    let reserved = fs.open("/reserved").unwrap().next_extent(0).unwrap();
    assert_eq!((reserved.kind, reserved.len), (ExtentKind::Zero, 20_000));
}

#[test]
fn subvolumes_have_paths_and_are_read_only_or_not() {
    let found = btrfs(sample("btrfs")).unwrap();
    assert_eq!(found.default_subvolume(), 256);
    assert_eq!(found.device_count(), 1);
    assert!(found.notes().is_empty());
    let list = found.subvolumes().unwrap();
    let list: Vec<_> = list
        .iter()
        .map(|known| (known.id, known.parent, known.path.as_str(), known.read_only))
        .collect();
    let expect = [
        (5, None, "", false),
        (256, Some(5), "@", false),
        (257, Some(5), "@home", false),
        (258, Some(256), "@/usr/nested", false),
        (259, Some(257), "@home/before", true),
    ];
    assert_eq!(list, expect);
    assert_eq!(found.subvolume_at("/@home").unwrap(), Some(257));
    assert_eq!(found.subvolume_at("@/usr/nested/").unwrap(), Some(258));
    assert_eq!(found.subvolume_at("home").unwrap(), None);
    for none in [260, 1, 3, u64::MAX] {
        let error = found.open_subvolume(none).err().unwrap();
        assert!(matches!(error, FsError::NotFound { .. }), "{none}: {error}");
    }
}

#[test]
fn subvolumes_are_entered_and_links_stay_inside() {
    let found = btrfs(sample("btrfs")).unwrap();
    let top = found.open_subvolume(5).unwrap();
    assert_eq!(names(top.as_ref(), "/"), ["@", "@home"]);
    assert_eq!(top.read("/@/usr/nested/inside", 100).unwrap(), seq(1, 9));
    assert_eq!(
        top.read("/@/usr/nested/../../../@home/user", 100).unwrap(),
        seq(1, 5)
    );
    // "/usr/lib" is not in the top level.
    assert!(matches!(
        top.metadata("/@/lib/os-release"),
        Err(FsError::NotFound { .. })
    ));
    let home = found.open_subvolume(257).unwrap();
    assert_eq!(home.read("/user", 100).unwrap(), seq(1, 5));
    // A snapshot has an empty directory in the place of a subvolume.
    assert_eq!(
        home.metadata("/before/usr/nested").unwrap().kind,
        FileKind::Directory
    );
    assert!(home.read_dir("/before/usr/nested").unwrap().is_empty());
    check_filled(found.open_subvolume(259).unwrap().as_ref());
}

#[test]
fn what_was_only_synced_is_in_the_log() {
    let fs = open_bytes(sample("btrfs-log")).unwrap();
    check_filled(fs.as_ref());
    assert_eq!(fs.read("/fresh", 1000).unwrap(), seq(1, 70));
    assert_eq!(fs.read("/grown", 1000).unwrap(), seq(1, 200));
    assert_eq!(fs.read("/new-name", 1000).unwrap(), seq(1, 50));
    assert_eq!(fs.read("/folder/inside", 1000).unwrap(), seq(1, 8));
    for gone in ["/old-name", "/deleted", "/never-synced"] {
        assert!(
            matches!(fs.metadata(gone), Err(FsError::NotFound { .. })),
            "{gone}"
        );
    }
    let expect = [
        "boot", "etc", "folder", "fresh", "grown", "lib", "loop-a", "loop-b", "many", "new-name",
        "usr",
    ];
    assert_eq!(names(fs.as_ref(), "/"), expect);
}

#[test]
fn without_its_log_the_last_commit_is_seen() {
    let mut bytes = sample("btrfs-log");
    poke(&mut bytes, SUPERBLOCK + 96, &[0; 8]);
    seal_btrfs(&mut bytes);
    let fs = open_bytes(bytes).unwrap();
    assert_eq!(fs.read("/grown", 1000).unwrap(), seq(1, 100));
    assert_eq!(fs.read("/old-name", 1000).unwrap(), seq(1, 50));
    assert!(fs.metadata("/fresh").is_err());
}

#[test]
fn either_device_of_a_mirror_will_do() {
    let (first, second) = (sample("btrfs-raid1-a"), sample("btrfs-raid1-b"));
    let read = |windows: &[Window]| {
        let found = Btrfs::open(windows).unwrap();
        check_filled(found.open_subvolume(5).unwrap().as_ref());
        found.notes().to_vec()
    };
    let (first, second) = (window(first), window(second));
    assert!(read(&[second.clone(), first.clone()]).is_empty());
    for alone in [&first, &second] {
        let notes = read(std::slice::from_ref(alone));
        assert_eq!(notes, ["1 of its devices were not given"]);
    }
    let refused = |windows: &[Window], expect: &str| {
        let error = Btrfs::open(windows).err().unwrap().to_string();
        assert!(error.contains(expect), "{error}");
    };
    refused(
        &[first.clone(), first.clone()],
        "two devices have the number 1",
    );
    let other = window(sample("btrfs-xxhash"));
    refused(&[second, other], "belongs to");
    refused(&[], "no device was given");
}

#[test]
fn a_spoiled_copy_is_passed_over() {
    let mut first = sample("btrfs-raid1-a");
    let second = window(sample("btrfs-raid1-b"));
    // Every tree block of the first device.
    for at in blocks(&first, None) {
        first[at + 200] ^= 1;
    }
    let first = window(first);
    let found = Btrfs::open(&[first.clone(), second]).unwrap();
    check_filled(found.open_subvolume(5).unwrap().as_ref());
    let error = Btrfs::open(&[first]).err().unwrap().to_string();
    assert!(error.contains("has a wrong checksum"), "{error}");
}

#[test]
fn a_superblock_has_a_second_copy() {
    let mut bytes = sample("btrfs-raid1-a");
    bytes[SUPERBLOCK + 3000] ^= 1;
    let found = btrfs(bytes).unwrap();
    let notes = found.notes().join("\n");
    assert!(
        notes.contains("checksum is wrong; its copy at 0x4000000"),
        "{notes}"
    );
    check_filled(found.open_subvolume(5).unwrap().as_ref());
}

#[test]
fn each_kind_of_checksum_is_checked() {
    for name in ["btrfs", "btrfs-xxhash", "btrfs-sha256", "btrfs-blake2"] {
        check_filled(open_bytes(sample(name)).unwrap().as_ref());
        let mut bytes = sample(name);
        bytes[SUPERBLOCK + 3500] ^= 1;
        let error = btrfs(bytes).err().unwrap().to_string();
        assert!(
            error.contains("the superblock's checksum is wrong"),
            "{name}: {error}"
        );
        let mut bytes = sample(name);
        for at in blocks(&bytes, None) {
            bytes[at + NODE - 1] ^= 1;
        }
        let error = btrfs(bytes).err().unwrap().to_string();
        assert!(error.contains("has a wrong checksum"), "{name}: {error}");
    }
}

/// Where the tree blocks are that belong to `tree`, old ones too; of all trees if `None`.
fn blocks(bytes: &[u8], tree: Option<u64>) -> Vec<usize> {
    let fsid = &bytes[SUPERBLOCK + 32..][..16];
    let is_block = |&at: &usize| {
        let block = &bytes[at..at + NODE];
        let owner = u64::from_le_bytes(block[88..96].try_into().unwrap());
        &block[32..48] == fsid && &block[64..72] != b"_BHRfS_M" && tree.is_none_or(|id| id == owner)
    };
    (0..bytes.len()).step_by(NODE).filter(is_block).collect()
}

/// Where the contents of items of `kind` are in the leaves of `tree`.
fn items(bytes: &[u8], tree: u64, kind: u8) -> Vec<usize> {
    let mut found = Vec::new();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    for block in blocks(bytes, Some(tree)) {
        let count = if bytes[block + 100] == 0 {
            word(block + 96)
        } else {
            0
        };
        for head in (0..count).map(|index| block + 101 + 25 * index) {
            if bytes[head + 8] == kind {
                found.push(block + 101 + word(head + 17));
            }
        }
    }
    found
}

/// Opens everything, and reads all that there is.
fn read_all(bytes: Vec<u8>) -> Result<(), FsError> {
    let found = btrfs(bytes)?;
    for subvolume in found.subvolumes()? {
        let fs = found.open_subvolume(subvolume.id)?;
        let mut ahead = vec![String::new()];
        while let Some(path) = ahead.pop() {
            for entry in fs.read_dir(if path.is_empty() { "/" } else { &path })? {
                let child = format!("{path}/{}", entry.name);
                match entry.kind {
                    FileKind::Directory => ahead.push(child),
                    FileKind::File => drop(fs.read(&child, 1 << 20)?),
                    FileKind::Symlink => drop(fs.read_link(&child)?),
                    FileKind::Special => {}
                }
            }
        }
    }
    Ok(())
}

/// Changes fields, makes the checksums right again, and reads all.
fn check_spoiled(places: &[usize], value: &[u8], expect: &str) {
    let mut bytes = sample("btrfs");
    assert!(!places.is_empty(), "{expect}: there is nothing to spoil");
    for &place in places {
        poke(&mut bytes, place, value);
    }
    seal_btrfs(&mut bytes);
    let error = read_all(bytes).err().map(|error| error.to_string());
    let error = error.unwrap_or_default();
    assert!(error.contains(expect), "{expect:?}, but {error:?}");
}

#[test]
fn the_sample_is_sound() {
    let mut bytes = sample("btrfs");
    seal_btrfs(&mut bytes);
    assert_eq!(bytes, sample("btrfs"));
    read_all(bytes).unwrap();
}

#[test]
fn a_spoiled_superblock_is_refused_by_name() {
    let check = |field: usize, value: &[u8], expect: &str| {
        check_spoiled(&[SUPERBLOCK + field], value, expect);
    };
    check(48, &[0; 8], "the superblock is that of another place");
    check(144, &[1, 16], "the sector size is not allowed");
    check(148, &[0, 8], "the node size is not allowed");
    check(148, &[0, 0, 2], "the node size is not allowed");
    check(198, &[8], "more than eight levels");
    check(136, &[0; 8], "it has no devices");
    check(
        209,
        &(1_u64 << 40).to_le_bytes(),
        "it is longer than its volume",
    );
    check(283, &[7], "its device belongs to another file system");
    check(
        160,
        &5_u32.to_le_bytes(),
        "the superblock's chunks are cut off",
    );
    check(160, &u32::MAX.to_le_bytes(), "the superblock is cut off");
    check(811 + 8, &[1], "the superblock's chunks are not chunks");
    check(
        188,
        &0x1361_u64.to_le_bytes(),
        "unsupported btrfs file system: zoned",
    );
    check(
        188,
        &0x2361_u64.to_le_bytes(),
        "the extent tree of version 2",
    );
    check(188, &0x4361_u64.to_le_bytes(), "the RAID stripe tree");
    check(
        188,
        &0x8361_u64.to_le_bytes(),
        "incompatible features 0x8000",
    );
    check(56, &(1_u64 << 33).to_le_bytes(), "a dump of its metadata");
    check(196, &[9], "checksums of type 9");
    check(198, &[0], "is of the wrong level");
    check(164, &[99], "is of the wrong generation");
    check(
        80,
        &(1_u64 << 50).to_le_bytes(),
        "no chunk holds address 0x4000000000000",
    );
}

#[test]
fn a_spoiled_chunk_is_refused_by_name() {
    let chunks = items(&sample("btrfs"), CHUNKS, 228);
    let check = |field: usize, value: &[u8], expect: &str| {
        let places: Vec<_> = chunks.iter().map(|at| at + field).collect();
        check_spoiled(&places, value, expect);
    };
    check(0, &[0; 8], "has an impossible length");
    check(0, &[0xff; 8], "has an impossible length");
    check(0, &(1_u64 << 40).to_le_bytes(), "overlaps another");
    check(16, &[1], "has stripes that are not of 64 KiB");
    check(
        24,
        &0x81_u64.to_le_bytes(),
        "unsupported btrfs file system: RAID5",
    );
    check(
        24,
        &0x101_u64.to_le_bytes(),
        "unsupported btrfs file system: RAID6",
    );
    check(24, &0x801_u64.to_le_bytes(), "chunks of profile 0x800");
    check(24, &0x11_u64.to_le_bytes(), "has a wrong number of stripes");
    check(44, &[0, 0], "has a wrong number of stripes");
    check(24, &0x41_u64.to_le_bytes(), "has a wrong number of stripes");
    check(48, &[7], "its device 7 is needed, and was not given");
    check(
        56,
        &(1_u64 << 40).to_le_bytes(),
        "goes past the end of device 1",
    );
}

#[test]
fn a_spoiled_tree_block_is_refused_by_name() {
    let check = |field: usize, value: &[u8], expect: &str| {
        let places = blocks(&sample("btrfs"), Some(ROOTS));
        let places: Vec<_> = places.iter().map(|at| at + field).collect();
        check_spoiled(&places, value, expect);
    };
    check(48, &[1], "is that of another place");
    check(80, &[77], "is of the wrong generation");
    check(96, &[0xff; 4], "claims what cannot be");
    check(100, &[9], "claims what cannot be");
    check(101 + 8, &[0xff; 9], "has keys out of order");
    let leaves = blocks(&sample("btrfs"), Some(CHUNKS));
    let items: Vec<_> = leaves.iter().map(|at| at + 101 + 17).collect();
    check_spoiled(&items, &[0xff; 4], "has an item outside of itself");
    // The child's first key is not the one that its parent has.
    let bytes = sample("btrfs");
    let parents = blocks(&bytes, Some(ROOT_SUBVOLUME)).into_iter();
    let parents: Vec<_> = parents.filter(|at| bytes[at + 100] == 1).collect();
    let keys: Vec<_> = parents.iter().map(|at| at + 101 + 33 + 9).collect();
    check_spoiled(&keys, &[0xfe; 7], "out of order");
}

#[test]
fn spoiled_items_are_refused_by_name() {
    let check = |(tree, kind): (u64, u8), field: usize, value: &[u8], expect: &str| {
        let places = items(&sample("btrfs"), tree, kind);
        let places: Vec<_> = places.iter().map(|at| at + field).collect();
        check_spoiled(&places, value, expect);
    };
    let inode = (ROOT_SUBVOLUME, 1);
    check(inode, 16, &[0xff; 8], "is longer than a file can be");
    let index = (ROOT_SUBVOLUME, 96);
    check(index, 8, &[77], "leads to an item of kind 77");
    check(index, 27, &[0xff; 2], "is cut off");
    check(index, 30, b"/", "a name in directory inode");
    check((ROOT_SUBVOLUME, 84), 0, &[0xff; 7], "has no inode");
    let extent = (ROOT_SUBVOLUME, 108);
    check(extent, 17, &[1], "is encrypted");
    check(extent, 20, &[9], "is of an unknown type");
    check(extent, 16, &[9], "compression of type 9");
    check(
        extent,
        8,
        &(1_u64 << 30).to_le_bytes(),
        "is too long to stand in its item",
    );
    let root = (ROOTS, 132);
    check(root, 238, &[8], "has more than eight levels");
    let back = (ROOTS, 144);
    check(back, 16, &[0xff; 2], "a root reference is cut off");
}

#[test]
fn spoiled_extents_are_refused_by_name() {
    let bytes = sample("btrfs");
    // Those that are not inline, compressed or not.
    let all = items(&bytes, ROOT_SUBVOLUME, 108).into_iter();
    let all: Vec<_> = all.filter(|at| bytes[at + 20] == 1).collect();
    let check = |packed: bool, field: usize, value: &[u8], expect: &str| {
        let chosen = all.iter().filter(|&at| (bytes[at + 16] != 0) == packed);
        let places: Vec<_> = chosen.map(|at| at + field).collect();
        check_spoiled(&places, value, expect);
    };
    check(false, 8, &[0; 8], "is longer than what it refers to");
    check(
        false,
        21,
        &(1_u64 << 50).to_le_bytes(),
        "no chunk holds address",
    );
    check(
        true,
        8,
        &(1_u64 << 30).to_le_bytes(),
        "is compressed, and longer than 128 KiB",
    );
    check(
        true,
        29,
        &(1_u64 << 30).to_le_bytes(),
        "is compressed, and longer than 128 KiB",
    );
    for (number, name) in [(1, "zlib"), (2, "lzo"), (3, "zstd")] {
        let others = all
            .iter()
            .filter(|&at| !matches!(bytes[at + 16], kind if kind == number));
        let packed: Vec<_> = others
            .filter(|&at| bytes[at + 16] != 0)
            .map(|at| at + 16)
            .collect();
        check_spoiled(
            &packed,
            &[number],
            &format!("a compressed extent is not {name}"),
        );
    }
}
