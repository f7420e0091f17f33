//! The header of a cpio entry: six bytes of magic and thirteen hexadecimal fields.

use crate::Rule;

/// How long a header is.
pub(crate) const HEADER_BYTES: usize = 110;

/// The header's fields, with the names of `buffer-format.rst`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// Whether `chksum` holds (070702).
    pub(crate) has_checksum: bool,
    pub(crate) ino: u32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) nlink: u32,
    pub(crate) mtime: u32,
    pub(crate) filesize: u32,
    pub(crate) maj: u32,
    pub(crate) min: u32,
    pub(crate) rmaj: u32,
    pub(crate) rmin: u32,
    pub(crate) namesize: u32,
    pub(crate) chksum: u32,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Rule> {
        let (magic, mut fields) = bytes.split_at(6);
        let has_checksum = match magic {
            b"070701" => false,
            b"070702" => true,
            other => {
                return Err(Rule::NotNewc {
                    found: String::from_utf8_lossy(other).into_owned(),
                });
            }
        };
        let mut next = |field| {
            let (digits, rest) = fields
                .split_first_chunk::<8>()
                .ok_or(Rule::NotHexadecimal { field })?;
            fields = rest;
            hexadecimal(digits).ok_or(Rule::NotHexadecimal { field })
        };
        Ok(Self {
            has_checksum,
            ino: next("c_ino")?,
            mode: next("c_mode")?,
            uid: next("c_uid")?,
            gid: next("c_gid")?,
            nlink: next("c_nlink")?,
            mtime: next("c_mtime")?,
            filesize: next("c_filesize")?,
            maj: next("c_maj")?,
            min: next("c_min")?,
            rmaj: next("c_rmaj")?,
            rmin: next("c_rmin")?,
            namesize: next("c_namesize")?,
            chksum: next("c_chksum")?,
        })
    }
}

fn hexadecimal(digits: &[u8; 8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some((value << 4) | digit)
    })
}
