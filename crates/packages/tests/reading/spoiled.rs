//! Sound databases with one field spoiled: the rule that it breaks has a name.

use detente_packages::{Corruption, DatabaseError, Unsupported};

use super::support::{Found, rpm, sample};

/// Pages of `rpm-sqlite` and of `rpm-bdb`.
const PAGE: usize = 4096;
/// The root page of `Packages`, as `sqlite3 rpmdb.sqlite 'select rootpage from sqlite_schema'` says.
const ROOT: usize = 2;

/// A database that is spoiled step by step.
struct Spoiled(Vec<u8>);

impl Spoiled {
    fn of(name: &str) -> Self {
        Self(sample(name))
    }

    fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn be16(&self, at: usize) -> usize {
        usize::from(u16::from_be_bytes([self.0[at], self.0[at + 1]]))
    }

    fn be32(&self, at: usize) -> usize {
        let bytes = self.0[at..at + 4].try_into().unwrap();
        usize::try_from(u32::from_be_bytes(bytes)).unwrap()
    }

    fn le32(&self, at: usize) -> usize {
        let bytes = self.0[at..at + 4].try_into().unwrap();
        usize::try_from(u32::from_le_bytes(bytes)).unwrap()
    }

    /// The rule that keeps the whole database from being read.
    #[track_caller]
    fn rule(&self) -> Corruption {
        match rpm(&self.0, None) {
            Err(DatabaseError::Corrupt { rule, .. }) => rule,
            Err(other) => unreachable!("not corrupt: {other}"),
            Ok(found) => unreachable!("not corrupt: {} packages", found.packages.len()),
        }
    }

    /// The rule that one record breaks; how many others were read.
    #[track_caller]
    fn record(&self) -> (Corruption, usize) {
        let Found {
            packages,
            mut damage,
        } = rpm(&self.0, None).unwrap();
        match damage.pop() {
            Some(DatabaseError::Corrupt { rule, .. }) if damage.is_empty() => {
                (rule, packages.len())
            }
            other => unreachable!("not one damage: {other:?} {damage:?}"),
        }
    }

    #[track_caller]
    fn unsupported(&self) -> Unsupported {
        match rpm(&self.0, None) {
            Err(DatabaseError::Unsupported(what)) => what,
            Err(other) => unreachable!("not unsupported: {other}"),
            Ok(found) => unreachable!("not unsupported: {} packages", found.packages.len()),
        }
    }
}

fn sqlite() -> Spoiled {
    let spoiled = Spoiled::of("rpm-sqlite");
    let root = (ROOT - 1) * PAGE;
    assert_eq!(spoiled.0[root], 5, "the root is an inner page");
    spoiled
}

/// A row: where its cell begins, the length of its payload, and where that begins.
struct Row {
    cell: usize,
    len: usize,
    payload: usize,
}

/// Every row of `Packages`. Row numbers have one byte; [SQLite] 1.6 is the rest.
fn rows(database: &Spoiled) -> Vec<Row> {
    let root = (ROOT - 1) * PAGE;
    let children = (0..database.be16(root + 3)).map(|index| {
        let cell = root + database.be16(root + 12 + index * 2);
        (database.be32(cell) - 1) * PAGE
    });
    let leaves = children.chain([(database.be32(root + 8) - 1) * PAGE]);
    let cells = leaves.flat_map(|leaf| {
        assert_eq!(database.0[leaf], 13);
        (0..database.be16(leaf + 3)).map(move |index| leaf + 8 + index * 2)
    });
    cells
        .map(|pointer| {
            let cell = pointer / PAGE * PAGE + database.be16(pointer);
            let (mut len, mut at) = (0, cell);
            loop {
                let byte = usize::from(database.0[at]);
                (len, at) = ((len << 7) | (byte & 0x7f), at + 1);
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let payload = at + 1;
            Row { cell, len, payload }
        })
        .collect()
}

/// Where the number of the first overflow page of the longest row stands.
fn overflow(database: &Spoiled) -> usize {
    let rows = rows(database);
    let row = rows.iter().max_by_key(|row| row.len).unwrap();
    assert!(row.len > 10 * PAGE, "the kernel's files");
    let local = 489 + (row.len - 489) % 4092;
    row.payload + if local <= 4061 { local } else { 489 }
}

#[test]
fn a_sqlite_database_with_one_field_spoiled() {
    let root = (ROOT - 1) * PAGE;
    let be = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let rule = sqlite().with(16, &[0, 3]).rule();
    assert_eq!(rule, Corruption::PageSize(3));
    let rule = sqlite().with(100, &[0]).rule();
    assert!(matches!(
        rule,
        Corruption::PageKind {
            page: 1,
            found: 0,
            ..
        }
    ));
    let rule = sqlite().with(root, &[10]).rule();
    assert!(matches!(
        rule,
        Corruption::PageKind {
            page: 2,
            found: 10,
            ..
        }
    ));
    let rule = sqlite().with(root + 8, &be(ROOT)).rule();
    assert_eq!(rule, Corruption::PageUsedTwice(2));
    let rule = sqlite().with(root + 8, &[0xff; 4]).rule();
    assert!(matches!(
        rule,
        Corruption::PageOutside { page: u32::MAX, .. }
    ));
    let rule = sqlite().with(root + 8, &[0; 4]).rule();
    assert!(matches!(rule, Corruption::PageOutside { page: 0, .. }));
    let rule = sqlite().with(root + 12, &[0xff; 2]).rule();
    assert_eq!(rule, Corruption::ItemOutside { page: 2, item: 0 });
    let mut cut = sqlite();
    cut.0.truncate(50);
    let rule = cut.rule();
    assert_eq!(rule, Corruption::Truncated { part: "the header" });
    let mut cut = sqlite();
    cut.0.truncate(PAGE + 10);
    let rule = cut.rule();
    assert_eq!(rule, Corruption::Truncated { part: "a page" });
    let name = b"Packages";
    let mut unnamed = sqlite();
    while let Some(at) = unnamed.0.windows(8).position(|eight| eight == name) {
        unnamed = unnamed.with(at, b"packagex");
    }
    assert_eq!(unnamed.rule(), Corruption::NoTable);
}

#[test]
fn a_row_whose_chain_is_spoiled_is_one_damaged_record() {
    let database = sqlite();
    let pointer = overflow(&database);
    let first = database.be32(pointer);
    let page = (first - 1) * PAGE;
    let be = u32::try_from(first).unwrap().to_be_bytes();
    // The second page of the chain is the first.
    let (rule, others) = sqlite().with(page, &be).record();
    assert_eq!(
        rule,
        Corruption::PageUsedTwice(u32::try_from(first).unwrap())
    );
    assert_eq!(others, 63);
    let (rule, _) = sqlite().with(pointer, &[0; 4]).record();
    assert!(matches!(rule, Corruption::RecordEnds { .. }), "{rule}");
    let (rule, _) = sqlite().with(pointer, &[0xff; 4]).record();
    assert!(matches!(rule, Corruption::PageOutside { .. }), "{rule}");
    // The blob's type becomes a text's. The header of a row is its own length, the type of a number
    // that is not there, and the blob's.
    let first = rows(&database).remove(0);
    assert!(first.cell < first.payload);
    assert_eq!(database.0[first.payload + 1], 0);
    let mut types = first.payload + 2..;
    let last = types.find(|&at| database.0[at] & 0x80 == 0).unwrap();
    let odd = [database.0[last] | 1];
    let (rule, _) = sqlite().with(last, &odd).record();
    assert_eq!(rule, Corruption::NoBlob(1));
}

#[test]
fn a_log_counts_only_up_to_what_is_sound() {
    let database = sample("rpm-sqlite");
    let log = sample("rpm-wal-log");
    let count = |log: &[u8]| rpm(&database, Some(log)).unwrap().packages.len();
    assert_eq!(count(&log), 62);
    // Header, salts, checksum, first frame's content; a log of another page size; none at all.
    for at in [0, 9, 17, 25, 32 + 9, 32 + 24 + 100] {
        let mut spoiled = log.clone();
        spoiled[at] ^= 0x10;
        assert_eq!(count(&spoiled), 64, "byte {at}");
    }
    assert_eq!(count(&log[..32]), 64);
    assert_eq!(count(&[]), 64);
    // Each commit counts once all of its last frame is there.
    let frame = 24 + PAGE;
    let ends = (1..=(log.len() - 32) / frame).map(|frames| 32 + frames * frame);
    let mut before = 64;
    let mut seen = vec![before];
    for end in ends.filter(|end| log[end - frame + 4..end - frame + 8] != [0; 4]) {
        assert_eq!(count(&log[..end - 1]), before, "{end}");
        before = count(&log[..end]);
        seen.push(before);
    }
    assert!(seen.len() > 1 && seen.is_sorted_by(|left, right| left >= right));
    assert_eq!(seen.last(), Some(&62), "{seen:?}");
    let mut version = log;
    version[4..8].copy_from_slice(&[0; 4]);
    // Its checksum stands for the header, which says so first.
    assert_eq!(count(&version), 64);
}

fn ndb() -> Spoiled {
    Spoiled::of("rpm-ndb")
}

/// Where the first slot, its blob and the header in it begin.
fn blob(database: &Spoiled) -> usize {
    assert_eq!(&database.0[32..36], b"Slot");
    database.le32(32 + 8) * 16
}

#[test]
fn an_ndb_with_one_field_spoiled() {
    assert_eq!(
        ndb().with(4, &[1]).unsupported(),
        Unsupported::Version {
            store: "ndb",
            version: 1
        }
    );
    let rule = ndb().with(12, &[0xff; 4]).rule();
    assert_eq!(rule, Corruption::Truncated { part: "its slots" });
    let rule = ndb().with(48, b"slot").rule();
    assert_eq!(rule, Corruption::Magic { part: "a slot" });
    let start = blob(&ndb());
    let (rule, others) = ndb().with(start, b"blob").record();
    assert_eq!((rule, others), (Corruption::Magic { part: "a blob" }, 61));
    for (at, bytes) in [
        (start + 4, [0xee; 4]),
        (start + 12, [0xff; 4]),
        (32 + 8, [0xff; 4]),
    ] {
        let (rule, _) = ndb().with(at, &bytes).record();
        assert!(matches!(rule, Corruption::BlobDiffers(_)), "{at} {rule}");
    }
    // Three blobs that each have half of the file.
    let mut half = ndb();
    let blocks = u32::try_from(half.0.len() / 2 / 16).unwrap().to_le_bytes();
    for slot in 0..3 {
        half = half.with(32 + slot * 16 + 12, &blocks);
    }
    assert_eq!(half.rule(), Corruption::BlobsOverlap);
}

#[test]
fn a_header_with_one_field_spoiled() {
    let header = blob(&ndb()) + 16;
    let entries = ndb().be32(header);
    let data = u32::try_from(ndb().be32(header + 4)).unwrap();
    let index = header + 8..header + 8 + entries * 16;
    let tag = |tag: u32| {
        let mut entries = index.clone().step_by(16);
        let number = usize::try_from(tag).unwrap();
        entries.find(|&at| ndb().be32(at) == number).unwrap()
    };
    for at in [header + 3, header + 7] {
        let byte = ndb().0[at] ^ 1;
        let (rule, others) = ndb().with(at, &[byte]).record();
        assert!(matches!(rule, Corruption::HeaderLength { .. }), "{rule}");
        assert_eq!(others, 61);
    }
    let name = tag(1000);
    let (rule, _) = ndb().with(name + 8, &data.to_be_bytes()).record();
    let outside = Corruption::TagOutside {
        tag: 1000,
        at: data,
        data,
    };
    assert_eq!(rule, outside);
    let (rule, _) = ndb().with(name + 4, &7_u32.to_be_bytes()).record();
    assert_eq!(rule, Corruption::TagType { tag: 1000, kind: 7 });
    let (rule, _) = ndb().with(name + 4, &4_u32.to_be_bytes()).record();
    assert_eq!(rule, Corruption::TagType { tag: 1000, kind: 4 });
    let (rule, _) = ndb().with(name, &[0; 4]).record();
    assert_eq!(rule, Corruption::Missing("a name"));
    let (rule, _) = ndb().with(tag(1001), &[0; 4]).record();
    assert_eq!(rule, Corruption::Missing("a version"));
    // The version's text begins within the name's.
    let inside = u32::try_from(ndb().be32(name + 8) + 2).unwrap();
    let (rule, _) = ndb().with(tag(1001) + 8, &inside.to_be_bytes()).record();
    assert!(matches!(rule, Corruption::TagOutside { tag: 1001, .. }));
}

fn bdb() -> Spoiled {
    Spoiled::of("rpm-bdb")
}

/// The first page of that kind.
fn page(database: &Spoiled, kind: u8) -> usize {
    let mut pages = (PAGE..database.0.len()).step_by(PAGE);
    let full = |&at: &usize| database.0[at + 25] == kind && database.0[at + 20] > 0;
    pages.find(full).unwrap()
}

#[test]
fn a_berkeley_db_with_one_field_spoiled() {
    assert_eq!(
        bdb().with(16, &[99]).unsupported(),
        Unsupported::Version {
            store: "Berkeley DB hash",
            version: 99
        }
    );
    assert_eq!(bdb().with(24, &[1]).unsupported(), Unsupported::Encrypted);
    assert_eq!(bdb().with(12, &[0]).unsupported(), Unsupported::Store);
    let rule = bdb().with(20, &1000_u32.to_le_bytes()).rule();
    assert_eq!(rule, Corruption::PageSize(1000));
    // More buckets than the file has pages for: sooner or later one that is not there, is no
    // bucket, or is another's.
    let rule = bdb().with(72, &[0xff; 4]).rule();
    assert!(
        matches!(
            rule,
            Corruption::PageOutside { .. }
                | Corruption::PageKind { .. }
                | Corruption::PageUsedTwice(_)
        ),
        "{rule}"
    );
    let bucket = page(&bdb(), 13);
    let number = u32::try_from(bucket / PAGE).unwrap();
    let rule = bdb().with(bucket + 25, &[5]).rule();
    assert!(matches!(rule, Corruption::PageKind { found: 5, .. }));
    let rule = bdb().with(bucket + 16, &number.to_le_bytes()).rule();
    assert_eq!(rule, Corruption::PageUsedTwice(number));
    let rule = bdb().with(bucket + 26, &[0xff; 2]).rule();
    assert!(matches!(rule, Corruption::ItemOutside { item: 0, .. }));
}

#[test]
fn a_chain_of_berkeley_db_that_is_spoiled_is_one_damaged_record() {
    // The kernel's header is the only value of more than ten pages.
    let database = bdb();
    let mut all = PAGE..database.0.len() - 12;
    let is_chain = |at: usize| database.0[at] == 3;
    let is_long = |at: usize| (10 * PAGE..0x10_0000).contains(&database.le32(at + 8));
    let is_page = |at: usize| {
        let page = database.le32(at + 4);
        database.0.get(page * PAGE + 25) == Some(&7) && database.le32(page * PAGE + 12) == 0
    };
    let value = all
        .find(|&at| is_chain(at) && is_long(at) && is_page(at))
        .unwrap();
    let first = bdb().le32(value + 4);
    let link = first * PAGE;
    let number = u32::try_from(first).unwrap();
    let (rule, others) = bdb().with(link + 16, &number.to_le_bytes()).record();
    assert_eq!((rule, others), (Corruption::PageUsedTwice(number), 63));
    let (rule, _) = bdb().with(link + 16, &[0; 4]).record();
    assert!(matches!(rule, Corruption::RecordEnds { .. }), "{rule}");
    let (rule, _) = bdb().with(link + 25, &[13]).record();
    assert!(
        matches!(rule, Corruption::PageKind { found: 13, .. }),
        "{rule}"
    );
    let (rule, _) = bdb().with(link + 22, &[0xff; 2]).record();
    assert!(matches!(rule, Corruption::ItemOutside { .. }), "{rule}");
    let (rule, _) = bdb().with(value, &[2]).record();
    assert!(
        matches!(rule, Corruption::PageKind { found: 2, .. }),
        "{rule}"
    );
}
