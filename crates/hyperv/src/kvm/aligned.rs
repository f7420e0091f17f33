//! Memory that starts where large pages do, so that the kernel can back the guest with them: with
//! small ones a guest is slow, above all one that is nested.

#![expect(unsafe_code, reason = "a part of a mapping is used as a mapping")]

use rustix::mm::{Advice, madvise};
use vm_memory::mmap::MmapRegionError;
use vm_memory::{GuestAddress, GuestMemoryMmap, GuestRegionMmap, MmapRegion};

use super::error::KvmError;
use crate::memory_map::Span;

/// The size of a large page, and what its address is a multiple of.
const LARGE: usize = 2 << 20;

/// The guest's memory, and the mappings that it is part of.
#[derive(Debug)]
pub(super) struct Backing {
    // Dropped before the mappings that it points into.
    map: GuestMemoryMmap,
    _wholes: Vec<MmapRegion>,
}

impl Backing {
    /// Memory at these addresses, all zero.
    pub(super) fn new(spans: &[Span]) -> Result<Self, KvmError> {
        let mut regions = Vec::new();
        let mut wholes = Vec::new();
        for span in spans {
            let failed = |why: String| KvmError::Memory {
                bytes: span.len,
                why,
            };
            let (whole, part) = map(span).map_err(|error| failed(error.to_string()))?;
            let region = GuestRegionMmap::new(part, GuestAddress(span.start));
            regions.push(region.ok_or_else(|| failed("its addresses have no end".to_owned()))?);
            wholes.push(whole);
        }
        let map = GuestMemoryMmap::from_regions(regions).map_err(|error| KvmError::Memory {
            bytes: spans.iter().map(|span| span.len).sum(),
            why: error.to_string(),
        })?;
        Ok(Self {
            map,
            _wholes: wholes,
        })
    }

    /// The memory. Who has it may not take a region's mapping out of it and keep that.
    pub(super) fn map(&self) -> &GuestMemoryMmap {
        &self.map
    }
}

/// A mapping that is longer than the span by a large page, and the part of it that is aligned.
fn map(span: &Span) -> Result<(MmapRegion, MmapRegion), MmapRegionError> {
    let len = usize::try_from(span.len).unwrap_or(usize::MAX);
    let whole: MmapRegion = MmapRegion::new(len.saturating_add(LARGE))?;
    let address = whole.as_ptr().addr();
    let start = whole
        .as_ptr()
        .wrapping_add(address.next_multiple_of(LARGE).wrapping_sub(address));
    // SAFETY: `start` is at most `LARGE` - 1 bytes behind the start of `whole`, which is `LARGE`
    // bytes longer than `len`; and `Backing` keeps `whole` until the part is gone.
    let part = unsafe { MmapRegion::build_raw(start, len, whole.prot(), whole.flags()) }?;
    // SAFETY: the range is part of `whole`, which nobody uses yet, and the advice changes no byte.
    let advised = unsafe { madvise(start.cast(), len, Advice::LinuxHugepage) };
    // A kernel without large pages does without them.
    let _ = advised;
    Ok((whole, part))
}
