//! Requests of a client of our own, and what comes back. Numbers are those of proto.md.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of tests are short"
)]

mod support;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use detente_block::{BlockRead, BlockWrite, MemoryDisk, ReadError, WriteError};
use detente_nbd::{Ended, Export, MAX_REQUEST_BYTES, SessionError};

use support::{Heard, KIB, Says, striped, striped_bytes};

const READ: u16 = 0;
const WRITE: u16 = 1;
const DISC: u16 = 2;
const FLUSH: u16 = 3;
const TRIM: u16 = 4;
const CACHE: u16 = 5;
const WRITE_ZEROES: u16 = 6;
const BLOCK_STATUS: u16 = 7;

const FUA: u16 = 1;
const NO_HOLE: u16 = 1 << 1;
const DF: u16 = 1 << 2;
const REQ_ONE: u16 = 1 << 3;

fn read_only() -> Export {
    Export::read_only(striped())
}

fn simple() -> Says {
    Says::hello().go()
}

fn structured() -> Says {
    let says = Says::hello().structured();
    says.contexts(10, &["base:allocation"]).go()
}

/// Says it to the export, and gives what came after a structured negotiation.
#[track_caller]
fn replies(says: &Says, export: &Export) -> Heard {
    let (mut heard, ended) = says.to(export);
    heard.option(8);
    heard.option(10);
    heard.option(10);
    heard.go();
    ended.unwrap();
    heard
}

#[track_caller]
fn simple_replies(says: &Says, export: &Export) -> Heard {
    let (mut heard, ended) = says.to(export);
    heard.go();
    ended.unwrap();
    heard
}

#[test]
fn a_simple_read_is_its_bytes() {
    let bytes = striped_bytes();
    let says = simple()
        .request((0, READ), 3, 100_000)
        .request((0, READ), 0, 0);
    let mut heard = simple_replies(&says, &read_only());
    assert_eq!(heard.simple(READ), 0);
    assert!(heard.take(100_000) == bytes[3..100_003]);
    assert_eq!(heard.simple(READ), 0);
    heard.nothing_more();
}

#[test]
fn a_structured_read_has_holes_where_the_disk_is_zero() {
    let bytes = striped_bytes();
    let (from, to) = (32 * KIB, 192 * KIB + 100);
    let says = structured().request((0, READ), from, (to - from) as u32);
    let mut heard = replies(&says, &read_only());
    for (done, kind, start, end) in [
        (false, 1, from, 64 * KIB),
        (false, 2, 64 * KIB, 128 * KIB),
        (false, 1, 128 * KIB, 192 * KIB),
        // Too short for a hole, but nothing follows that it could be joined to.
        (true, 2, 192 * KIB, to),
    ] {
        let chunk = heard.chunk(READ);
        assert_eq!((chunk.done, chunk.kind), (done, kind));
        let mut expected = start.to_be_bytes().to_vec();
        if kind == 1 {
            expected.extend(&bytes[start as usize..end as usize]);
        } else {
            expected.extend(((end - start) as u32).to_be_bytes());
        }
        assert!(chunk.data == expected, "{start:#x}");
    }
    heard.nothing_more();
}

#[test]
fn a_read_that_may_not_be_split_is_one_chunk() {
    let bytes = striped_bytes();
    let says = structured()
        .request((DF, READ), 0, 128 * KIB as u32)
        .request((DF, READ), 0, 1024 * KIB as u32 + 1);
    let mut heard = replies(&says, &read_only());
    let chunk = heard.chunk(READ);
    assert_eq!((chunk.done, chunk.kind), (true, 1));
    assert!(chunk.data[8..] == bytes[..128 * KIB as usize]);
    assert_eq!(heard.error(READ), 75, "EOVERFLOW");
    heard.nothing_more();
}

#[test]
fn a_structured_read_of_nothing_is_nothing() {
    let mut heard = replies(&structured().request((0, READ), 5, 0), &read_only());
    let chunk = heard.chunk(READ);
    assert_eq!((chunk.done, chunk.kind, chunk.data.len()), (true, 0, 0));
    heard.nothing_more();
}

#[test]
fn reads_past_the_end_or_too_long_are_invalid_and_the_next_is_not() {
    let size = 1024 * KIB + 512;
    let bad = [
        (size, 1),
        (size - 511, 512),
        (u64::MAX, 1),
        (u64::MAX, u32::MAX),
        (0, MAX_REQUEST_BYTES + 1),
    ];
    let (mut says, mut plain) = (structured(), simple());
    for (offset, len) in bad {
        says = says.request((0, READ), offset, len);
        plain = plain.request((0, READ), offset, len);
    }
    let mut heard = replies(&says.request((0, READ), size - 512, 512), &read_only());
    let mut plain = simple_replies(&plain.request((0, READ), size - 512, 512), &read_only());
    for case in bad {
        assert_eq!(heard.error(READ), 22, "{case:?}");
        assert_eq!(plain.simple(READ), 22, "{case:?}");
    }
    assert_eq!(heard.chunk(READ).data.len(), 520);
    assert_eq!(plain.simple(READ), 0);
    plain.take(512);
    plain.nothing_more();
    heard.nothing_more();
}

#[test]
fn the_status_is_data_and_holes() {
    let says = structured()
        .request((0, BLOCK_STATUS), 32 * KIB, 128 * KIB as u32)
        .request((REQ_ONE, BLOCK_STATUS), 32 * KIB, 128 * KIB as u32);
    let mut heard = replies(&says, &read_only());
    let describe = |descriptors: &[(u64, u32)]| {
        let mut data = 1_u32.to_be_bytes().to_vec();
        for (len, flags) in descriptors {
            data.extend((*len as u32).to_be_bytes());
            data.extend(flags.to_be_bytes());
        }
        data
    };
    let chunk = heard.chunk(BLOCK_STATUS);
    let expected = [(32 * KIB, 0), (64 * KIB, 3), (32 * KIB, 0)];
    assert_eq!((chunk.done, chunk.kind), (true, 5));
    assert_eq!(chunk.data, describe(&expected));
    let chunk = heard.chunk(BLOCK_STATUS);
    assert_eq!(chunk.data, describe(&expected[..1]));
    heard.nothing_more();
}

#[test]
fn a_status_that_was_not_agreed_on_or_is_of_nothing_is_invalid() {
    let mut heard = simple_replies(&simple().request((0, BLOCK_STATUS), 0, 512), &read_only());
    assert_eq!(heard.simple(BLOCK_STATUS), 22);
    let says =
        structured()
            .request((0, BLOCK_STATUS), 0, 0)
            .request((0, BLOCK_STATUS), 1024 * KIB, 513);
    let mut heard = replies(&says, &read_only());
    assert_eq!(heard.error(BLOCK_STATUS), 22);
    assert_eq!(heard.error(BLOCK_STATUS), 22);
    heard.nothing_more();
}

#[test]
fn flags_that_a_command_does_not_have_are_invalid() {
    let disk = Arc::new(MemoryDisk::new(vec![0; 4096]));
    let writable = Export::writable(disk);
    for (flags, command) in [
        (REQ_ONE, READ),
        (NO_HOLE, TRIM),
        (DF, BLOCK_STATUS),
        (1 << 4, WRITE_ZEROES),
        (1 << 15, FLUSH),
    ] {
        let mut heard = replies(&structured().request((flags, command), 0, 0), &writable);
        assert_eq!(heard.error(command), 22, "{flags:#x} {command}");
    }
    // FUA where it was not offered, DF without structured replies.
    let says = simple()
        .request((FUA, READ), 0, 1)
        .request((DF, READ), 0, 1);
    let mut heard = simple_replies(&says, &read_only());
    assert_eq!((heard.simple(READ), heard.simple(READ)), (22, 22));
    // The bytes of a write that is refused are passed over.
    let says = structured().request((DF, WRITE), 0, 5).bytes(b"hello");
    let mut heard = replies(&says.request((FUA, READ), 0, 1), &writable);
    assert_eq!(heard.error(WRITE), 22);
    assert_eq!(heard.chunk(READ).data, [0; 9]);
}

#[test]
fn unknown_commands_are_invalid() {
    let says = structured()
        .request((0, CACHE), 0, 512)
        .request((0, 8), 0, 512);
    let mut heard = replies(&says.request((0, 0xffff), 0, 0), &read_only());
    for command in [CACHE, 8, 0xffff] {
        assert_eq!(heard.error(command), 22);
    }
    heard.nothing_more();
}

#[test]
fn a_disk_that_is_only_to_be_read_permits_no_change() {
    let says = structured()
        .request((0, WRITE), 0, 5)
        .bytes(b"hello")
        .request((0, TRIM), 0, 512)
        .request((0, WRITE_ZEROES), 0, 512)
        .request((0, FLUSH), 0, 0);
    let mut heard = replies(&says, &read_only());
    for command in [WRITE, TRIM, WRITE_ZEROES] {
        assert_eq!(heard.error(command), 1, "EPERM");
    }
    assert_eq!(heard.chunk(FLUSH).kind, 0);
    heard.nothing_more();
}

#[test]
fn what_is_written_is_read() {
    let disk = Arc::new(MemoryDisk::new(vec![9; 3 * 1024 * 1024]));
    let long = vec![5; 2 * 1024 * 1024 + 1];
    let says = structured()
        .request((0, WRITE), 1, long.len() as u32)
        .bytes(&long)
        .request((FUA, WRITE_ZEROES), 10, 20)
        .request((NO_HOLE, WRITE_ZEROES), 40, 1_500_000)
        .request((0, TRIM), 4096, 4096)
        .request((0, WRITE), 0, 0)
        .request((0, DISC), 0, 0);
    let (mut heard, ended) = says.to(&Export::writable(disk.clone()));
    assert_eq!(ended.unwrap(), Ended::Disconnected);
    heard.option(8);
    heard.option(10);
    heard.option(10);
    heard.go();
    for command in [WRITE, WRITE_ZEROES, WRITE_ZEROES, TRIM, WRITE] {
        let chunk = heard.chunk(command);
        assert_eq!((chunk.done, chunk.kind), (true, 0), "{command}");
    }
    heard.nothing_more();
    let mut expected = vec![9; 3 * 1024 * 1024];
    expected[1..=long.len()].fill(5);
    expected[10..30].fill(0);
    expected[40..1_500_040].fill(0);
    let mut bytes = vec![0; expected.len()];
    disk.read_exact_at(0, &mut bytes).unwrap();
    assert!(bytes == expected);
}

#[test]
fn changes_past_the_end_find_no_space() {
    let export = Export::writable(Arc::new(MemoryDisk::new(vec![9; 512])));
    let says = structured()
        .request((0, WRITE), 510, 3)
        .bytes(b"abc")
        .request((0, WRITE_ZEROES), u64::MAX, 2)
        .request((0, TRIM), 0, 513)
        .request((0, FLUSH), 1, 0)
        .request((0, FLUSH), 0, 1)
        .request((0, READ), 0, 512);
    let mut heard = replies(&says, &export);
    assert_eq!((heard.error(WRITE), heard.error(WRITE_ZEROES)), (28, 28));
    assert_eq!(heard.error(TRIM), 22);
    assert_eq!((heard.error(FLUSH), heard.error(FLUSH)), (22, 22));
    assert_eq!(heard.chunk(READ).data[8..], [9; 512]);
    heard.nothing_more();
}

#[test]
fn a_write_of_more_than_anybody_needs_ends_it() {
    let export = Export::writable(Arc::new(MemoryDisk::new(vec![9; 512])));
    let says = structured().request((0, WRITE), 0, MAX_REQUEST_BYTES + 1);
    let (_, ended) = says.to(&export);
    assert!(
        matches!(ended, Err(SessionError::Violation { .. })),
        "{ended:?}"
    );
}

#[test]
fn a_request_without_magic_ends_it() {
    let mut says = structured();
    let at = says.0.len();
    says = says.request((0, READ), 0, 512);
    says.0[at] ^= 1;
    let (_, ended) = says.to(&read_only());
    assert!(
        matches!(ended, Err(SessionError::Violation { .. })),
        "{ended:?}"
    );
}

#[test]
fn a_client_that_is_cut_off_within_a_message_is_a_failed_connection() {
    let export = Export::writable(Arc::new(MemoryDisk::new(vec![9; 512])));
    let mut says = structured().request((0, WRITE), 0, 5).bytes(b"hel");
    for _ in 0..20 {
        let (_, ended) = says.to(&export);
        assert!(
            matches!(ended, Err(SessionError::Connection(_))),
            "{ended:?}"
        );
        says.0.pop();
    }
}

/// A disk whose second half cannot be read, and that is full.
struct Broken {
    flushes: AtomicUsize,
}

impl BlockRead for Broken {
    fn len_bytes(&self) -> u64 {
        8 * 1024 * KIB
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        if offset + buf.len() as u64 > 4 * 1024 * KIB {
            let rule = "a rule".to_owned();
            return Err(ReadError::Corrupt { offset, rule });
        }
        buf.fill(1);
        Ok(())
    }
}

impl BlockWrite for Broken {
    fn write_all_at(&self, offset: u64, _: &[u8]) -> Result<(), WriteError> {
        let source = io::Error::from_raw_os_error(28);
        Err(WriteError::Io { offset, source })
    }

    fn flush(&self) -> Result<(), WriteError> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn zero_at(&self, offset: u64, _: u64) -> Result<(), WriteError> {
        let source = io::Error::from_raw_os_error(5);
        Err(WriteError::Io { offset, source })
    }

    fn grow(&self, _: u64) -> Result<(), WriteError> {
        let what = "growing";
        Err(WriteError::Unsupported { what })
    }
}

#[test]
fn what_the_disk_fails_is_told_with_its_place() {
    let disk = Arc::new(Broken {
        flushes: AtomicUsize::new(0),
    });
    let export = Export::writable(disk.clone());
    let (half, mib) = (4 * 1024 * KIB, 1024 * KIB);
    let says = structured()
        .request((0, READ), half - mib, 2 * mib as u32)
        .request((0, WRITE), 0, 3)
        .bytes(b"abc")
        .request((0, TRIM), 0, 512)
        .request((FUA, WRITE), 0, 0)
        .request((0, FLUSH), 0, 0);
    let mut heard = replies(&says, &export);
    let chunk = heard.chunk(READ);
    assert_eq!((chunk.done, chunk.kind), (false, 1));
    assert_eq!(chunk.data.len() as u64, mib + 8);
    let chunk = heard.chunk(READ);
    assert_eq!((chunk.done, chunk.kind), (true, 0x8002));
    assert_eq!(chunk.data[..4], [0, 0, 0, 5], "EIO");
    let message = String::from_utf8_lossy(&chunk.data[6..chunk.data.len() - 8]);
    assert_eq!(message, "corrupt data at offset 0x400000: a rule");
    assert_eq!(chunk.data[chunk.data.len() - 8..], half.to_be_bytes());
    assert_eq!(heard.error(WRITE), 28, "ENOSPC");
    assert_eq!(heard.error(TRIM), 5, "EIO");
    assert_eq!(heard.chunk(WRITE).kind, 0);
    assert_eq!(heard.chunk(FLUSH).kind, 0);
    assert_eq!(disk.flushes.load(Ordering::Relaxed), 2);
    // Without structured replies the error comes before any of the bytes.
    let says = simple().request((0, READ), half - mib, 2 * mib as u32);
    let mut heard = simple_replies(&says, &export);
    assert_eq!(heard.simple(READ), 5);
    heard.nothing_more();
}
