//! Which adapter it is, and how new the protocol may be.

use std::fmt;

use crate::guid::Guid;

/// What the owner of the machine says of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Which one it is; has to be the same at each boot.
    pub instance: Guid,
    /// Its address.
    pub mac: Mac,
    /// The newest protocol that is accepted.
    pub newest: NvspVersion,
}

impl Options {
    /// An adapter with the newest protocol.
    #[must_use]
    pub const fn new(instance: Guid, mac: Mac) -> Self {
        Self {
            instance,
            mac,
            newest: NvspVersion::V6_1,
        }
    }
}

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac([u8; 6]);

impl Mac {
    /// An address in the range that Hyper-V gives to its guests.
    #[must_use]
    pub const fn of_guest([a, b, c]: [u8; 3]) -> Self {
        Self([0x00, 0x15, 0x5d, a, b, c])
    }

    /// An address that one adapter can have: not that of a group.
    #[must_use]
    pub const fn new(bytes: [u8; 6]) -> Option<Self> {
        match bytes {
            [0, 0, 0, 0, 0, 0] => None,
            [first, ..] if first & 1 != 0 => None,
            bytes => Some(Self(bytes)),
        }
    }

    /// Its bytes, as on the wire.
    #[must_use]
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A version of NVSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NvspVersion {
    /// 2: Windows Server 2008.
    V1,
    /// 3.2: Windows Server 2008 R2.
    V2,
    /// 4.0: Windows Server 2012.
    V4,
    /// 5.0: Windows Server 2012 R2.
    V5,
    /// 6.0: Windows Server 2016.
    V6,
    /// 6.1: later ones.
    V6_1,
}

impl NvspVersion {
    const ALL: [Self; 6] = [Self::V1, Self::V2, Self::V4, Self::V5, Self::V6, Self::V6_1];

    /// The number on the wire.
    #[must_use]
    pub const fn raw(self) -> u32 {
        match self {
            Self::V1 => 0x0_0002,
            Self::V2 => 0x3_0002,
            Self::V4 => 0x4_0000,
            Self::V5 => 0x5_0000,
            Self::V6 => 0x6_0000,
            Self::V6_1 => 0x6_0001,
        }
    }

    /// The version with this number.
    #[must_use]
    pub fn from_raw(raw: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.raw() == raw)
    }
}

impl fmt::Display for NvspVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [minor, _, major, _] = self.raw().to_le_bytes();
        write!(f, "{major}.{minor}")
    }
}
