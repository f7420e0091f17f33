//! Looking for broken rules in a VHD file.
//!
//! Memory: 16 bytes for each block that is in the file, which is 16 MiB for 2040 GiB in blocks of 2
//! MiB; of files with more than four million blocks, the first four million are looked at.

use detente_block::{BlockRead, ReadError};

use super::bat::Bat;
use super::check_blocks::check_blocks;
use super::footer::{self, Footer, FoundFooter, MAX_BYTES, NO_OFFSET, VERSION, VhdDiskType, at};
use super::header::Header;
use super::parent::VhdParent;
use crate::finding::{CheckReport, Finding, broken, note};

/// The same error as a finding, where it is the bytes that are wrong.
fn as_finding(
    error: ReadError,
    rule: &'static str,
    section: &'static str,
) -> Result<Finding, ReadError> {
    match error {
        ReadError::Corrupt { offset, rule: what } => Ok(broken(rule, offset, what, section)),
        ReadError::Unsupported { offset, what } => {
            let what = format!("not supported: {what}");
            Ok(broken(rule, offset, what, section))
        }
        other => Err(other),
    }
}

/// Looks at the footers, the dynamic disk header, the parent's names and every block.
pub(crate) fn check(file: &dyn BlockRead, report: &mut CheckReport) -> Result<(), ReadError> {
    let found = match footer::find(file) {
        Ok(found) => found,
        Err(error) => {
            report.complete = false;
            report.add(as_finding(
                error,
                "vhd.footer.none",
                "[VHD] Hard Disk Footer Format",
            )?);
            return Ok(());
        }
    };
    check_footers(file, &found, report)?;
    check_footer(&found, report);
    let size = found.footer.virtual_size();
    match found.footer.disk_type {
        VhdDiskType::Fixed => {
            check_fixed(&found, report);
            report.units = size;
            report.allocated_units = size;
            report.image_end = file.len_bytes();
        }
        VhdDiskType::Dynamic | VhdDiskType::Differencing => check_sparse(file, &found, report)?,
    }
    Ok(())
}

/// Both copies are there, sound and alike.
fn check_footers(
    file: &dyn BlockRead,
    found: &FoundFooter,
    report: &mut CheckReport,
) -> Result<(), ReadError> {
    const SECTION: &str = "[VHD] Dynamic Disk Overview";
    let end = footer::end_footer(file)?;
    match end {
        None => report.add(broken(
            "vhd.footer.end-missing",
            file.len_bytes().saturating_sub(footer::FOOTER_BYTES),
            "there is no footer at the end of the file".to_owned(),
            SECTION,
        )),
        Some(at) if at != found.at => {
            let bytes = footer::read_footer(file, at)?;
            if let Err(error) = Footer::parse(&bytes, at) {
                report.add(as_finding(error, "vhd.footer.end", SECTION)?);
            }
        }
        Some(_) => {}
    }
    if found.footer.disk_type == VhdDiskType::Fixed || found.at == 0 {
        return Ok(());
    }
    let bytes = footer::read_footer(file, 0)?;
    match Footer::parse(&bytes, 0) {
        Err(error) => report.add(as_finding(error, "vhd.footer.copy", SECTION)?),
        Ok(copy) if copy != found.footer => report.add(broken(
            "vhd.footer.differ",
            0,
            format!(
                "the footer at {:#x} and its copy at the start differ",
                found.at
            ),
            SECTION,
        )),
        Ok(_) => {}
    }
    Ok(())
}

/// The fields of the footer that readers can do without.
fn check_footer(found: &FoundFooter, report: &mut CheckReport) {
    const SECTION: &str = "[VHD] Hard Disk Footer Format";
    let footer = &found.footer;
    if footer.features & footer::FEATURE_RESERVED == 0 {
        report.add(note(
            "vhd.footer.features",
            found.place(at::FEATURES),
            format!(
                "features are {:#x}: the reserved bit 1 is not set",
                footer.features
            ),
            SECTION,
        ));
    }
    if footer.version != VERSION {
        report.add(note(
            "vhd.footer.version",
            found.place(at::VERSION),
            format!(
                "the version is {:#010x}, not {VERSION:#010x}",
                footer.version
            ),
            SECTION,
        ));
    }
    let size = footer.virtual_size();
    if size > MAX_BYTES {
        report.add(broken(
            "vhd.footer.size",
            found.place(at::CURRENT_SIZE),
            format!("a disk of {size} bytes is larger than 2040 GiB"),
            SECTION,
        ));
    }
    if !footer.current_size.is_multiple_of(512) {
        report.add(broken(
            "vhd.footer.sectors",
            found.place(at::CURRENT_SIZE),
            format!(
                "the current size {} is no number of whole sectors",
                footer.current_size
            ),
            SECTION,
        ));
    }
    let by_geometry = footer.geometry.sectors().saturating_mul(512);
    // The largest one says "more than I can": QEMU writes it to make readers take the current size
    // (`force_size`), whatever that is.
    if by_geometry > footer.current_size && !footer.geometry.is_largest() {
        report.add(broken(
            "vhd.footer.geometry",
            found.place(at::GEOMETRY),
            format!(
                "the geometry says {by_geometry} bytes, more than the current size of {}",
                footer.current_size
            ),
            "[VHD] Appendix: CHS Calculation",
        ));
    }
}

fn check_fixed(found: &FoundFooter, report: &mut CheckReport) {
    const SECTION: &str = "[VHD] Fixed Hard Disk Image";
    let footer = &found.footer;
    if footer.data_offset != NO_OFFSET {
        report.add(note(
            "vhd.footer.data-offset",
            found.place(at::DATA_OFFSET),
            format!("a fixed disk's data offset is {:#x}", footer.data_offset),
            "[VHD] Hard Disk Footer Format",
        ));
    }
    if footer.virtual_size() > found.data_end {
        report.add(broken(
            "vhd.fixed.short",
            found.place(at::CURRENT_SIZE),
            format!(
                "the disk of {} bytes has only {} before its footer",
                footer.virtual_size(),
                found.data_end
            ),
            SECTION,
        ));
    } else if footer.current_size != found.data_end {
        report.add(note(
            "vhd.fixed.size",
            found.place(at::CURRENT_SIZE),
            format!(
                "the current size is {}, {} bytes lie before the footer",
                footer.current_size, found.data_end
            ),
            SECTION,
        ));
    }
}

fn check_sparse(
    file: &dyn BlockRead,
    found: &FoundFooter,
    report: &mut CheckReport,
) -> Result<(), ReadError> {
    const SECTION: &str = "[VHD] Dynamic Disk Header Format";
    let header = match Header::read(file, found) {
        Ok(header) => header,
        Err(error) => {
            report.complete = false;
            report.add(as_finding(error, "vhd.header", SECTION)?);
            return Ok(());
        }
    };
    let size = found.footer.virtual_size();
    let blocks = size.div_ceil(u64::from(header.block_size).max(1));
    if u64::from(header.max_table_entries) != blocks {
        report.add(note(
            "vhd.header.entries",
            header.place(super::header::at::MAX_TABLE_ENTRIES),
            format!(
                "the table has {} entries, the disk {blocks} blocks",
                header.max_table_entries
            ),
            SECTION,
        ));
    }
    if found.footer.disk_type == VhdDiskType::Differencing
        && let Err(error) = VhdParent::read(file, &header)
    {
        const SECTION: &str = "[VHD] Parent Locator Entry";
        report.add(as_finding(error, "vhd.parent", SECTION)?);
    }
    report.units = blocks;
    let bat = Bat::new(header, found.data_end);
    check_blocks(file, &bat, found, report)
}
