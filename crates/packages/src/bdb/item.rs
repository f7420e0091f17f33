//! Keys and values of a hash. \[BDB\] `HKEYDATA`, `HOFFPAGE`.

use super::page::{Page, Pages};
use crate::error::{Corruption, DatabaseError};
use crate::record::Pieces;

/// The kinds, in an item's first byte.
const HERE: u8 = 1;
const ELSEWHERE: u8 = 3;

/// An item.
pub(super) enum Item {
    /// Its bytes.
    Here(Vec<u8>),
    /// The first page of a chain, and its length.
    Elsewhere {
        /// The page.
        page: u32,
        /// The length of all of it.
        len: u32,
    },
    /// Duplicates, which rpm never makes.
    Other(u8),
}

/// An item of a page.
pub(super) fn read(page: &Page, index: u16) -> Result<Item, DatabaseError> {
    let bytes = page.item(index)?;
    let parsed = match bytes.split_first() {
        Some((&HERE, rest)) => Some(Item::Here(rest.to_vec())),
        Some((&ELSEWHERE, _)) => {
            let order = page.order();
            order
                .u32(bytes, 4)
                .zip(order.u32(bytes, 8))
                .map(|(page, len)| Item::Elsewhere { page, len })
        }
        Some((&other, _)) => Some(Item::Other(other)),
        None => None,
    };
    parsed.ok_or_else(|| {
        let (number, item) = (page.number(), index);
        let rule = Corruption::ItemOutside { page: number, item };
        DatabaseError::corrupt(page.offset(), rule)
    })
}

/// A long item, read forward.
pub(super) struct Overflow<'p, 'a> {
    pages: &'p mut Pages<'a>,
    next: u32,
    from: u64,
}

impl<'p, 'a> Overflow<'p, 'a> {
    pub(super) fn new(pages: &'p mut Pages<'a>, first: u32, from: u64) -> Self {
        Self {
            pages,
            next: first,
            from,
        }
    }
}

impl Pieces for Overflow<'_, '_> {
    fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), DatabaseError> {
        piece.clear();
        while self.next != 0 && piece.is_empty() {
            let link = self.pages.link(self.next, self.from)?;
            self.pages.read(&link, piece)?;
            self.next = link.next;
        }
        Ok(())
    }

    fn skip(&mut self, _bytes: u64) -> Result<u64, DatabaseError> {
        // Each page says only itself how much it holds, and it is read for that.
        Ok(0)
    }
}
