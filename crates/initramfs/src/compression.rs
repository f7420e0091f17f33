//! Which compression a segment starts with.

use std::fmt;

use crate::{Rule, Unsupported};

/// How a segment is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// A plain cpio archive.
    None,
    /// RFC 1952; each member is a segment of its own.
    Gzip,
    /// xz; each stream is a segment of its own. Kernels may know fewer checks than we do: Linux 6.1
    /// refuses CRC64, which is what `xz` writes unless told otherwise.
    Xz,
    /// RFC 8878; each frame is a segment of its own.
    Zstd,
    /// lz4's legacy frames, the only ones that the kernel reads.
    Lz4,
    /// LZMA alone (`.lzma`).
    Lzma,
    /// bzip2; each stream is a segment of its own.
    Bzip2,
    /// LZO in lzop's files; each file is a segment of its own.
    Lzo,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Lzma => "lzma",
            Self::Bzip2 => "bzip2",
            Self::Lzo => "lzo",
        })
    }
}

/// What a segment that we cannot enter starts with.
pub(crate) enum Unknown {
    Unsupported(Unsupported),
    Corrupt(Rule),
}

/// How many bytes [`Compression::detect`] looks at.
pub(crate) const MAGIC_BYTES: usize = 4;

impl Compression {
    /// Tells the compression by the first bytes, as the kernel does: a zero digit starts cpio, two
    /// bytes tell the others apart (`lib/decompress.c`).
    pub(crate) fn detect(magic: &[u8]) -> Result<Self, Unknown> {
        match magic {
            [b'0', ..] => Ok(Self::None),
            [0x1f, 0x8b | 0x9e, ..] => Ok(Self::Gzip),
            [0xfd, 0x37, ..] => Ok(Self::Xz),
            [0x28, 0xb5, ..] => Ok(Self::Zstd),
            [0x02, 0x21, ..] => Ok(Self::Lz4),
            [0x5d, 0x00, ..] => Ok(Self::Lzma),
            [b'B', b'Z', ..] => Ok(Self::Bzip2),
            [0x89, 0x4c, ..] => Ok(Self::Lzo),
            [0x04, 0x22, 0x4d, 0x18] => Err(Unknown::Unsupported(Unsupported::Lz4Frame)),
            other => Err(Unknown::Corrupt(Rule::Junk {
                found: other.to_vec(),
            })),
        }
    }
}
