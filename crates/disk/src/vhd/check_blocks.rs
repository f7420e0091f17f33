//! Looking for broken rules in the blocks of a VHD file.

use detente_block::{BlockRead, ReadError};

use super::bat::{Bat, UNUSED};
use super::bitmap;
use super::field::{read_bytes, to_u64};
use super::footer::{FOOTER_BYTES, FoundFooter, VhdDiskType};
use super::header::HEADER_BYTES;
use crate::CheckReport;
use crate::finding::{broken, note};

const TABLE: &str = "[VHD] Block Allocation Table and Data Blocks";
/// How many blocks are held against each other.
const MAX_BLOCKS: usize = 4 << 20;
/// How much is read at a time to see whether it is zero.
const PIECE: u64 = 64 << 10;

/// A block that is in the file: where its bitmap starts, and which it is.
type Placed = (u64, u64);

/// Looks at every entry of the table, and at the bitmaps of blocks that overlap no other.
pub(super) fn check_blocks(
    file: &dyn BlockRead,
    bat: &Bat,
    found: &FoundFooter,
    report: &mut CheckReport,
) -> Result<(), ReadError> {
    let mut placed = entries(file, bat, found, report)?;
    placed.sort_unstable();
    report.allocated_units = to_u64(placed.len());
    report.image_end = image_end(bat, placed.last()).saturating_add(FOOTER_BYTES);
    let mut free_from = 0;
    for &(start, block) in &placed {
        let end = block_end(bat, start);
        if start < free_from {
            report.add(broken(
                "vhd.bat.overlap",
                bat.entry_at(block),
                format!(
                    "block {block} at {start:#x} overlaps the block before it, up to {free_from:#x}"
                ),
                TABLE,
            ));
        } else {
            check_bitmap(file, bat, found, (start, block), report)?;
        }
        free_from = free_from.max(end);
    }
    Ok(())
}

/// The blocks that lie where blocks may lie.
fn entries(
    file: &dyn BlockRead,
    bat: &Bat,
    found: &FoundFooter,
    report: &mut CheckReport,
) -> Result<Vec<Placed>, ReadError> {
    let size = found.footer.virtual_size();
    let block_bytes = u64::from(bat.header.block_size);
    let blocks = size.div_ceil(block_bytes);
    let mut placed = Vec::new();
    let mut block = 0;
    while block < u64::from(bat.header.max_table_entries) {
        let window = bat.window_of(file, block)?;
        for &entry in window.iter() {
            if entry != UNUSED && placed.len() >= MAX_BLOCKS {
                report.complete = false;
                return Ok(placed);
            }
            if entry != UNUSED {
                let begin = block.saturating_mul(block_bytes);
                let len = size.saturating_sub(begin).min(block_bytes);
                let start = u64::from(entry).saturating_mul(512);
                match bat.check_place(block, start, len) {
                    Err(ReadError::Corrupt { offset, rule }) => {
                        report.add(broken("vhd.bat.place", offset, rule, TABLE));
                    }
                    Err(error) => return Err(error),
                    Ok(()) => placed.push((start, block)),
                }
                if block >= blocks {
                    let what = format!("block {block} has room, though the disk has only {blocks}");
                    report.add(note("vhd.bat.behind", bat.entry_at(block), what, TABLE));
                }
            }
            block = block.saturating_add(1);
        }
    }
    Ok(placed)
}

fn block_end(bat: &Bat, start: u64) -> u64 {
    start
        .saturating_add(bat.header.bitmap_bytes())
        .saturating_add(u64::from(bat.header.block_size))
}

/// Where the last structure before the footer ends.
fn image_end(bat: &Bat, last: Option<&Placed>) -> u64 {
    let structures = bat.structures().map(|(_, _, end)| end);
    let blocks = last.map_or(0, |(start, _)| block_end(bat, *start));
    structures
        .into_iter()
        .fold(blocks, u64::max)
        .next_multiple_of(512)
        .max(FOOTER_BYTES.saturating_add(HEADER_BYTES))
}

/// In a dynamic disk, what the bitmap leaves out is zero: some readers go by the bitmap, others
/// (QEMU, and we) take the whole block.
fn check_bitmap(
    file: &dyn BlockRead,
    bat: &Bat,
    found: &FoundFooter,
    (start, block): Placed,
    report: &mut CheckReport,
) -> Result<(), ReadError> {
    let bitmap_bytes = bat.header.bitmap_bytes();
    let bitmap = read_bytes(file, start, bitmap_bytes)?;
    let sectors = u64::from(bat.header.block_size) / 512;
    let padding = bitmap::run(
        &bitmap,
        sectors,
        bitmap_bytes.saturating_mul(8).saturating_sub(sectors),
    );
    if sectors < bitmap_bytes.saturating_mul(8) && padding.0 {
        let what = format!("the bitmap of block {block} has bits set behind its {sectors} sectors");
        report.add(note("vhd.bitmap.padding", start, what, TABLE));
    }
    if found.footer.disk_type != VhdDiskType::Dynamic {
        return Ok(());
    }
    let data = start.saturating_add(bitmap_bytes);
    let mut sector = 0;
    while sector < sectors {
        let (set, run) = bitmap::run(&bitmap, sector, sectors.saturating_sub(sector));
        let from = data.saturating_add(sector.saturating_mul(512));
        let end = from
            .saturating_add(run.saturating_mul(512))
            .min(found.data_end);
        if !set && let Some(at) = first_byte(file, from, end)? {
            let what =
                format!("block {block} holds something in a sector that its bitmap leaves out");
            report.add(note("vhd.bitmap.data", at, what, TABLE));
            break;
        }
        sector = sector.saturating_add(run);
    }
    Ok(())
}

/// Where the first byte is that is not zero.
fn first_byte(file: &dyn BlockRead, from: u64, end: u64) -> Result<Option<u64>, ReadError> {
    let mut at = from;
    while at < end {
        let piece = read_bytes(file, at, end.saturating_sub(at).min(PIECE))?;
        if let Some(into) = piece.iter().position(|byte| *byte != 0) {
            return Ok(Some(at.saturating_add(to_u64(into))));
        }
        at = at.saturating_add(to_u64(piece.len()));
    }
    Ok(None)
}
