//! UNMAP: blocks that the guest needs no more, and that read as zero from then on.

use super::command::Blocks;
use super::fields::{be16, be32, be64};
use super::outcome::Outcome;
use super::sense::Sense;
use super::transfer::fitting;
use super::unit::Job;

/// How many ranges one command may name.
pub(super) const RANGE_LIMIT: u32 = 256;

/// How many bytes one command may unmap: 1 GiB.
pub(super) const LIMIT_BYTES: u32 = 1 << 30;

/// Bytes before the ranges, and in each.
const HEADER_BYTES: usize = 8;
const RANGE_BYTES: usize = 16;

impl Job<'_> {
    pub(super) fn unmap(&mut self, parameter_bytes: u32) -> Result<u32, Outcome> {
        self.may_write()?;
        if parameter_bytes == 0 {
            return Ok(0);
        }
        let len = fitting(u64::from(parameter_bytes), self.buffer.given())?;
        self.take(len)?;
        let ranges = ranges(self.scratch)?;
        let mut spans = Vec::with_capacity(ranges.len());
        let mut total = 0_u64;
        for blocks in ranges {
            let span = self.span(blocks)?;
            total = total.saturating_add(span.1);
            spans.push(span);
        }
        if total > u64::from(LIMIT_BYTES) {
            return Err(Sense::InvalidParameter.into());
        }
        // All are sound: only now is anything changed.
        for (offset, len) in spans {
            let zeroed = self.unit.disk.zero_at(offset, len);
            zeroed.map_err(|error| self.write_failed(&error))?;
        }
        Ok(len)
    }
}

/// The ranges of a parameter list.
fn ranges(list: &[u8]) -> Result<Vec<Blocks>, Sense> {
    let (_, rest) = list
        .split_at_checked(HEADER_BYTES)
        .ok_or(Sense::ParameterLength)?;
    let len = be16(list, 2).map_or(0, usize::from);
    let ranges = rest.get(..len).ok_or(Sense::ParameterLength)?;
    let limit = usize::try_from(RANGE_LIMIT).unwrap_or(usize::MAX);
    if ranges.len() / RANGE_BYTES > limit {
        return Err(Sense::InvalidParameter);
    }
    // What is left over at the end is no range (SBC-3, 5.28).
    let ranges = ranges.chunks_exact(RANGE_BYTES).map(|range| Blocks {
        first: be64(range, 0).unwrap_or(0),
        count: be32(range, 8).unwrap_or(0),
    });
    Ok(ranges.collect())
}
