//! Pages of Berkeley DB. \[BDB\] `PAGE`.

use crate::error::{Corruption, DatabaseError};
use crate::fields::array;
use crate::limits::Visited;
use crate::windows::Windows;

/// Bytes of a page's header; with checksums there are six more.
const HEADER_BYTES: u32 = 26;
const CHECKSUM_BYTES: u32 = 6;

/// Kinds of pages. \[BDB\] `P_HASH_UNSORTED`, `P_OVERFLOW`, `P_HASH`.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;
/// A bucket that nothing was ever put into is a page of zeros.
const NEVER_USED: u8 = 0;

/// The byte order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        array(bytes, at).map(match self {
            Self::Little => u32::from_le_bytes,
            Self::Big => u32::from_be_bytes,
        })
    }

    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        array(bytes, at).map(match self {
            Self::Little => u16::from_le_bytes,
            Self::Big => u16::from_be_bytes,
        })
    }
}

/// The pages of a file, each read once for its own sake.
pub(super) struct Pages<'a> {
    file: Windows<'a>,
    order: Order,
    page_bytes: u32,
    header_bytes: u32,
    visited: Visited,
}

/// A page of a bucket.
pub(super) struct Page {
    number: u32,
    offset: u64,
    order: Order,
    header_bytes: u32,
    bytes: Vec<u8>,
}

/// One page of a chain.
pub(super) struct Link {
    /// The page after it, or 0.
    pub(super) next: u32,
    /// Where its bytes begin in the file.
    pub(super) start: u64,
    /// How many there are.
    pub(super) len: u16,
}

impl<'a> Pages<'a> {
    pub(super) fn new(
        file: Windows<'a>,
        order: Order,
        page_bytes: u32,
        checksums: bool,
    ) -> Result<Self, DatabaseError> {
        let pages = file.len_bytes().checked_div(u64::from(page_bytes));
        let pages = u32::try_from(pages.unwrap_or(0)).unwrap_or(u32::MAX);
        let extra = if checksums { CHECKSUM_BYTES } else { 0 };
        Ok(Self {
            file,
            order,
            page_bytes,
            header_bytes: HEADER_BYTES.saturating_add(extra),
            visited: Visited::new(pages)?,
        })
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    fn offset(&self, number: u32) -> u64 {
        u64::from(number).saturating_mul(u64::from(self.page_bytes))
    }

    /// Reads a page of a bucket.
    pub(super) fn bucket(&mut self, number: u32) -> Result<Page, DatabaseError> {
        let offset = self.offset(number);
        self.visited.mark(number, offset)?;
        let mut bytes = vec![0; usize::try_from(self.page_bytes).unwrap_or(0)];
        self.file.read(offset, &mut bytes)?;
        let page = Page {
            number,
            offset,
            order: self.order,
            header_bytes: self.header_bytes,
            bytes,
        };
        match page.kind() {
            HASH | HASH_UNSORTED | NEVER_USED => Ok(page),
            found => Err(DatabaseError::corrupt(
                offset,
                Corruption::PageKind {
                    page: number,
                    found,
                    wanted: "a page of a hash",
                },
            )),
        }
    }

    /// Looks at a page of a chain that `from` points to.
    pub(super) fn link(&mut self, number: u32, from: u64) -> Result<Link, DatabaseError> {
        self.visited.mark(number, from)?;
        let offset = self.offset(number);
        let header: [u8; 26] = self.file.array(offset)?;
        let [.., found] = header;
        let len = self.order.u16(&header, 22).unwrap_or(0);
        if found != OVERFLOW {
            let rule = Corruption::PageKind {
                page: number,
                found,
                wanted: "an overflow page",
            };
            return Err(DatabaseError::corrupt(offset, rule));
        }
        if u32::from(len).saturating_add(self.header_bytes) > self.page_bytes {
            let (page, item) = (number, 0);
            let rule = Corruption::ItemOutside { page, item };
            return Err(DatabaseError::corrupt(offset, rule));
        }
        Ok(Link {
            next: self.order.u32(&header, 16).unwrap_or(0),
            start: offset.saturating_add(u64::from(self.header_bytes)),
            len,
        })
    }

    /// Reads the bytes of a link.
    pub(super) fn read(&mut self, link: &Link, buf: &mut Vec<u8>) -> Result<(), DatabaseError> {
        buf.resize(usize::from(link.len), 0);
        Ok(self.file.read(link.start, buf)?)
    }
}

impl Page {
    fn kind(&self) -> u8 {
        self.bytes.get(25).copied().unwrap_or(0)
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// The page that continues this bucket, or 0.
    pub(super) fn next(&self) -> u32 {
        self.order.u32(&self.bytes, 16).unwrap_or(0)
    }

    /// How many keys and values there are.
    pub(super) fn items(&self) -> u16 {
        self.order.u16(&self.bytes, 20).unwrap_or(0)
    }

    /// The bytes of an item: items are filled in from the end of the page, so that each ends where
    /// the one before it begins. \[BDB\] `LEN_HITEM`.
    pub(super) fn item(&self, index: u16) -> Result<&[u8], DatabaseError> {
        let found = self.start(index).and_then(|start| {
            let end = match index.checked_sub(1) {
                Some(before) => self.start(before)?,
                None => self.bytes.len(),
            };
            self.bytes.get(start..end)
        });
        found.ok_or_else(|| {
            let (page, item) = (self.number, index);
            DatabaseError::corrupt(self.offset, Corruption::ItemOutside { page, item })
        })
    }

    fn start(&self, index: u16) -> Option<usize> {
        let header = usize::try_from(self.header_bytes).ok()?;
        let at = usize::from(index).checked_mul(2)?.checked_add(header)?;
        self.order.u16(&self.bytes, at).map(usize::from)
    }
}
