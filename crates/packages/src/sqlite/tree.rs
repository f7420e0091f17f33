//! A table's tree of pages. \[SQLite\] 1.6.

use std::ops::ControlFlow;

use super::pager::{HEADER_BYTES, Pager};
use crate::error::{Corruption, DatabaseError};
use crate::fields::{array, be16, be32};

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// A row, as it stands in a leaf.
pub(super) struct Cell {
    /// Its row id.
    pub(super) row: i64,
    /// The length of its payload.
    pub(super) len: u64,
    /// As much of the payload as is in the leaf.
    pub(super) local: Vec<u8>,
    /// The page that the rest begins in, or 0.
    pub(super) overflow: u32,
    /// Where the cell was found.
    pub(super) offset: u64,
}

/// What is called for each cell; it says whether to go on.
type CellVisitor<'v> =
    dyn FnMut(&mut Pager<'_>, Cell) -> Result<ControlFlow<()>, DatabaseError> + 'v;

/// One page of a tree.
struct Page {
    number: u32,
    offset: u64,
    bytes: Vec<u8>,
    /// Where its own header begins: behind the file's in page 1.
    start: usize,
    cells: u16,
}

/// Every row below `root`, in the order of row ids. Every page is used once, so that this ends.
pub(super) fn each_cell(
    pager: &mut Pager<'_>,
    root: u32,
    visit: &mut CellVisitor<'_>,
) -> Result<(), DatabaseError> {
    pager.mark(root, 0)?;
    let mut later = vec![root];
    while let Some(number) = later.pop() {
        let page = Page::read(pager, number)?;
        match page.kind() {
            INTERIOR => {
                let children = page.children(pager)?;
                later.extend(children.into_iter().rev());
            }
            LEAF => {
                for index in 0..page.cells {
                    let cell = page.cell(index, pager.usable())?;
                    if visit(pager, cell)?.is_break() {
                        return Ok(());
                    }
                }
            }
            found => {
                let rule = Corruption::PageKind {
                    page: number,
                    found,
                    wanted: "a page of a table",
                };
                return Err(DatabaseError::corrupt(page.offset, rule));
            }
        }
    }
    Ok(())
}

impl Page {
    fn read(pager: &mut Pager<'_>, number: u32) -> Result<Self, DatabaseError> {
        let bytes = pager.whole(number)?;
        let start = if number == 1 { HEADER_BYTES } else { 0 };
        let cells = be16(&bytes, start.saturating_add(3)).unwrap_or(0);
        Ok(Self {
            number,
            offset: pager.offset(number),
            bytes,
            start,
            cells,
        })
    }

    fn kind(&self) -> u8 {
        self.bytes.get(self.start).copied().unwrap_or(0)
    }

    fn outside(&self, item: u16) -> DatabaseError {
        let page = self.number;
        DatabaseError::corrupt(self.offset, Corruption::ItemOutside { page, item })
    }

    /// Where a cell begins: its pointer stands behind the page's header.
    fn cell_start(&self, index: u16, header_bytes: usize) -> Result<usize, DatabaseError> {
        let at = usize::from(index)
            .saturating_mul(2)
            .saturating_add(header_bytes)
            .saturating_add(self.start);
        be16(&self.bytes, at)
            .map(usize::from)
            .ok_or_else(|| self.outside(index))
    }

    /// The pages below an inner page, the right one last.
    fn children(&self, pager: &mut Pager<'_>) -> Result<Vec<u32>, DatabaseError> {
        let mut children = Vec::new();
        for index in 0..=self.cells {
            let at = if index == self.cells {
                self.start.saturating_add(8)
            } else {
                self.cell_start(index, 12)?
            };
            let child = be32(&self.bytes, at).ok_or_else(|| self.outside(index))?;
            pager.mark(child, self.offset)?;
            children.push(child);
        }
        Ok(children)
    }

    fn cell(&self, index: u16, usable: u32) -> Result<Cell, DatabaseError> {
        let start = self.cell_start(index, 8)?;
        self.cell_at(start, usable)
            .ok_or_else(|| self.outside(index))
    }

    fn cell_at(&self, start: usize, usable: u32) -> Option<Cell> {
        let bytes = self.bytes.get(start..)?;
        let (len, first) = varint(bytes)?;
        let (row, second) = varint(bytes.get(first..)?)?;
        let at = first.checked_add(second)?;
        let local = local_bytes(len, usable);
        let end = at.checked_add(usize::try_from(local).ok()?)?;
        let overflow = if local < len { be32(bytes, end)? } else { 0 };
        Some(Cell {
            row: i64::from_be_bytes(row.to_be_bytes()),
            len,
            local: bytes.get(at..end)?.to_vec(),
            overflow,
            offset: self.offset.saturating_add(u64::try_from(start).ok()?),
        })
    }
}

/// How much of a payload stays in its leaf. \[SQLite\] 1.6, "B-tree Cell Format".
fn local_bytes(len: u64, usable: u32) -> u64 {
    let usable = u64::from(usable);
    let most = usable.saturating_sub(35);
    if len <= most {
        return len;
    }
    let least = usable
        .saturating_sub(12)
        .saturating_mul(32)
        .checked_div(255)
        .unwrap_or(0)
        .saturating_sub(23);
    let rest = len
        .saturating_sub(least)
        .checked_rem(usable.saturating_sub(4))
        .unwrap_or(0);
    let local = least.saturating_add(rest);
    if local <= most { local } else { least }
}

/// A number of one to nine bytes, and how many. \[SQLite\] 1.6.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for count in 1..=8_usize {
        let [byte] = array(bytes, count.checked_sub(1)?)?;
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, count));
        }
    }
    let [byte] = array(bytes, 8)?;
    Some(((value << 8) | u64::from(byte), 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_have_seven_bits_a_byte_and_eight_in_the_ninth() {
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x80; 8]), None);
    }

    #[test]
    fn a_payload_stays_in_its_leaf_as_far_as_the_format_says() {
        // [SQLite]: with U = 4096, X = U-35 = 4061, M = ((U-12)*32/255)-23 = 489, K = M+((P-M)%(U-4)).
        for (len, local) in [
            (4061, 4061),
            (4062, 489),
            (4581, 489),
            (4582, 490),
            (8153, 4061),
            (8154, 489),
        ] {
            assert_eq!(local_bytes(len, 4096), local, "{len}");
        }
    }
}
