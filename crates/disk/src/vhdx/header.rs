//! The two headers, of which the newer valid one counts. \[MS-VHDX\] 2.2.2.

use detente_block::BlockRead;

use super::fault::{Fault, Rule, read_bytes, unsupported};
use super::field::{MIB, checksum, guid_at, put, u16_at, u32_at, u64_at};
use crate::guid::Guid;

/// Where they stand.
pub(super) const PLACES: [u64; 2] = [64 << 10, 128 << 10];
/// What a header takes, and its checksum covers.
const LEN: u64 = 4096;

const SIGNATURE: Rule = Rule::new("vhdx.header.signature", "[MS-VHDX] 2.2.2");
const CHECKSUM: Rule = Rule::new("vhdx.header.checksum", "[MS-VHDX] 2.2.2");
const CURRENT: Rule = Rule::new("vhdx.header.current", "[MS-VHDX] 2.2.2");
const LOG_PLACE: Rule = Rule::new("vhdx.header.log-place", "[MS-VHDX] 2.2.2");

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sequence_number: u64,
    pub(super) file_write_guid: Guid,
    pub(super) data_write_guid: Guid,
    pub(super) log_guid: Guid,
    pub(super) log_version: u16,
    pub(super) version: u16,
    pub(super) log_length: u32,
    pub(super) log_offset: u64,
}

impl Header {
    /// The header at `place`, if it is valid.
    pub(super) fn read(file: &dyn BlockRead, place: u64) -> Result<Self, Fault> {
        let bytes = read_bytes(file, place, LEN, "header")?;
        if !bytes.starts_with(b"head") {
            return Err(SIGNATURE.broken(place, "the header does not begin with head"));
        }
        let (stated, computed) = (u32_at(&bytes, 4), checksum(&bytes, 4));
        if stated != computed {
            let what = format!("the header's checksum is {stated:#x} instead of {computed:#x}");
            return Err(CHECKSUM.broken(place, what));
        }
        Ok(Self {
            sequence_number: u64_at(&bytes, 8),
            file_write_guid: guid_at(&bytes, 16),
            data_write_guid: guid_at(&bytes, 32),
            log_guid: guid_at(&bytes, 48),
            log_version: u16_at(&bytes, 64),
            version: u16_at(&bytes, 66),
            log_length: u32_at(&bytes, 68),
            log_offset: u64_at(&bytes, 72),
        })
    }

    /// The current one, and where it stands: after a torn write one may be invalid.
    pub(super) fn current(file: &dyn BlockRead) -> Result<(Self, u64), Fault> {
        let [first, second] = PLACES;
        match (Self::read(file, first), Self::read(file, second)) {
            (Ok(one), Ok(two)) => newer((one, first), (two, second)),
            (Ok(one), Err(Fault::Broken(_))) => Ok((one, first)),
            (Err(Fault::Broken(_)), Ok(two)) => Ok((two, second)),
            (Err(Fault::Broken(one)), Err(Fault::Broken(two))) => {
                let what = format!("neither header is valid: {}; {}", one.what, two.what);
                Err(CURRENT.broken(first, what))
            }
            (Err(fault), Ok(_) | Err(_)) | (Ok(_), Err(fault)) => Err(fault),
        }
    }

    /// Holds it against what the specification and this reader allow.
    pub(super) fn validate(&self, place: u64, file_len: u64) -> Result<(), Fault> {
        if self.version != 1 {
            let what = format!("VHDX format version {}; 1 is read", self.version);
            return Err(unsupported(place.saturating_add(66), what));
        }
        if self.log_version != 0 && self.log_guid != Guid::ZERO {
            let what = format!("a VHDX log of version {}; 0 is read", self.log_version);
            return Err(unsupported(place.saturating_add(64), what));
        }
        let length = u64::from(self.log_length);
        let aligned = length.is_multiple_of(MIB) && self.log_offset.is_multiple_of(MIB);
        let end = self.log_offset.checked_add(length);
        if !aligned || (length > 0 && self.log_offset < MIB) || end.is_none_or(|end| end > file_len)
        {
            let what = format!(
                "the log at {:#x} of {length:#x} bytes is not a stretch of whole mebibytes behind \
                 the header and inside the file of {file_len:#x} bytes",
                self.log_offset
            );
            return Err(LOG_PLACE.broken(place.saturating_add(68), what));
        }
        Ok(())
    }

    /// Its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        put(&mut bytes, 0, b"head");
        put(&mut bytes, 8, &self.sequence_number.to_le_bytes());
        put(&mut bytes, 16, &self.file_write_guid.0);
        put(&mut bytes, 32, &self.data_write_guid.0);
        put(&mut bytes, 48, &self.log_guid.0);
        put(&mut bytes, 64, &self.log_version.to_le_bytes());
        put(&mut bytes, 66, &self.version.to_le_bytes());
        put(&mut bytes, 68, &self.log_length.to_le_bytes());
        put(&mut bytes, 72, &self.log_offset.to_le_bytes());
        let sum = checksum(&bytes, 4);
        put(&mut bytes, 4, &sum.to_le_bytes());
        bytes
    }
}

fn newer(one: (Header, u64), two: (Header, u64)) -> Result<(Header, u64), Fault> {
    let (first, second) = (one.0.sequence_number, two.0.sequence_number);
    if first == second && one.0 != two.0 {
        let what = format!("both headers have sequence number {first}, and they differ");
        return Err(CURRENT.broken(one.1, what));
    }
    Ok(if second > first { two } else { one })
}
