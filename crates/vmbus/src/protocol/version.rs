//! Versions of the bus protocol.

use std::fmt;

/// A version that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// 3.0: Windows 8.1 and Server 2012 R2.
    V3_0,
    /// 4.0: Windows 10 and Server 2016.
    V4_0,
    /// 4.1: an open channel may change its processor.
    V4_1,
    /// 5.0: contact comes on connection 4.
    V5_0,
    /// 5.1.
    V5_1,
    /// 5.2: Server 2019.
    V5_2,
    /// 5.3: Server 2022; a change of processor is answered.
    #[default]
    V5_3,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 7] = [
        Self::V3_0,
        Self::V4_0,
        Self::V4_1,
        Self::V5_0,
        Self::V5_1,
        Self::V5_2,
        Self::V5_3,
    ];

    /// As messages have it: the major number in the upper half, the minor one in the lower.
    #[must_use]
    pub const fn raw(self) -> u32 {
        match self {
            Self::V3_0 => 0x3_0000,
            Self::V4_0 => 0x4_0000,
            Self::V4_1 => 0x4_0001,
            Self::V5_0 => 0x5_0000,
            Self::V5_1 => 0x5_0001,
            Self::V5_2 => 0x5_0002,
            Self::V5_3 => 0x5_0003,
        }
    }

    /// The version that a message names, if we speak it.
    #[must_use]
    pub fn from_raw(raw: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.raw() == raw)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = self.raw();
        write!(f, "{}.{}", raw >> 16, raw & 0xffff)
    }
}
