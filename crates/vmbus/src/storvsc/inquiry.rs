//! INQUIRY: what the unit is.

use super::command::InquiryPage;
use super::medium::Access;
use super::sense::Sense;
use super::unit::Unit;
use super::{unmap, write_same};

/// As disks of Hyper-V call themselves; Linux looks for this vendor.
const VENDOR: &[u8; 8] = b"Msft    ";
const PRODUCT: &[u8; 16] = b"Virtual Disk    ";
const REVISION: &[u8; 4] = b"1.0 ";

/// No unit can be here: peripheral qualifier 3, type 1Fh.
const NO_UNIT: u8 = 0x7f;

/// Microsoft's registered name (00-22-48) in a name of NAA type 6, as these disks have it.
const NAA_PREFIX: [u8; 4] = [0x60, 0x02, 0x24, 0x80];

/// Page and designator codes of SPC-4, 7.8.
const SUPPORTED: u8 = 0x00;
const SERIAL: u8 = 0x80;
const IDENTIFICATION: u8 = 0x83;
const LIMITS: u8 = 0xb0;
const CHARACTERISTICS: u8 = 0xb1;
const PROVISIONING: u8 = 0xb2;
const PAGES: [u8; 6] = [
    SUPPORTED,
    SERIAL,
    IDENTIFICATION,
    LIMITS,
    CHARACTERISTICS,
    PROVISIONING,
];

/// The data about a unit.
pub(super) fn data(unit: &Unit, page: InquiryPage) -> Result<Vec<u8>, Sense> {
    match page {
        InquiryPage::Standard => Ok(standard(0)),
        InquiryPage::Vital(code) => vital(unit, code),
    }
}

/// The data about a unit that is not there. To refuse would not do: hv_storvsc takes any answer to
/// INQUIRY for success, and would find a disk.
pub(super) fn absent(page: InquiryPage) -> Result<Vec<u8>, Sense> {
    match page {
        InquiryPage::Standard => Ok(standard(NO_UNIT)),
        InquiryPage::Vital(_) => Err(Sense::InvalidField),
    }
}

fn standard(kind: u8) -> Vec<u8> {
    // SPC-3, response format 2, 31 more bytes; commands may be queued.
    let mut data = vec![kind, 0, 5, 2, 31, 0, 0, 2];
    data.extend_from_slice(VENDOR);
    data.extend_from_slice(PRODUCT);
    data.extend_from_slice(REVISION);
    data
}

fn vital(unit: &Unit, code: u8) -> Result<Vec<u8>, Sense> {
    let content = match code {
        SUPPORTED => PAGES.to_vec(),
        SERIAL => unit.serial.as_str().as_bytes().to_vec(),
        IDENTIFICATION => identification(unit),
        LIMITS => limits(unit),
        CHARACTERISTICS => characteristics(),
        PROVISIONING => provisioning(unit),
        _ => return Err(Sense::InvalidField),
    };
    // Each page is far shorter than 255 bytes.
    let len = u8::try_from(content.len()).unwrap_or(u8::MAX);
    let mut page = vec![0, code, 0, len];
    page.extend(content);
    Ok(page)
}

/// Two names: vendor and serial number, and one of 16 bytes that udev prefers.
fn identification(unit: &Unit) -> Vec<u8> {
    let serial = unit.serial.as_str().as_bytes();
    let mut page = Vec::new();
    // ASCII, T10 vendor identification; at most 8 + 32 bytes.
    let len = VENDOR.len().saturating_add(serial.len());
    page.extend([0x02, 0x01, 0, u8::try_from(len).unwrap_or(u8::MAX)]);
    page.extend(VENDOR);
    page.extend(serial);
    // Binary, NAA.
    page.extend([0x01, 0x03, 0, 16]);
    page.extend(NAA_PREFIX);
    page.extend(unit.serial.digest());
    page
}

fn limits(unit: &Unit) -> Vec<u8> {
    let sector = unit.sector.bytes();
    let blocks = |bytes: u32| bytes.checked_div(sector).unwrap_or(0);
    let physical = unit.sector.in_physical();
    // WRITE SAME of no blocks is refused; no COMPARE AND WRITE.
    let mut page = vec![1, 0];
    page.extend(u16::try_from(physical).unwrap_or(1).to_be_bytes());
    page.extend(blocks(super::MAX_TRANSFER_BYTES).to_be_bytes());
    // No best length, no prefetch.
    page.extend([0; 8]);
    match unit.access {
        Access::ReadWrite => {
            page.extend(blocks(unmap::LIMIT_BYTES).to_be_bytes());
            page.extend(unmap::RANGE_LIMIT.to_be_bytes());
            page.extend(physical.to_be_bytes());
            // The alignment is valid, and 0.
            page.extend([0x80, 0, 0, 0]);
            page.extend(u64::from(blocks(write_same::LIMIT_BYTES)).to_be_bytes());
        }
        Access::ReadOnly => page.extend([0; 24]),
    }
    page.resize(0x3c, 0);
    page
}

fn characteristics() -> Vec<u8> {
    // Nothing turns, as far as anybody can tell: the rate is not reported.
    vec![0; 0x3c]
}

fn provisioning(unit: &Unit) -> Vec<u8> {
    match unit.access {
        // UNMAP and both WRITE SAME unmap, unmapped blocks read as zero; thin.
        Access::ReadWrite => vec![0, 0xe4, 2, 0],
        Access::ReadOnly => vec![0; 4],
    }
}
