//! A disk, as its owner describes it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use detente_block::BlockWrite;

/// A disk to be attached to a controller.
#[derive(Clone)]
pub struct Medium {
    /// The number of the logical unit: below 64, and unique on the controller.
    pub lun: u8,
    /// The bytes.
    pub disk: Arc<dyn BlockWrite>,
    /// In which units the guest counts them. What is left at the end is not shown.
    pub sector: SectorSize,
    /// Whether the guest may write.
    pub access: Access,
    /// By what the guest tells disks apart; the same at each boot.
    pub serial: Serial,
}

/// The size of a sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectorSize {
    /// 512 bytes, on 4,096 bytes in truth (512e).
    B512,
    /// 4,096 bytes.
    B4096,
}

impl SectorSize {
    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> u32 {
        match self {
            Self::B512 => 512,
            Self::B4096 => 4096,
        }
    }

    /// The number of sectors in 4,096 bytes, as a power of two.
    pub(super) fn physical_exponent(self) -> u8 {
        match self {
            Self::B512 => 3,
            Self::B4096 => 0,
        }
    }

    /// Sectors in 4,096 bytes.
    pub(super) fn in_physical(self) -> u32 {
        match self {
            Self::B512 => 8,
            Self::B4096 => 1,
        }
    }
}

/// Whether a guest may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may.
    ReadWrite,
    /// It is told that the disk is write-protected.
    ReadOnly,
}

/// A serial number: 1 to 32 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial(String);

/// Not a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a serial number has 1 to 32 visible ASCII characters")]
pub struct BadSerial;

/// FNV-1a, 128 bits (RFC 9923): where it starts, and what it multiplies with.
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

impl Serial {
    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Twelve bytes that differ where serial numbers do, for names that have no room for more.
    pub(super) fn digest(&self) -> [u8; 12] {
        let hash = self.0.bytes().fold(FNV_OFFSET, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME)
        });
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = hash.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

impl FromStr for Serial {
    type Err = BadSerial;

    fn from_str(text: &str) -> Result<Self, BadSerial> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || text.is_empty() || text.len() > 32 {
            return Err(BadSerial);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{BadSerial, Serial};

    #[test]
    fn serial_numbers_are_short_and_visible() {
        let check = |text: &str| text.parse::<Serial>();
        assert!(check("QM-00001").is_ok());
        let long = "x".repeat(33);
        for bad in ["", "two words", "tab\t", "ä", long.as_str()] {
            assert_eq!(check(bad), Err(BadSerial), "{bad:?}");
        }
    }

    #[test]
    fn the_digest_is_fnv_1a() {
        // The published 128-bit FNV-1a of "foobar" is 343e1662793c64bf6f0d3597ba446f18.
        let serial: Serial = "foobar".parse().unwrap();
        let expected = [
            0x34, 0x3e, 0x16, 0x62, 0x79, 0x3c, 0x64, 0xbf, 0x6f, 0x0d, 0x35, 0x97,
        ];
        assert_eq!(serial.digest(), expected);
    }
}
