//! `Packages.db`: slots in front, blobs behind. \[NDB\] is rpm's `lib/backend/ndb/rpmpkg.c`; there
//! is no other documentation. All numbers are little-endian.
//!
//! The checksum of a blob (Adler-32) is not verified: that would mean to read all of it, and its
//! header has rules of its own.

use std::ops::ControlFlow;

use crate::error::{Corruption, DatabaseError, Unsupported};
use crate::fields::le32;
use crate::record::{Pieces, Record};
use crate::rpm::RecordVisitor;
use crate::windows::Windows;

/// How every database begins.
pub(crate) const MAGIC: &[u8] = b"RpmP";
const SLOT_MAGIC: &[u8] = b"Slot";
const BLOB_MAGIC: &[u8] = b"BlbS";

/// Slots fill whole pages, of which the header takes the first two slots' room.
const PAGE_BYTES: u64 = 4096;
const SLOT_BYTES: u64 = 16;
const HEADER_BYTES: u64 = 32;
/// Blobs begin at multiples of that.
const BLOCK_BYTES: u64 = 16;
const BLOB_HEADER_BYTES: u64 = 16;
/// Checksum, length and magic number behind a blob.
const BLOB_TAIL_BYTES: u64 = 12;
/// Bytes of a piece.
const PIECE_BYTES: u64 = 16 * 1024;

/// A slot in use.
struct Slot {
    /// The package's number.
    package: u32,
    /// Where its blob begins.
    start: u64,
    /// How much room it has.
    room: u64,
    /// Where the slot stands.
    offset: u64,
}

/// Every blob: its number and the header in it.
pub(crate) fn each_blob(
    mut file: Windows<'_>,
    visit: &mut RecordVisitor<'_>,
) -> Result<(), DatabaseError> {
    let end = slots_end(&mut file)?;
    // Blobs do not overlap; together they fit into the file, which bounds what is read.
    let mut left = file.len_bytes();
    let mut offset = HEADER_BYTES;
    while offset < end {
        if let Some(slot) = slot(&mut file, offset)? {
            left = left
                .checked_sub(slot.room)
                .ok_or_else(|| DatabaseError::corrupt(offset, Corruption::BlobsOverlap))?;
            if visit_slot(&mut file, &slot, visit)?.is_break() {
                return Ok(());
            }
        }
        offset = offset.saturating_add(SLOT_BYTES);
    }
    Ok(())
}

/// Where the slots end, from the file's header.
fn slots_end(file: &mut Windows<'_>) -> Result<u64, DatabaseError> {
    if file.len_bytes() < HEADER_BYTES {
        let part = "the header";
        return Err(DatabaseError::corrupt(0, Corruption::Truncated { part }));
    }
    let header: [u8; 32] = file.array(0)?;
    let version = le32(&header, 4).unwrap_or(0);
    if version != 0 {
        let store = "ndb";
        return Err(Unsupported::Version { store, version }.into());
    }
    let pages = u64::from(le32(&header, 12).unwrap_or(0));
    let end = pages.saturating_mul(PAGE_BYTES);
    if end > file.len_bytes() {
        let part = "its slots";
        return Err(DatabaseError::corrupt(12, Corruption::Truncated { part }));
    }
    Ok(end)
}

/// The slot at `offset`, if it is in use.
fn slot(file: &mut Windows<'_>, offset: u64) -> Result<Option<Slot>, DatabaseError> {
    let bytes: [u8; 16] = file.array(offset)?;
    if !bytes.starts_with(SLOT_MAGIC) {
        let part = "a slot";
        return Err(DatabaseError::corrupt(offset, Corruption::Magic { part }));
    }
    let [package, start, blocks] = [4, 8, 12].map(|at| le32(&bytes, at).unwrap_or(0));
    let in_bytes = |blocks: u32| u64::from(blocks).saturating_mul(BLOCK_BYTES);
    Ok((start != 0).then(|| Slot {
        package,
        start: in_bytes(start),
        room: in_bytes(blocks),
        offset,
    }))
}

/// Hands the blob of a slot on. A blob that is not there is a damaged record, no damaged database.
fn visit_slot(
    file: &mut Windows<'_>,
    slot: &Slot,
    visit: &mut RecordVisitor<'_>,
) -> Result<ControlFlow<()>, DatabaseError> {
    let number = u64::from(slot.package);
    match blob_len(file, slot) {
        Ok(len) => {
            let mut blob = Blob {
                file,
                at: slot.start.saturating_add(BLOB_HEADER_BYTES),
                left: len,
            };
            visit(number, Ok(Record::new(&mut blob, len, slot.start)))
        }
        Err(error) => visit(number, Err(error)),
    }
}

fn blob_len(file: &mut Windows<'_>, slot: &Slot) -> Result<u64, DatabaseError> {
    let differs = || {
        let rule = Corruption::BlobDiffers(slot.package);
        DatabaseError::corrupt(slot.offset, rule)
    };
    if slot.start.saturating_add(slot.room) > file.len_bytes() || slot.room < BLOB_HEADER_BYTES {
        return Err(differs());
    }
    let header: [u8; 16] = file.array(slot.start)?;
    if !header.starts_with(BLOB_MAGIC) {
        let rule = Corruption::Magic { part: "a blob" };
        return Err(DatabaseError::corrupt(slot.start, rule));
    }
    let len = u64::from(le32(&header, 12).unwrap_or(0));
    let needed = len
        .saturating_add(BLOB_HEADER_BYTES)
        .saturating_add(BLOB_TAIL_BYTES);
    if le32(&header, 4) != Some(slot.package) || needed > slot.room {
        return Err(differs());
    }
    Ok(len)
}

/// A blob, read forward.
struct Blob<'f, 'a> {
    file: &'f mut Windows<'a>,
    at: u64,
    left: u64,
}

impl Blob<'_, '_> {
    fn advance(&mut self, count: u64) {
        self.at = self.at.saturating_add(count);
        self.left = self.left.saturating_sub(count);
    }
}

impl Pieces for Blob<'_, '_> {
    fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), DatabaseError> {
        let count = self.left.min(PIECE_BYTES);
        piece.resize(usize::try_from(count).unwrap_or(0), 0);
        self.file.read(self.at, piece)?;
        self.advance(count);
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<u64, DatabaseError> {
        let count = bytes.min(self.left);
        self.advance(count);
        Ok(count)
    }
}
