//! What could not be read, as it is printed.

use detente_copy::ConvertReport;
use serde::Serialize;

/// A stretch of the disk that could not be read, and is zero in the new image.
#[derive(Serialize)]
pub(super) struct Lost {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) why: String,
}

/// All that was lost, in the disk's order.
pub(super) fn lost(report: &ConvertReport) -> Vec<Lost> {
    let lost = report.lost.iter().map(|range| Lost {
        offset: range.offset,
        length: range.len,
        why: range.why.clone(),
    });
    lost.collect()
}
