//! Directory records. \[ECMA-119\] 9.1.

use super::date;
use crate::fields::le32;

/// \[ECMA-119\] 9.1.6: bits of the flags.
const DIRECTORY: u8 = 0x02;
const ASSOCIATED: u8 = 0x04;
const CONTINUES: u8 = 0x80;
/// What stands before the identifier.
const HEAD_BYTES: usize = 33;

/// One record.
pub(super) struct Record<'b> {
    block: u32,
    extended_blocks: u8,
    /// Of this part of the file, in bytes.
    pub(super) len: u32,
    pub(super) modified_s: i64,
    flags: u8,
    /// Whether pieces of other files stand between its own.
    pub(super) is_interleaved: bool,
    /// As it stands there.
    pub(super) identifier: &'b [u8],
    /// What follows, for other specifications.
    pub(super) system_use: &'b [u8],
}

impl<'b> Record<'b> {
    /// The record at the start of `bytes`; `None` if it does not fit.
    pub(super) fn parse(bytes: &'b [u8]) -> Option<Self> {
        let len = usize::from(*bytes.first()?);
        let record = bytes.get(..len)?;
        let identifier_len = usize::from(*record.get(32)?);
        let end = HEAD_BYTES.checked_add(identifier_len)?;
        let identifier = record.get(HEAD_BYTES..end)?;
        if identifier.is_empty() {
            return None;
        }
        // [ECMA-119] 9.1.12: a byte of padding after an even length.
        let system_use = end.checked_add(identifier_len.checked_add(1)? & 1)?;
        Some(Self {
            block: le32(record, 2)?,
            extended_blocks: *record.get(1)?,
            len: le32(record, 10)?,
            modified_s: date::short(record.get(18..25)?),
            flags: *record.get(25)?,
            is_interleaved: record.get(26..28)? != [0, 0],
            identifier,
            system_use: record.get(system_use..).unwrap_or_default(),
        })
    }

    /// [ECMA-119] 9.1.2: the extended attributes come first.
    pub(super) fn first_block(&self) -> u32 {
        self.block.saturating_add(u32::from(self.extended_blocks))
    }

    pub(super) fn is_directory(&self) -> bool {
        self.flags & DIRECTORY != 0
    }

    /// A second stream of another file, which Linux does not show.
    pub(super) fn is_associated(&self) -> bool {
        self.flags & ASSOCIATED != 0
    }

    /// Whether the file goes on in the next record.
    pub(super) fn continues(&self) -> bool {
        self.flags & CONTINUES != 0
    }

    /// \[ECMA-119\] 9.1.11: the directory itself.
    pub(super) fn is_own(&self) -> bool {
        self.identifier == [0]
    }

    /// \[ECMA-119\] 9.1.11: the directory above.
    pub(super) fn is_parent(&self) -> bool {
        self.identifier == [1]
    }
}
