//! ISO 9660: samples made by genisoimage and xorriso, and spoiled. What is expected was put in by
//! `make-iso.sh`, which also prints what libarchive and blkid see.

use detente_volume::{Content, FileKind, FileSystem, FsError, IsoNames, iso_state};

use crate::support::{only_volume, open_bytes, poke, sample};

const ROCK: [&str; 2] = ["iso-rock", "iso-xorriso"];
const SECTOR: usize = 2048;
/// Of the primary descriptor.
const PRIMARY: usize = 16 * SECTOR;

fn open(name: &str) -> Box<dyn FileSystem> {
    open_bytes(sample(name)).unwrap()
}

fn kernel() -> Vec<u8> {
    let lines = (0..2500).map(|line| format!("{line:07}\n"));
    lines.collect::<String>().into_bytes()
}

fn names(fs: &dyn FileSystem, path: &str) -> Vec<String> {
    let mut names: Vec<String> = fs
        .read_dir(path)
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    names.sort();
    names
}

#[test]
fn files_by_the_names_of_rock_ridge() {
    for name in ROCK {
        let fs = open(name);
        let read = |path: &str| fs.read(path, 1 << 20).unwrap();
        assert_eq!(read("/boot/vmlinuz"), kernel(), "{name}");
        assert_eq!(read("/lib/os-release"), b"ID=debian\n");
        assert_eq!(read("/etc/os-release"), b"ID=debian\n");
        assert_eq!(read("/long-link"), b"ID=debian\n");
        // Deeper than the format allows: genisoimage puts it elsewhere.
        assert_eq!(read("/a/b/c/d/e/f/g/h/../h/leaf"), b"deep\n");
        assert_eq!(read(&format!("/boot/{}", "long-name.".repeat(24))), b"long");
        let many: Vec<String> = names(fs.as_ref(), "/many");
        assert_eq!(many.len(), 60);
        assert!(many.contains(&"A-file-with-a-rather-long-name-60".to_owned()));
        let target = format!("/usr/lib/{}os-release", "./".repeat(150));
        assert_eq!(fs.read_link("/long-link").unwrap(), target);
        assert_eq!(
            fs.read_link("/etc/os-release").unwrap(),
            "../usr/lib/os-release"
        );
        let file = fs.open("/boot/vmlinuz").unwrap();
        let mut middle = [0; 700];
        file.read_exact_at(5000, &mut middle).unwrap();
        assert_eq!(middle, kernel()[5000..5700]);
        assert!(file.read_exact_at(19_999, &mut [0; 2]).is_err());
    }
}

#[test]
fn modes_kinds_and_times_of_rock_ridge() {
    for name in ROCK {
        let fs = open(name);
        let check = |path: &str, kind, mode, len| {
            let found = fs.metadata(path).unwrap();
            assert_eq!((found.kind, found.mode), (kind, mode), "{name} {path}");
            assert_eq!(found.modified_s, 1_700_000_000, "{name} {path}");
            assert!(
                kind == FileKind::Directory || found.len == len,
                "{name} {path}"
            );
        };
        check("/boot/grub/grub.cfg", FileKind::File, 0o4711, 14);
        check("/many", FileKind::Directory, 0o1777, 0);
        check("/a/b/c/d/e/f/g/h", FileKind::Directory, 0o755, 0);
        check("/pipe", FileKind::Special, 0o644, 0);
        let kinds = fs.read_dir("/").unwrap();
        let kind = |name: &str| kinds.iter().find(|entry| entry.name == name).unwrap().kind;
        assert_eq!(kind("loop-a"), FileKind::Symlink);
        assert_eq!(kind("boot"), FileKind::Directory);
        assert_eq!(kind("pipe"), FileKind::Special);
        assert_eq!(names(fs.as_ref(), "/a/b/c/d/e/f/g"), ["h"]);
    }
}

#[test]
fn names_of_joliet_in_any_case() {
    let fs = open("iso-joliet");
    let root = ["KERNEL", "Läuse", "README", "parts.a", "parts.b"];
    assert_eq!(names(fs.as_ref(), "/"), root);
    let text = fs.read("/läuse/größe ÜBER alles.TXT", 99).unwrap();
    assert_eq!(text, "ü\n".as_bytes());
    assert_eq!(fs.read("/kernel", 1 << 20).unwrap(), kernel());
    assert_eq!(fs.metadata("/README").unwrap().modified_s, 1_700_000_000);
}

#[test]
fn plain_names_are_small_and_files_may_have_parts() {
    let fs = open("iso-plain");
    assert_eq!(
        names(fs.as_ref(), "/"),
        ["kernel", "l__use", "parts.a", "readme"]
    );
    assert_eq!(names(fs.as_ref(), "/l__use"), ["gr____e_.txt"]);
    let mut both = kernel()[..18_432].to_vec();
    both.extend(b"the end\n");
    assert_eq!(fs.read("/parts.a", 1 << 20).unwrap(), both);
    let file = fs.open("/parts.a").unwrap();
    let mut border = [0; 8];
    file.read_exact_at(18_428, &mut border).unwrap();
    assert_eq!(border, both[18_428..18_436]);
    assert_eq!(fs.metadata("/readme").unwrap().mode, 0o555);
}

#[test]
fn identity_as_blkid_prints_it() {
    let check = |name: &str, date: Option<&str>, expect: &str| {
        let Content::Iso { uuid, label } = only_volume(sample(name)).content else {
            panic!("{name} is no ISO 9660");
        };
        assert!(
            date.is_none() || uuid.as_deref() == date,
            "{name}: {uuid:?}"
        );
        assert_eq!(label, expect, "{name}");
    };
    check("iso-xorriso", Some("2024-01-02-03-04-05-06"), "TINY_X");
    check("iso-rock", None, "tiny");
    check("iso-joliet", None, "Größe");
    check("iso-plain", None, "PLAIN");
}

#[test]
fn what_there_is_beside_files() {
    let check = |bytes: Vec<u8>, names, boot_catalog| {
        let found = iso_state(&only_volume(bytes).window).unwrap();
        assert_eq!((found.names, found.boot_catalog), (names, boot_catalog));
    };
    // `isoinfo -d`: boot catalog is in sector 70.
    let catalog = Some(70 * 2048);
    check(sample("iso-rock"), IsoNames::RockRidge, catalog);
    check(sample("iso-joliet"), IsoNames::Joliet, None);
    check(sample("iso-plain"), IsoNames::Plain, None);
    // Without its mark there is no Rock Ridge: then Joliet counts, which is there too.
    let mut bytes = sample("iso-rock");
    let mark = find(&bytes, b"SP\x07\x01\xbe\xef");
    bytes[mark + 4] = 0;
    check(bytes, IsoNames::Joliet, catalog);
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    let mut windows = bytes.windows(wanted.len());
    windows.position(|window| window == wanted).unwrap()
}

/// Where the record with this identifier starts: one of the first volume, \[ECMA-119\] 9.1.9.
fn record(bytes: &[u8], identifier: &[u8]) -> usize {
    let mut wanted = vec![1, 0, 0, 1, u8::try_from(identifier.len()).unwrap()];
    wanted.extend(identifier);
    find(bytes, &wanted) - 28
}

/// What is said of `path` in a sample with bytes spoiled.
fn check(name: &str, path: &str, expect: &str, spoil: impl Fn(&mut [u8])) {
    let mut bytes = sample(name);
    spoil(&mut bytes);
    let error = match open_bytes(bytes) {
        Err(error) => error,
        Ok(fs) => fs.read(path, 1 << 20).err().unwrap(),
    };
    let said = match error {
        FsError::Corrupt { rule, .. } => rule,
        FsError::Unsupported { what, .. } => what,
        other => other.to_string(),
    };
    assert_eq!(said, expect, "{path}");
}

#[test]
fn a_spoiled_descriptor() {
    let check = |at: usize, new: &[u8], expect: &str| {
        check("iso-rock", "/boot/vmlinuz", expect, |bytes| {
            poke(bytes, PRIMARY + at, new);
        });
    };
    check(128, &[0, 0], "its blocks have no size");
    check(128, &[0, 3], "its blocks have 768 bytes");
    check(128, &[0, 16], "blocks of 4096 bytes");
    check(156, &[9], "a descriptor has no record of the root");
    check(156 + 25, &[0], "its root is no directory");
    check(158, &[0xff; 4], "something lies outside the volume");
    let elsewhere = "a directory does not start with its own record";
    check(158, &[1, 0, 0, 0], elsewhere);
    let mut bytes = sample("iso-rock");
    bytes[PRIMARY] = 9;
    assert_eq!(only_volume(bytes).content, Content::Unknown);
}

#[test]
fn a_spoiled_record() {
    let check = |at: usize, new: &[u8], expect: &str| {
        check("iso-rock", "/boot/vmlinuz", expect, |bytes| {
            let at = record(bytes, b"VMLINUZ.;1") + at;
            poke(bytes, at, new);
        });
    };
    let misfit = "a record does not fit into its directory";
    check(0, &[20], misfit);
    check(32, &[250], misfit);
    check(32, &[0], misfit);
    check(2, &[0xff; 4], "something lies outside the volume");
    check(2, &[0xeb], "a file goes past the volume");
    check(25, &[0x02], "a record and its mode are of different kinds");
    check(25, &[0x80], "a file does not go on in the next record");
    check(25, &[0x04], "/boot/vmlinuz: no such file");
    check(26, &[1], "/boot/vmlinuz: it is interleaved");
}

#[test]
fn a_spoiled_directory() {
    let check = |at: usize, new: &[u8], expect: &str| {
        check("iso-rock", "/many/none", expect, |bytes| {
            let at = record(bytes, b"MANY") + at;
            poke(bytes, at, new);
        });
    };
    check(10, &[1, 0, 64, 0], "a directory of more than 4 MiB");
    check(10, &[0, 0, 32, 0], "a directory goes past the volume");
    check(10, &[4, 1], "a record does not fit into its directory");
    check(25, &[0x82], "a file does not go on in the next record");
    check(32, &[1, 0], "a directory is in itself");
}

#[test]
fn a_spoiled_entry_of_rock_ridge() {
    let check = |entry: &[u8], at: usize, new: &[u8], expect: &str| {
        check("iso-rock", "/boot/vmlinuz", expect, |bytes| {
            let start = record(bytes, b"VMLINUZ.;1");
            let at = start + find(&bytes[start..], entry) + at;
            poke(bytes, at, new);
        });
    };
    check(
        b"NM",
        2,
        &[3],
        "an entry of a record is shorter than its head",
    );
    check(b"NM", 2, &[200], "an entry of a record goes past it");
    check(b"NM", 2, &[4], "a name is short");
    check(b"NM", 5, b"/", "a name is not allowed");
    check(b"RR", 0, b"ZF", "/boot/vmlinuz: it is compressed (zisofs)");
    check(b"RR", 0, b"SF", "/boot/vmlinuz: it is sparse");
    check(b"RR", 0, b"RE", "/boot/vmlinuz: no such file");
    check(b"PX", 6, &[1], "a mode has more than 16 bits");
    check(
        b"PX",
        5,
        &[0x41],
        "a record and its mode are of different kinds",
    );
    check(b"PX", 5, &[0xa1], "a link leads nowhere");
}

#[test]
fn a_spoiled_link_or_moved_directory() {
    let check_link = |at: usize, new: &[u8], expect: &str| {
        check("iso-rock", "/lib/os-release", expect, |bytes| {
            let start = record(bytes, b"LIB.;1");
            let at = start + find(&bytes[start..], b"SL") + at;
            poke(bytes, at, new);
        });
    };
    check_link(5, &[0x0e], "a part of a link is of no known kind");
    check_link(8, &[99], "a part of a link goes past its entry");
    check_link(0, b"XX", "a link leads nowhere");
    let check_moved = |block: u32, expect: &str| {
        check("iso-rock", "/a/b/c/d/e/f/g/h/leaf", expect, |bytes| {
            let at = find(bytes, b"CL\x0c\x01") + 4;
            poke(bytes, at, &block.to_le_bytes());
        });
    };
    check_moved(16, "a directory does not start with its own record");
    check_moved(u32::MAX, "something lies outside the volume");
}

#[test]
fn entries_that_go_on_elsewhere() {
    let check = |at: usize, new: &[u8], expect: &str| {
        check("iso-rock", "/long-link", expect, |bytes| {
            let start = record(bytes, b"LONG_LIN.;1");
            let at = start + find(&bytes[start..], b"CE\x1c\x01") + at;
            poke(bytes, at, new);
        });
    };
    check(4, &[0xff; 4], "something lies outside the volume");
    check(12, &[0xff; 4], "something lies outside the volume");
    check(20, &[1, 8], "a record goes on for longer than a block");
    // To itself.
    self::check(
        "iso-rock",
        "/long-link",
        "a record goes on too often",
        |bytes| {
            let start = record(bytes, b"LONG_LIN.;1");
            let at = start + find(&bytes[start..], b"CE\x1c\x01");
            for (field, value) in [(4, at / SECTOR), (12, at % SECTOR), (20, 28)] {
                let value = u32::try_from(value).unwrap();
                poke(bytes, at + field, &value.to_le_bytes());
            }
        },
    );
}

#[test]
fn a_directory_may_be_below_itself() {
    let mut bytes = sample("iso-plain");
    let root = bytes[PRIMARY + 158..PRIMARY + 162].to_vec();
    let at = record(&bytes, b"L__USE") + 2;
    poke(&mut bytes, at, &root);
    let fs = open_bytes(bytes).unwrap();
    let path = format!("{}/readme", "/l__use".repeat(200));
    assert_eq!(fs.read(&path, 99).unwrap(), b"no version\n");
}

#[test]
fn errors_name_their_cause() {
    let fs = open("iso-rock");
    let check = |path: &str, expect: &str| {
        assert_eq!(fs.read(path, 1).unwrap_err().to_string(), expect);
    };
    check("/none", "/none: no such file");
    check("/boot", "/boot: is not a file");
    check("/pipe", "/pipe: is not a file");
    check("/boot/vmlinuz/x", "/boot/vmlinuz/x: is not a directory");
    check("/loop-a", "/loop-a: too many symbolic links");
}
