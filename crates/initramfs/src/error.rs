//! Why an initramfs could not be walked.

use std::fmt;

use crate::{Compression, Limit};

/// Why an initramfs could not be walked. Segments count from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitramfsError {
    /// The storage failed.
    #[error("read of the initramfs failed at offset {offset:#x}")]
    Io {
        /// Where in the initramfs.
        offset: u64,
        /// What the reader said.
        source: std::io::Error,
    },
    /// The bytes are wrong: the kernel would not unpack them either.
    #[error("corrupt initramfs: segment {segment}, {offset}: {rule}")]
    Corrupt {
        /// Which segment.
        segment: u32,
        /// Where.
        offset: Offset,
        /// The rule that was broken.
        rule: Rule,
    },
    /// The bytes may be right, but we do not read this.
    #[error("unsupported initramfs: segment {segment}, file offset {offset:#x}: {feature}")]
    Unsupported {
        /// Which segment.
        segment: u32,
        /// Where in the initramfs it starts.
        offset: u64,
        /// What we do not read.
        feature: Unsupported,
    },
    /// The initramfs costs more than the caller wants to pay.
    #[error("initramfs exceeds a limit: segment {segment}, {offset}: {limit}")]
    LimitExceeded {
        /// Which segment.
        segment: u32,
        /// Where.
        offset: Offset,
        /// Which limit.
        limit: Limit,
    },
}

/// Where something was found: unpacked bytes have no place of their own in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// In the initramfs as it is stored.
    File(u64),
    /// In what a compressed segment unpacks to.
    Unpacked(u64),
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(offset) => write!(f, "file offset {offset:#x}"),
            Self::Unpacked(offset) => write!(f, "unpacked offset {offset:#x}"),
        }
    }
}

/// A rule of the format that was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// Neither zero padding, a cpio header nor a known compression.
    #[error("neither a cpio archive nor a known compression (starts with {found:02x?})")]
    Junk {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// cpio's old ASCII format, which the kernel refuses.
    #[error("cpio format {found:?} instead of newc (`cpio -H newc` makes it)")]
    NotNewc {
        /// The magic that is there.
        found: String,
    },
    /// The kernel looks for a header at multiples of four only.
    #[error("a cpio header must start at a multiple of four")]
    Unaligned,
    /// A header field is not eight hexadecimal digits.
    #[error("header field {field} is not hexadecimal")]
    NotHexadecimal {
        /// As `buffer-format.rst` names it.
        field: &'static str,
    },
    /// A name holds at least its NUL.
    #[error("a name has no bytes")]
    EmptyName,
    /// The length of a name includes its NUL.
    #[error("a name does not end in NUL")]
    NameNotTerminated,
    /// The end came too early.
    #[error("the archive ends inside {part}")]
    Truncated {
        /// What it ended in.
        part: &'static str,
    },
    /// The sum of the bytes of a file in an archive with checksums (070702).
    #[error("data of {name:?} sums to {found:#010x}, its header says {expected:#010x}")]
    Checksum {
        /// Which file.
        name: String,
        /// What the header says.
        expected: u32,
        /// What the bytes sum to.
        found: u32,
    },
    /// A compressed stream ends too early.
    #[error("the {compression} stream is cut short")]
    StreamTruncated {
        /// Which compression.
        compression: Compression,
    },
    /// A compressed stream is damaged.
    #[error("the {compression} stream is damaged: {detail}")]
    StreamDamaged {
        /// Which compression.
        compression: Compression,
        /// The decoder's words.
        detail: String,
    },
}

/// What we do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// The kernel reads lz4's legacy frames only, and calls this junk.
    #[error("an lz4 frame that is not of the legacy format (`lz4 -l` makes it)")]
    Lz4Frame,
}
