//! The bytes of a file.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::chain::Run;
use super::volume::FatVolume;

/// A file whose clusters are all known.
pub(super) struct FatFile {
    pub(super) volume: Arc<FatVolume>,
    pub(super) runs: Vec<Run>,
    pub(super) len: u64,
}

impl FatFile {
    /// Where byte `at` of the file is on the volume, and how many bytes follow it there.
    fn place(&self, at: u64) -> Option<(u64, u64)> {
        let boot = &self.volume.boot;
        let index = u32::try_from(at.checked_div(boot.cluster_bytes)?).ok()?;
        let after = self.runs.partition_point(|run| run.index <= index);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let start = u64::from(run.index).checked_mul(boot.cluster_bytes)?;
        let len = u64::from(run.count).checked_mul(boot.cluster_bytes)?;
        let within = at.checked_sub(start).filter(|&within| within < len)?;
        let offset = boot.cluster_offset(run.cluster)?.checked_add(within)?;
        Some((offset, len.checked_sub(within)?))
    }
}

impl BlockRead for FatFile {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(ReadError::PastEnd {
                offset,
                wanted,
                end: self.len,
            });
        }
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let short = || ReadError::Corrupt {
                offset: at,
                rule: "a file's chain is too short".into(),
            };
            let (place, there) = self.place(at).ok_or_else(short)?;
            let count = usize::try_from(there).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            self.volume.pages.read(place, now)?;
            at = at.saturating_add(u64::try_from(count).unwrap_or(0));
            rest = later;
        }
        Ok(())
    }
}
