//! Looking for broken rules in an image's own file.

use detente_block::{BlockRead, ReadError};

use crate::probe::probe;
use crate::{CheckReport, Format, qcow2, vhd, vhdx, vmdk};

/// Looks for broken rules in `file`, whose format is probed. Files that it names are not opened.
///
/// # Errors
/// [`ReadError`] when the storage failed, or the file is of a format or variant that is not checked.
/// What is wrong with the bytes is a finding, not an error.
pub fn check(file: &dyn BlockRead) -> Result<CheckReport, ReadError> {
    check_as(file, probe(file)?)
}

/// Looks for broken rules in `file`, which is of this format.
///
/// # Errors
/// As [`check`].
pub fn check_as(file: &dyn BlockRead, format: Format) -> Result<CheckReport, ReadError> {
    let mut report = CheckReport::new(format);
    match format {
        // Every sequence of bytes is a raw disk.
        Format::Raw => raw(file, &mut report),
        Format::Qcow2 => qcow2::check(file, &mut report)?,
        Format::Vhd => vhd::check(file, &mut report)?,
        Format::Vhdx => vhdx::check(file, &mut report)?,
        Format::Vmdk => vmdk::check(file, &mut report)?,
    }
    Ok(report)
}

/// All of it is used.
fn raw(file: &dyn BlockRead, report: &mut CheckReport) {
    report.image_end = file.len_bytes();
    report.units = report.image_end;
    report.allocated_units = report.image_end;
}

#[cfg(test)]
mod tests {
    use super::*;
    use detente_block::MemoryBackend;

    #[test]
    fn a_raw_disk_breaks_no_rule() {
        let report = check(&MemoryBackend::new(vec![1; 4096])).unwrap();
        assert_eq!(report.format, Format::Raw);
        assert!(report.complete && report.findings.is_empty());
        assert_eq!(report.image_end, 4096);
    }

    #[test]
    fn an_empty_file_is_no_image() {
        assert!(check(&MemoryBackend::new(Vec::new())).is_err());
    }
}
