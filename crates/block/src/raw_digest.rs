//! The digest that others compute of a raw copy of a disk.

use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::{BlockRead, ExtentKind, ReadError};

/// What is read at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// SHA-256 of every byte of `disk`, in order: what `sha256sum` says of a raw copy. Nothing if
/// `cancel` became true before it was done.
///
/// Zeroes have to be hashed like other bytes, though they need not be read: this takes time by the
/// disk's size. [`content_digest`](crate::content_digest()) takes it by the disk's data.
///
/// # Errors
/// What a read met.
pub fn raw_digest(
    disk: &dyn BlockRead,
    cancel: &AtomicBool,
) -> Result<Option<[u8; 32]>, ReadError> {
    let mut digest = Sha256::new();
    let mut buffer = Vec::new();
    let mut offset = 0;
    while offset < disk.len_bytes() {
        let extent = disk.next_extent(offset)?;
        // An extent is never empty; one that is must not keep us here for ever.
        let end = offset.saturating_add(extent.len.max(1));
        let end = end.min(disk.len_bytes());
        while offset < end {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let len = end.saturating_sub(offset).min(PIECE_BYTES);
            buffer.resize(usize::try_from(len).expect("a piece is 1 MiB at most"), 0);
            match extent.kind {
                ExtentKind::Zero => buffer.fill(0),
                ExtentKind::Data => disk.read_exact_at(offset, &mut buffer)?,
            }
            digest.update(&buffer);
            offset = offset.saturating_add(len);
        }
    }
    Ok(Some(digest.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileBackend, MemoryBackend};
    use std::fmt::Write as _;

    #[track_caller]
    fn check(disk: &dyn BlockRead, expect: &str) {
        let digest = raw_digest(disk, &AtomicBool::new(false)).unwrap().unwrap();
        let hex = digest.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        assert_eq!(hex, expect);
    }

    /// FIPS 180-2, appendix B.1 and B.3, and `sha256sum` of 3 MiB + 1 of zeroes.
    #[test]
    fn it_is_the_digest_of_the_bytes() {
        check(
            &MemoryBackend::new(b"abc".to_vec()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        check(
            &MemoryBackend::new(vec![b'a'; 1_000_000]),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        );
        let hole = tempfile::NamedTempFile::new().unwrap();
        hole.as_file().set_len((3 << 20) + 1).unwrap();
        check(
            &FileBackend::open(hole.path()).unwrap(),
            "5983281b51c767c831104f52c95e4075f27e6f4fa8dd0526e3929f79176a1217",
        );
    }

    #[test]
    fn a_cancelled_digest_is_none() {
        let disk = MemoryBackend::new(vec![0; 1]);
        assert_eq!(raw_digest(&disk, &AtomicBool::new(true)).unwrap(), None);
    }
}
