//! Looking for broken rules in a VMDK file.
//!
//! Memory: a bit for each sector of the file, 64 MiB at most; what lies behind 256 GiB of file is not
//! looked at for overlaps, and the report then says that it is not complete.

use detente_block::{BlockRead, ReadError};

use super::SECTOR;
use super::check_grains::check_grains;
use super::cowd;
use super::descriptor::{Descriptor, MAX_BYTES};
use super::field::read;
use super::hosted::{Hosted, at};
use super::open::{COWD_MAGIC, HOSTED_MAGIC, embedded};
use crate::finding::{CheckReport, broken, note};

const HEADER: &str = "[VMDK] Hosted Sparse Extents";
const DESCRIPTOR: &str = "[VMDK] The Descriptor File";
/// \[VMDK\] `singleEndLineChar` and so on: what a transfer as text would change.
const LINE_CHARACTERS: [u8; 4] = *b"\n \r\n";
const LINE_TEST: u32 = 1;

/// Adds the error as a finding, where it is the bytes that are wrong.
pub(super) fn add_error(
    report: &mut CheckReport,
    error: ReadError,
    rule: &'static str,
    section: &'static str,
) -> Result<(), ReadError> {
    match error {
        ReadError::Corrupt { offset, rule: what } => {
            report.add(broken(rule, offset, what, section))
        }
        ReadError::Unsupported { offset, what } => {
            report.complete = false;
            report.add(note(
                rule,
                offset,
                format!("not supported: {what}"),
                section,
            ));
        }
        other => return Err(other),
    }
    Ok(())
}

/// Looks at the header, the descriptor, every grain table and every grain of the file itself;
/// extents in other files are not opened.
pub(crate) fn check(file: &dyn BlockRead, report: &mut CheckReport) -> Result<(), ReadError> {
    let len = file.len_bytes();
    let magic = read(file, 0, len.min(4), "header")?;
    if magic == HOSTED_MAGIC {
        check_hosted(file, report)
    } else if magic == COWD_MAGIC {
        match cowd::shape(file) {
            Ok(shape) => check_grains(file, &shape, SECTOR, report),
            Err(error) => {
                report.complete = false;
                add_error(
                    report,
                    error,
                    "vmdk.cowd.header",
                    "[VMDK] ESXi Host Sparse Extents",
                )
            }
        }
    } else {
        report.image_end = len;
        let text = read(file, 0, len.min(MAX_BYTES), "descriptor")?;
        match Descriptor::parse(&text, 0) {
            Ok(descriptor) => check_descriptor(&descriptor, report),
            Err(error) => {
                report.complete = false;
                add_error(report, error, "vmdk.descriptor", DESCRIPTOR)?;
            }
        }
        Ok(())
    }
}

fn check_descriptor(descriptor: &Descriptor, report: &mut CheckReport) {
    if descriptor.extents.is_empty() {
        report.complete = false;
        let what = "the descriptor names no extents".to_owned();
        report.add(broken(
            "vmdk.descriptor.extents",
            descriptor.at,
            what,
            DESCRIPTOR,
        ));
    } else if descriptor
        .extents
        .iter()
        .any(|extent| !extent.name.is_empty())
    {
        report.complete = false;
        let what = format!(
            "the {} extents, in files of their own, were not looked at",
            descriptor.extents.len()
        );
        report.add(note("vmdk.extents", descriptor.at, what, DESCRIPTOR));
    }
    check_ids(descriptor, report);
}

fn check_ids(descriptor: &Descriptor, report: &mut CheckReport) {
    // An extent of a disk of several files has room for a descriptor, and leaves it empty.
    let empty = Descriptor {
        at: descriptor.at,
        ..Descriptor::default()
    };
    if *descriptor == empty {
        return;
    }
    if descriptor.content_id.is_none() {
        let what = "the descriptor has no CID".to_owned();
        report.add(broken(
            "vmdk.descriptor.cid",
            descriptor.at,
            what,
            DESCRIPTOR,
        ));
    }
    if descriptor.create_type.is_none() {
        let what = "the descriptor has no createType".to_owned();
        report.add(broken(
            "vmdk.descriptor.create-type",
            descriptor.at,
            what,
            DESCRIPTOR,
        ));
    }
    if descriptor.parent_content_id.is_some() && descriptor.parent_name.is_none() {
        let what = "there is a parentCID, but no parentFileNameHint".to_owned();
        report.add(broken(
            "vmdk.descriptor.parent",
            descriptor.at,
            what,
            DESCRIPTOR,
        ));
    }
}

fn check_hosted(file: &dyn BlockRead, report: &mut CheckReport) -> Result<(), ReadError> {
    let header = match Hosted::read(file) {
        Ok(header) => header,
        Err(error) => {
            report.complete = false;
            return add_error(report, error, "vmdk.header", HEADER);
        }
    };
    check_header(&header, report);
    match embedded(file, &header) {
        Ok(descriptor) if header.descriptor_offset != 0 => {
            check_ids(&descriptor, report);
            check_capacity(&header, &descriptor, report);
        }
        Ok(_none) => {}
        Err(error) => add_error(report, error, "vmdk.descriptor", DESCRIPTOR)?,
    }
    match header.shape() {
        Ok(shape) => {
            let end = header.over_head.saturating_mul(SECTOR);
            if end > file.len_bytes() {
                let what = format!("the metadata ends at {end:#x}, past the end of the file");
                report.add(broken(
                    "vmdk.header.over-head",
                    header.place(at::OVER_HEAD),
                    what,
                    HEADER,
                ));
                return check_grains(file, &shape, SECTOR, report);
            }
            // In a stream, tables and grains take turns from the header on.
            let over_head = if header.compressed { SECTOR } else { end };
            check_grains(file, &shape, over_head, report)
        }
        Err(error) => {
            report.complete = false;
            add_error(report, error, "vmdk.header", HEADER)
        }
    }
}

fn check_header(header: &Hosted, report: &mut CheckReport) {
    if header.unclean_shutdown {
        let what = "the extent was not closed".to_owned();
        report.add(note(
            "vmdk.header.unclean",
            header.place(at::UNCLEAN_SHUTDOWN),
            what,
            HEADER,
        ));
    }
    if header.flags & LINE_TEST != 0 && header.line_characters != LINE_CHARACTERS {
        let what = format!(
            "the line ends are {:02x?}: the file was transferred as text",
            header.line_characters
        );
        report.add(broken(
            "vmdk.header.text",
            header.place(at::LINE_CHARACTERS),
            what,
            HEADER,
        ));
    }
}

fn check_capacity(header: &Hosted, descriptor: &Descriptor, report: &mut CheckReport) {
    let [extent] = &descriptor.extents[..] else {
        return;
    };
    if extent.sectors != header.capacity && header.capacity != 0 {
        let what = format!(
            "the descriptor says {} sectors, the header {}",
            extent.sectors, header.capacity
        );
        report.add(broken(
            "vmdk.capacity",
            header.place(at::CAPACITY),
            what,
            HEADER,
        ));
    }
}
