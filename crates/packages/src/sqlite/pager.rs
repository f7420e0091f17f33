//! Pages of a database: those in the write-ahead log first, then the file's.

use detente_block::BlockRead;

use super::wal::Wal;
use crate::error::{Corruption, DatabaseError};
use crate::fields::{be16, be32};
use crate::limits::Visited;
use crate::windows::Windows;

/// \[SQLite\] 1.3: the header in front of page 1.
pub(super) const HEADER_BYTES: usize = 100;

/// A database whose pages can be read, each once for its own sake.
pub(super) struct Pager<'a> {
    file: Windows<'a>,
    log: Option<(Windows<'a>, Wal)>,
    page_bytes: u32,
    /// What pages keep free at their end. \[SQLite\] 1.3.4.
    reserved: u32,
    visited: Visited,
}

impl<'a> Pager<'a> {
    pub(super) fn open(
        file: &'a dyn BlockRead,
        log: Option<&'a dyn BlockRead>,
    ) -> Result<Self, DatabaseError> {
        let mut file = Windows::new(file);
        let header: [u8; HEADER_BYTES] = file.array(0).map_err(|error| match error {
            detente_block::ReadError::PastEnd { .. } => {
                DatabaseError::corrupt(0, Corruption::Truncated { part: "the header" })
            }
            error => error.into(),
        })?;
        // [SQLite] 1.3.2: 1 stands for 65536, which does not fit.
        let page_bytes = match be16(&header, 16) {
            Some(1) => 65_536,
            bytes => u32::from(bytes.unwrap_or(0)),
        };
        if !page_bytes.is_power_of_two() || page_bytes < 512 {
            let rule = Corruption::PageSize(u64::from(page_bytes));
            return Err(DatabaseError::corrupt(16, rule));
        }
        let reserved = u32::from(header.get(20).copied().unwrap_or(0));
        // [SQLite] 1.3.4: at least 480 bytes of a page are usable.
        if page_bytes.saturating_sub(reserved) < 480 {
            let rule = Corruption::PageSize(u64::from(page_bytes.saturating_sub(reserved)));
            return Err(DatabaseError::corrupt(20, rule));
        }
        let log = match log {
            Some(log) => {
                let mut log = Windows::new(log);
                Wal::read(&mut log, page_bytes)?.map(|wal| (log, wal))
            }
            None => None,
        };
        let pages = match &log {
            Some((_, wal)) => wal.pages(),
            None => pages_of_file(&file, &header, page_bytes),
        };
        Ok(Self {
            file,
            log,
            page_bytes,
            reserved,
            // Pages count from 1.
            visited: Visited::new(pages.saturating_add(1))?,
        })
    }

    /// Bytes of a page without what is reserved.
    pub(super) fn usable(&self) -> u32 {
        self.page_bytes.saturating_sub(self.reserved)
    }

    /// Where a page lies in the file, as a place to name in errors.
    pub(super) fn offset(&self, page: u32) -> u64 {
        u64::from(page.saturating_sub(1)).saturating_mul(u64::from(self.page_bytes))
    }

    /// Says that `page` is used, because of what stands at `offset`.
    pub(super) fn mark(&mut self, page: u32, offset: u64) -> Result<(), DatabaseError> {
        if page == 0 {
            let rule = Corruption::PageOutside { page, pages: 0 };
            return Err(DatabaseError::corrupt(offset, rule));
        }
        self.visited.mark(page, offset)
    }

    /// Fills `buf` from `at` in `page`.
    pub(super) fn read(&mut self, page: u32, at: u32, buf: &mut [u8]) -> Result<(), DatabaseError> {
        if let Some((log, wal)) = &mut self.log
            && let Some(frame) = wal.offset(page)
        {
            return Ok(log.read(frame.saturating_add(u64::from(at)), buf)?);
        }
        let offset = self.offset(page).saturating_add(u64::from(at));
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        if offset.saturating_add(wanted) > self.file.len_bytes() {
            let rule = Corruption::Truncated { part: "a page" };
            return Err(DatabaseError::corrupt(offset, rule));
        }
        Ok(self.file.read(offset, buf)?)
    }

    /// The usable bytes of a page.
    pub(super) fn whole(&mut self, page: u32) -> Result<Vec<u8>, DatabaseError> {
        let mut bytes = vec![0; usize::try_from(self.usable()).unwrap_or(0)];
        self.read(page, 0, &mut bytes)?;
        Ok(bytes)
    }
}

/// \[SQLite\] 1.3.7: the header's count of pages is good if it was written by the last change.
fn pages_of_file(file: &Windows<'_>, header: &[u8], page_bytes: u32) -> u32 {
    let counted = be32(header, 28).unwrap_or(0);
    if counted > 0 && be32(header, 24) == be32(header, 92) {
        return counted;
    }
    let pages = file.len_bytes().checked_div(u64::from(page_bytes));
    u32::try_from(pages.unwrap_or(0)).unwrap_or(u32::MAX)
}
