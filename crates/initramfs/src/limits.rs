//! How much a hostile initramfs may cost.

use std::fmt;

use crate::DECODER_MEMORY_BYTES;

/// What a walk may use before it gives up with [`InitramfsError::LimitExceeded`].
///
/// [`InitramfsError::LimitExceeded`]: crate::InitramfsError::LimitExceeded
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all archives together, unpacked: headers, names, data and padding.
    pub unpacked_bytes: u64,
    /// Entries of all archives together.
    pub entries: u64,
    /// Length of one name or link target, with its NUL. The kernel stops at 4096 (`PATH_MAX`).
    pub name_bytes: u32,
    /// Archives and compressed streams, one after another.
    pub segments: u32,
    /// The window that a stream may ask its decoder to keep; at most
    /// [`DECODER_MEMORY_BYTES`], whatever stands here.
    pub decoder_memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 2 << 30,
            entries: 200_000,
            name_bytes: 4096,
            segments: 64,
            decoder_memory_bytes: DECODER_MEMORY_BYTES,
        }
    }
}

/// Which limit was met, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::unpacked_bytes`].
    UnpackedBytes(u64),
    /// [`Limits::entries`].
    Entries(u64),
    /// [`Limits::name_bytes`].
    NameBytes(u32),
    /// [`Limits::segments`].
    Segments(u32),
    /// [`Limits::decoder_memory_bytes`]: the stream wants a larger window.
    DecoderMemory(u64),
    /// Names of hard-linked files have to be remembered until the archive ends.
    HardLinkBytes(u64),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnpackedBytes(limit) => write!(f, "more than {limit} bytes unpacked"),
            Self::Entries(limit) => write!(f, "more than {limit} entries"),
            Self::NameBytes(limit) => write!(f, "a name or link target above {limit} bytes"),
            Self::Segments(limit) => write!(f, "more than {limit} archives one after another"),
            Self::DecoderMemory(limit) => {
                write!(
                    f,
                    "unpacking it takes a window of more than {limit} bytes of memory"
                )
            }
            Self::HardLinkBytes(limit) => {
                write!(f, "names of hard-linked files above {limit} bytes")
            }
        }
    }
}
