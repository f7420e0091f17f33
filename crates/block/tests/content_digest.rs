//! The content digest against its definition, written down a second time, and a foreign vector.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};

use detente_block::{BlockRead, Extent, ExtentKind, MemoryBackend, ReadError, content_digest};
use sha2::{Digest, Sha256};

const MIB: usize = 1 << 20;
static GO_ON: AtomicBool = AtomicBool::new(false);

/// The definition, naively.
fn expected(content: &[u8]) -> [u8; 32] {
    let mut all = b"detente/content-digest/1\0".to_vec();
    all.extend((content.len() as u64).to_le_bytes());
    for (number, chunk) in content.chunks(MIB).enumerate() {
        if chunk.iter().any(|&byte| byte != 0) {
            let number = (number as u64).to_le_bytes();
            all.extend(number);
            all.extend(Sha256::digest([&number, chunk].concat()));
        }
    }
    Sha256::digest(all).into()
}

fn check(content: Vec<u8>) {
    let expect = expected(&content);
    let disk = MemoryBackend::new(content);
    let got = content_digest(&disk, &GO_ON).unwrap().unwrap();
    assert_eq!(got.sha256, expect);
    assert_eq!(got.read_bytes, disk.len_bytes());
}

/// `len` bytes that are zero but for those named.
fn with(len: usize, bytes: &[(usize, u8)]) -> Vec<u8> {
    let mut content = vec![0; len];
    for &(at, byte) in bytes {
        content[at] = byte;
    }
    content
}

#[test]
fn it_follows_its_definition() {
    check(vec![]);
    check(vec![0]);
    check(vec![1]);
    check(vec![0; 3 * MIB]);
    check(with(MIB, &[(MIB - 1, 1)]));
    check(with(MIB + 1, &[(MIB, 1)]));
    check(with(
        5 * MIB + 17,
        &[(0, 9), (3 * MIB, 1), (5 * MIB + 16, 7)],
    ));
    check(
        (0..3 * MIB)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect(),
    );
}

/// More than one batch of chunks, with gaps.
#[test]
fn many_batches_are_one_digest() {
    let spots: Vec<_> = (0..300)
        .filter(|n| n % 7 != 3)
        .map(|n| (n * MIB + n, 1))
        .collect();
    check(with(300 * MIB, &spots));
}

/// Recipe of the expected value:
///
/// ```text
/// import hashlib, struct
/// M = 1 << 20
/// content = bytearray(3 * M + 5)
/// content[0:4] = b"boot"; content[2 * M + 100] = 0xa5; content[3 * M + 4] = 1
/// out = b"detente/content-digest/1\0" + struct.pack("<Q", len(content))
/// for i in range(0, len(content), M):
///     c = content[i:i + M]; n = struct.pack("<Q", i // M)
///     if any(c): out += n + hashlib.sha256(n + c).digest()
/// print(hashlib.sha256(out).hexdigest())
/// ```
#[test]
fn it_agrees_with_python() {
    let mut content = with(3 * MIB + 5, &[(2 * MIB + 100, 0xa5), (3 * MIB + 4, 1)]);
    content[..4].copy_from_slice(b"boot");
    let digest = content_digest(&MemoryBackend::new(content), &GO_ON)
        .unwrap()
        .unwrap();
    assert_eq!(
        digest.to_hex(),
        "c4f3510746a2903e75fc24f65ebf0e6a58417410d46d53f7c0deec05694faa4d"
    );
    assert_eq!(digest.to_string(), digest.to_hex());
}

/// A disk of which only one byte is data, the last; reading anything else than its chunk fails.
struct OneByte;

const LEN: u64 = (1 << 40) + 1;

impl BlockRead for OneByte {
    fn len_bytes(&self) -> u64 {
        LEN
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        if offset != LEN - 1 {
            return Err(ReadError::Corrupt {
                offset,
                rule: "a hole was read".to_owned(),
            });
        }
        buf.fill(1);
        Ok(())
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let (end, kind) = match offset {
            ..0xff_ffff_ffff => (0xff_ffff_ffff, ExtentKind::Zero),
            0xff_ffff_ffff => (LEN - 1, ExtentKind::Zero),
            _ => (LEN, ExtentKind::Data),
        };
        Ok(Extent {
            offset,
            len: end - offset,
            kind,
        })
    }
}

#[test]
fn holes_are_not_read() {
    let digest = content_digest(&OneByte, &GO_ON).unwrap().unwrap();
    assert_eq!(digest.read_bytes, 1);
}

/// Cancels itself at its first read.
struct Cancels(AtomicBool);

impl BlockRead for Cancels {
    fn len_bytes(&self) -> u64 {
        1 << 62
    }

    fn read_exact_at(&self, _: u64, _: &mut [u8]) -> Result<(), ReadError> {
        self.0.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn it_can_be_cancelled() {
    let disk = Cancels(AtomicBool::new(false));
    assert_eq!(content_digest(&disk, &disk.0).unwrap(), None);
}

/// Fails at its third chunk.
struct Broken;

impl BlockRead for Broken {
    fn len_bytes(&self) -> u64 {
        1 << 30
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        if offset == 2 << 20 {
            return Err(ReadError::Corrupt {
                offset,
                rule: "broken".to_owned(),
            });
        }
        buf.fill(3);
        Ok(())
    }
}

#[test]
fn a_failing_read_is_reported() {
    let error = content_digest(&Broken, &GO_ON).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Corrupt {
                offset: 0x20_0000,
                ..
            }
        ),
        "{error}"
    );
}
