//! A small cache in front of a volume: metadata is read in many tiny pieces.

use std::sync::{Arc, Mutex, PoisonError};

use detente_block::{BlockRead, ReadError, Window};

/// Large enough that neighbouring inodes and directory entries come in one read.
const PAGE_BYTES: u64 = 16 * 1024;
/// How many pages are held: 4 MiB at most.
const SLOTS: u64 = 256;

/// One page and its number.
type Slot = Option<(u64, Arc<[u8]>)>;

/// A volume with a cache of bounded size: a page has one slot where it can stand.
pub(crate) struct Pages {
    window: Window,
    slots: Mutex<Vec<Slot>>,
}

impl Pages {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            slots: Mutex::new((0..SLOTS).map(|_| None).collect()),
        }
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        self.window.len_bytes()
    }

    /// Fills `buf`; long reads go past the cache.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        if wanted >= PAGE_BYTES {
            return self.window.read_exact_at(offset, buf);
        }
        let past = || ReadError::PastEnd {
            offset,
            wanted,
            end: self.len_bytes(),
        };
        let end = offset.checked_add(wanted).ok_or_else(past)?;
        if end > self.len_bytes() {
            return Err(past());
        }
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let number = at.checked_div(PAGE_BYTES).unwrap_or(0);
            let page = self.page(number)?;
            let within = usize::try_from(at.checked_rem(PAGE_BYTES).unwrap_or(0)).unwrap_or(0);
            let source = page.get(within..).unwrap_or_default();
            let count = source.len().min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(source.get(..count).ok_or_else(past)?);
            if count == 0 {
                return Err(past());
            }
            at = at.saturating_add(u64::try_from(count).unwrap_or(0));
            rest = later;
        }
        Ok(())
    }

    /// The page `number`; the last one of a volume may be short.
    fn page(&self, number: u64) -> Result<Arc<[u8]>, ReadError> {
        let slot = usize::try_from(number.checked_rem(SLOTS).unwrap_or(0)).unwrap_or(0);
        let lock = || self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some((held, page))) = lock().get(slot)
            && *held == number
        {
            return Ok(page.clone());
        }
        // The lock is free while we read: two threads may read the same page, which does no harm.
        let start = number.saturating_mul(PAGE_BYTES);
        let len = self.len_bytes().saturating_sub(start).min(PAGE_BYTES);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.window.read_exact_at(start, &mut bytes)?;
        let page: Arc<[u8]> = bytes.into();
        if let Some(place) = lock().get_mut(slot) {
            *place = Some((number, page.clone()));
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use detente_block::MemoryBackend;

    use super::*;

    #[test]
    fn reads_equal_the_source_over_page_borders_and_at_the_short_end() {
        let bytes: Vec<u8> = (0..40_001u32)
            .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
            .collect();
        let len = bytes.len() as u64;
        let window = Window::new(Arc::new(MemoryBackend::new(bytes.clone())), 0, len).unwrap();
        let pages = Pages::new(window);
        for (at, count) in [
            (0, 1),
            (16_380, 8),
            (39_990, 11),
            (0, 40_001),
            (16_384, 16_384),
        ] {
            let mut buf = vec![0; count];
            pages.read(at as u64, &mut buf).unwrap();
            assert_eq!(buf, bytes[at..at + count], "{count} bytes at {at}");
        }
        assert!(pages.read(39_999, &mut [0; 3]).is_err());
    }
}
