//! The names of a differencing disk's parent.

use detente_block::{BlockRead, ReadError};

use super::corrupt;
use super::field::read_bytes;
use super::header::{Header, Locator, at};
use crate::Format;
use crate::layer::{Identity, ParentRef};

/// The longest path of Windows, in bytes of UTF-16.
const MAX_NAME_BYTES: u32 = 65_536;

/// What a differencing disk says of its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdParent {
    /// The parent's unique id.
    pub unique_id: [u8; 16],
    /// When the parent was written last: seconds since 2000.
    pub timestamp: u32,
    /// Its names, best first, as they stand there: the relative path of the locators, the absolute
    /// one, the name in the header.
    pub names: Vec<String>,
}

impl VhdParent {
    /// Reads the header's names and those that it points to.
    pub(super) fn read(file: &dyn BlockRead, header: &Header) -> Result<Self, ReadError> {
        let mut names = Vec::new();
        for code in [*b"W2ru", *b"W2ku"] {
            for locator in &header.locators {
                if locator.platform_code == code {
                    names.extend(locator_name(file, locator)?);
                }
            }
        }
        names.extend(utf16(&header.parent_name, u16::from_be_bytes));
        if names.is_empty() {
            let rule = "a differencing disk names no parent";
            return Err(corrupt(header.place(at::PARENT_NAME), rule));
        }
        Ok(Self {
            unique_id: header.parent_unique_id,
            timestamp: header.parent_timestamp,
            names,
        })
    }

    /// The file to look for.
    pub(super) fn to_ref(&self, header: &Header) -> ParentRef {
        let mut names: Vec<_> = self
            .names
            .iter()
            .map(|name| name.replace('\\', "/"))
            .collect();
        names.dedup();
        ParentRef {
            names,
            at: header.place(at::PARENT_UNIQUE_ID),
            format: Some(Format::Vhd),
            identities: vec![Identity::VhdUnique(self.unique_id)],
        }
    }
}

/// The name that a locator points to: UTF-16, little-endian, for both kinds of Windows' paths.
fn locator_name(file: &dyn BlockRead, locator: &Locator) -> Result<Option<String>, ReadError> {
    let end = locator
        .data_offset
        .checked_add(u64::from(locator.data_length));
    if locator.data_length > MAX_NAME_BYTES || end.is_none_or(|end| end > file.len_bytes()) {
        let rule = format!(
            "a parent locator's {} bytes at {:#x} are too long or go past the end of the file",
            locator.data_length, locator.data_offset
        );
        return Err(corrupt(locator.at, rule));
    }
    let name = read_bytes(file, locator.data_offset, u64::from(locator.data_length))?;
    Ok(utf16(&name, u16::from_le_bytes))
}

/// The text up to a zero; none if it is empty or no text.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, _) = bytes.as_chunks();
    let units = units
        .iter()
        .map(|pair| unit(*pair))
        .take_while(|unit| *unit != 0);
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    (!text.is_empty()).then_some(text)
}
