//! The digest of what a disk holds, whatever file format carries it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use crate::cores::on_every_core;
use crate::data_chunks::DataChunks;
use crate::{BlockRead, ReadError};

/// What the disk is cut into; part of the definition.
pub(crate) const CHUNK_BYTES: u64 = 1 << 20;
/// What the outer hash begins with; part of the definition.
const DOMAIN: &[u8] = b"detente/content-digest/1\0";
/// How many chunks are handed out at a time: what bounds the leaves that are held in memory.
const BATCH_CHUNKS: usize = 256;

/// A digest over virtual content: equal for a raw file and a qcow2 file with the same content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDigest {
    /// SHA-256, as defined on [`content_digest`].
    pub sha256: [u8; 32],
    /// How many bytes had to be read.
    pub read_bytes: u64,
}

impl ContentDigest {
    /// The digest in 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sha256
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Computes the digest of `disk`, or nothing if `cancel` became true before it was done.
///
/// # Definition
/// The content is cut into chunks of 1 MiB, numbered from 0; the last may be shorter. Every chunk
/// that holds a byte other than zero has a leaf:
///
/// ```text
/// leaf   = SHA-256(chunk number, u64 little-endian || the chunk's bytes)
/// digest = SHA-256("detente/content-digest/1" || one zero byte
///                  || length of the content in bytes, u64 little-endian
///                  || for each leaf, in rising order: chunk number, u64 little-endian || leaf)
/// ```
///
/// Chunks that are all zero are left out, whether a file stores them or not: so the digest depends
/// on the content alone, and holes need not be read.
///
/// # Limits
/// Reads with up to 16 threads, a chunk of memory each. Whoever cancels waits for one chunk.
///
/// # Errors
/// What a read met.
pub fn content_digest(
    disk: &dyn BlockRead,
    cancel: &AtomicBool,
) -> Result<Option<ContentDigest>, ReadError> {
    let mut digest = Sha256::new();
    digest.update(DOMAIN);
    digest.update(disk.len_bytes().to_le_bytes());
    let mut read_bytes = 0;
    let mut chunks = DataChunks::new(disk);
    loop {
        let batch = chunks.next_batch(BATCH_CHUNKS, cancel)?;
        let leaves = hash_batch(disk, &batch, cancel)?;
        if cancel.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if batch.is_empty() {
            return Ok(Some(ContentDigest {
                sha256: digest.finalize().into(),
                read_bytes,
            }));
        }
        for leaf in leaves {
            read_bytes += leaf.read_bytes;
            if let Some(sha256) = leaf.sha256 {
                digest.update(leaf.chunk.to_le_bytes());
                digest.update(sha256);
            }
        }
    }
}

/// What was found out about one chunk.
struct Leaf {
    chunk: u64,
    read_bytes: u64,
    /// Nothing for a chunk that turned out to be all zero.
    sha256: Option<[u8; 32]>,
}

/// Hashes the chunks of a batch on every core; the leaves come in rising order.
fn hash_batch(
    disk: &dyn BlockRead,
    batch: &[u64],
    cancel: &AtomicBool,
) -> Result<Vec<Leaf>, ReadError> {
    let next = AtomicUsize::new(0);
    let parts = on_every_core(batch.len(), || hash_some(disk, batch, &next, cancel));
    let mut leaves = Vec::with_capacity(batch.len());
    for part in parts {
        leaves.extend(part?);
    }
    leaves.sort_by_key(|leaf| leaf.chunk);
    Ok(leaves)
}

/// Takes chunks off the batch until it is used up, or a read fails, or it is cancelled.
fn hash_some(
    disk: &dyn BlockRead,
    batch: &[u64],
    next: &AtomicUsize,
    cancel: &AtomicBool,
) -> Result<Vec<Leaf>, ReadError> {
    let mut leaves = Vec::new();
    let mut buffer = Vec::new();
    while let Some(&chunk) = batch.get(next.fetch_add(1, Ordering::Relaxed)) {
        if cancel.load(Ordering::Relaxed) {
            break;
        }
        match hash_chunk(disk, chunk, &mut buffer) {
            Ok(leaf) => leaves.push(leaf),
            Err(error) => {
                next.store(batch.len(), Ordering::Relaxed);
                return Err(error);
            }
        }
    }
    Ok(leaves)
}

fn hash_chunk(disk: &dyn BlockRead, chunk: u64, buffer: &mut Vec<u8>) -> Result<Leaf, ReadError> {
    let start = chunk.saturating_mul(CHUNK_BYTES);
    let read_bytes = disk.len_bytes().saturating_sub(start).min(CHUNK_BYTES);
    buffer.resize(
        usize::try_from(read_bytes).expect("a chunk is 1 MiB at most"),
        0,
    );
    disk.read_exact_at(start, buffer)?;
    let sha256 = (!is_zero(buffer)).then(|| {
        let mut leaf = Sha256::new();
        leaf.update(chunk.to_le_bytes());
        leaf.update(&*buffer);
        leaf.finalize().into()
    });
    Ok(Leaf {
        chunk,
        read_bytes,
        sha256,
    })
}

/// Whether all bytes are zero; in slices, because comparing slices is fast in any build.
fn is_zero(bytes: &[u8]) -> bool {
    const ZEROES: [u8; 4096] = [0; 4096];
    bytes
        .chunks(ZEROES.len())
        .all(|part| ZEROES.starts_with(part))
}
