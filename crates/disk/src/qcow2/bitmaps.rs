//! The bitmap directory: \[qcow2\] "Bitmaps".

use detente_block::{BlockRead, ReadError};

use super::details::Qcow2Bitmap;
use super::extensions::BitmapsExtension;
use super::field::{Fields, read_bytes, to_usize};
use super::geometry::Geometry;
use super::{corrupt, unsupported};

/// What QEMU supports.
const MAX_BITMAPS: u32 = 65_535;
/// What the directory may take; a thousand times what a sane one has.
const MAX_DIRECTORY_BYTES: u64 = 8 << 20;
/// The fields that every entry has.
const ENTRY_BYTES: u64 = 24;
const IN_USE: u32 = 1 << 0;
const AUTO: u32 = 1 << 1;

/// An entry of the directory.
#[derive(Debug)]
pub(super) struct BitmapEntry {
    /// Where it stands.
    pub(super) at: u64,
    pub(super) table_offset: u64,
    pub(super) table_entries: u64,
    pub(super) flags: u32,
    pub(super) kind: u8,
    pub(super) shown: Qcow2Bitmap,
}

/// Hands each entry of the directory to `take`.
///
/// # Errors
/// What is wrong with the directory; the entries before were handed on.
pub(super) fn read(
    file: &dyn BlockRead,
    extension: &BitmapsExtension,
    geometry: &Geometry,
    mut take: impl FnMut(BitmapEntry),
) -> Result<(), ReadError> {
    let (start, size) = (extension.directory_offset, extension.directory_size);
    if extension.count > MAX_BITMAPS || size > MAX_DIRECTORY_BYTES {
        let what = format!("{} bitmaps in a directory of {size} bytes", extension.count);
        return Err(unsupported(extension.at, what));
    }
    if start == 0 || geometry.in_cluster(start) != 0 {
        let rule = format!("the bitmap directory's offset {start:#x} is not aligned");
        return Err(corrupt(extension.at.saturating_add(16), rule));
    }
    let end = start
        .checked_add(size)
        .filter(|&end| end <= file.len_bytes());
    let end =
        end.ok_or_else(|| corrupt(start, "the bitmap directory goes past the end of the file"))?;
    let mut at = start;
    for _ in 0..extension.count {
        let (entry, len) = BitmapEntry::read(file, at, end)?;
        at = at.saturating_add(len.next_multiple_of(8));
        take(entry);
    }
    if at != end {
        let rule = format!("the bitmap directory has {size} bytes, its entries another number");
        return Err(corrupt(extension.at.saturating_add(8), rule));
    }
    Ok(())
}

impl BitmapEntry {
    /// The entry, and its length without padding.
    fn read(file: &dyn BlockRead, at: u64, end: u64) -> Result<(Self, u64), ReadError> {
        let past = || corrupt(at, "an entry goes past the end of the bitmap directory");
        let left = end.saturating_sub(at);
        if left < ENTRY_BYTES {
            return Err(past());
        }
        let head = read_bytes(file, at, ENTRY_BYTES)?;
        let fields = Fields {
            bytes: &head,
            start: at,
        };
        let (name, extra) = (u64::from(fields.u16(18)?), u64::from(fields.u32(20)?));
        let name_at = ENTRY_BYTES.saturating_add(extra);
        let len = name_at.saturating_add(name);
        if len > left {
            return Err(past());
        }
        let name = read_bytes(file, at.saturating_add(name_at), name)?;
        let flags = fields.u32(12)?;
        debug_assert!(to_usize(len) >= name.len(), "the name is a part of it");
        let entry = Self {
            at,
            table_offset: fields.u64(0)?,
            table_entries: u64::from(fields.u32(8)?),
            flags,
            kind: fields.u8(16)?,
            shown: Qcow2Bitmap {
                name: String::from_utf8_lossy(&name).into_owned(),
                granularity_bits: fields.u8(17)?,
                in_use: flags & IN_USE != 0,
                auto: flags & AUTO != 0,
            },
        };
        Ok((entry, len))
    }
}
