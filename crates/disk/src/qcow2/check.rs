//! Looking for broken rules in a qcow2 file.

use detente_block::{BlockRead, ReadError};

use super::header::Header;
use crate::CheckReport;

/// Looks at the header only, so far.
pub(crate) fn check(file: &dyn BlockRead, report: &mut CheckReport) -> Result<(), ReadError> {
    Header::read(file)?;
    report.complete = false;
    Ok(())
}
