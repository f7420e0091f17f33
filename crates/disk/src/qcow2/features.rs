//! Feature bits: \[qcow2\] "Header", bytes 72 to 95.

use detente_block::ReadError;

use super::field::Fields;
use super::header::Version;
use super::unsupported;

/// The features that matter to a reader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Features {
    incompatible: u64,
    compatible: u64,
    autoclear: u64,
}

impl Features {
    /// Where the incompatible ones are.
    pub(super) const AT: u64 = 72;
    const DIRTY: u64 = 1 << 0;
    const CORRUPT: u64 = 1 << 1;
    const DATA_FILE: u64 = 1 << 2;
    const COMPRESSION: u64 = 1 << 3;
    const EXTENDED_L2: u64 = 1 << 4;
    /// Compatible.
    const LAZY_REFCOUNTS: u64 = 1 << 0;
    /// Autoclear.
    const BITMAPS: u64 = 1 << 0;
    const RAW_DATA_FILE: u64 = 1 << 1;

    /// Unknown incompatible features are refused, others do not matter.
    pub(super) fn read(fields: Fields<'_>, version: Version) -> Result<Self, ReadError> {
        let bits = |at| match version {
            Version::V2 => Ok(0),
            Version::V3 => fields.u64(at),
        };
        let features = Self {
            incompatible: bits(72)?,
            compatible: bits(80)?,
            autoclear: bits(88)?,
        };
        let known =
            Self::DIRTY | Self::CORRUPT | Self::DATA_FILE | Self::COMPRESSION | Self::EXTENDED_L2;
        let unknown = features.incompatible & !known;
        if unknown != 0 {
            let bit = unknown.trailing_zeros();
            let what = format!("incompatible feature, bit {bit}, is not known");
            return Err(unsupported(Self::AT, what));
        }
        Ok(features)
    }

    pub(super) fn dirty(self) -> bool {
        self.incompatible & Self::DIRTY != 0
    }

    pub(super) fn corrupt(self) -> bool {
        self.incompatible & Self::CORRUPT != 0
    }

    pub(super) fn data_file(self) -> bool {
        self.incompatible & Self::DATA_FILE != 0
    }

    pub(super) fn states_compression(self) -> bool {
        self.incompatible & Self::COMPRESSION != 0
    }

    pub(super) fn has_subclusters(self) -> bool {
        self.incompatible & Self::EXTENDED_L2 != 0
    }

    pub(super) fn lazy_refcounts(self) -> bool {
        self.compatible & Self::LAZY_REFCOUNTS != 0
    }

    pub(super) fn bitmaps(self) -> bool {
        self.autoclear & Self::BITMAPS != 0
    }

    pub(super) fn raw_data_file(self) -> bool {
        self.autoclear & Self::RAW_DATA_FILE != 0
    }
}
