//! Which sectors are read as the log has them.

use std::collections::BTreeMap;

use detente_block::{BlockRead, Window};

use super::Stop;
use super::ring::SECTOR;

/// The most that a log may change.
pub(super) const MAX_BYTES: usize = 32 * 1024 * 1024;

type Sector = Box<[u8; 512]>;

/// Changed sectors by number. Empty for a file system in order.
#[derive(Debug, Default)]
pub(in crate::xfs) struct Overlay(BTreeMap<u64, Sector>);

impl Overlay {
    pub(in crate::xfs) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the newer bytes into `buf`, which was read at byte `offset`. Says whether there were
    /// any.
    pub(in crate::xfs) fn patch(&self, offset: u64, buf: &mut [u8]) -> bool {
        let len = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        if self.0.is_empty() || len == 0 {
            return false;
        }
        let end = offset.saturating_add(len);
        let last = end.saturating_sub(1) / SECTOR;
        let mut any = false;
        for (number, sector) in self.0.range(offset / SECTOR..=last) {
            let start = number.saturating_mul(SECTOR);
            let (from, to) = (start.max(offset), start.saturating_add(SECTOR).min(end));
            let index = |byte: u64, base: u64| usize::try_from(byte.saturating_sub(base)).ok();
            let ranges = || {
                let target = index(from, offset)?..index(to, offset)?;
                Some((target, index(from, start)?..index(to, start)?))
            };
            let Some((target, source)) = ranges() else {
                continue;
            };
            if let (Some(target), Some(source)) = (buf.get_mut(target), sector.get(source)) {
                target.copy_from_slice(source);
                any = true;
            }
        }
        any
    }

    /// Reads `window` as it is with what was replayed so far.
    pub(super) fn read(&self, window: &Window, offset: u64, buf: &mut [u8]) -> Result<(), Stop> {
        window.read_exact_at(offset, buf)?;
        self.patch(offset, buf);
        Ok(())
    }

    /// Changes `bytes` from byte `offset` of `window` on.
    pub(super) fn write(&mut self, window: &Window, offset: u64, bytes: &[u8]) -> Result<(), Stop> {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let number = at / SECTOR;
            let within = usize::try_from(at % SECTOR).unwrap_or(0);
            let (now, later) = rest.split_at(rest.len().min(512_usize.saturating_sub(within)));
            let mut sector = match self.0.remove(&number) {
                Some(held) => held,
                None => self.fresh(window, number)?,
            };
            let end = within.saturating_add(now.len());
            if let Some(place) = sector.get_mut(within..end) {
                place.copy_from_slice(now);
            }
            self.0.insert(number, sector);
            at = at.saturating_add(u64::try_from(now.len()).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(())
    }

    fn fresh(&self, window: &Window, number: u64) -> Result<Sector, Stop> {
        if self.0.len().saturating_mul(512) >= MAX_BYTES {
            return Err(Stop::TooManyChanges);
        }
        let mut sector = Box::new([0; 512]);
        window.read_exact_at(number.saturating_mul(SECTOR), sector.as_mut_slice())?;
        Ok(sector)
    }
}
