//! GUIDs, as messages and offers carry them.

use std::fmt;

/// A GUID in the order in which it is written: `ba6163d9-04a1-4d29-b605-72e2ffb1dc7f`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(u128);

impl Guid {
    /// The GUID whose 32 digits these are.
    #[must_use]
    pub const fn new(digits: u128) -> Self {
        Self(digits)
    }

    /// The GUID in memory: its first three fields are little-endian, the rest is as written.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.0.to_be_bytes();
        let [i, j, k, l, m, n, o, p] = rest;
        [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
    }

    /// The GUID that lies so in memory.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        // Swapping bytes twice is where one began.
        Self(u128::from_be_bytes(
            Self(u128::from_be_bytes(bytes)).to_bytes(),
        ))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let (a, rest) = digits.split_at(8);
        let (b, rest) = rest.split_at(4);
        let (c, rest) = rest.split_at(4);
        let (d, e) = rest.split_at(4);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Guid;

    #[test]
    fn the_first_three_fields_lie_reversed_in_memory() {
        let scsi = Guid::new(0xba61_63d9_04a1_4d29_b605_72e2_ffb1_dc7f);
        // As Linux prints the class of a SCSI controller in sysfs, and as GUID_INIT lays it out.
        assert_eq!(scsi.to_string(), "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f");
        let bytes = [
            0xd9, 0x63, 0x61, 0xba, 0xa1, 0x04, 0x29, 0x4d, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1,
            0xdc, 0x7f,
        ];
        assert_eq!(scsi.to_bytes(), bytes);
        assert_eq!(Guid::from_bytes(bytes), scsi);
    }
}
