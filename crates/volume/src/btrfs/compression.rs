//! Unpacking compressed extents. None is longer than 128 KiB, before or after.

use std::io::Read;

use flate2::read::ZlibDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::{corrupt, lzo, unsupported};
use crate::FsError;

/// \[btrfs\] zstd is used with windows of at most 128 KiB.
const ZSTD_WINDOW_LOG: u32 = 17;

/// How an extent was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Zlib,
    Lzo,
    Zstd,
}

impl Compression {
    /// `None` inside for what is not compressed.
    pub(super) fn from_number(number: u8) -> Result<Option<Self>, FsError> {
        match number {
            0 => Ok(None),
            1 => Ok(Some(Self::Zlib)),
            2 => Ok(Some(Self::Lzo)),
            3 => Ok(Some(Self::Zstd)),
            other => Err(unsupported(format!("compression of type {other}"))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Lzo => "lzo",
            Self::Zstd => "zstd",
        }
    }

    /// Fills `out`; where the packed content is shorter, the rest becomes zero.
    pub(super) fn unpack(
        self,
        packed: &[u8],
        sector_bytes: u64,
        out: &mut [u8],
    ) -> Result<(), FsError> {
        let filled = match self {
            Self::Zlib => fill(ZlibDecoder::new(packed), out).ok(),
            Self::Lzo => lzo::unpack(packed, sector_bytes, out),
            Self::Zstd => unpack_zstd(packed, out).ok(),
        };
        let rest = filled.and_then(|count| out.get_mut(count..));
        let name = self.name();
        rest.ok_or_else(|| corrupt(format!("a compressed extent is not {name}")))?
            .fill(0);
        Ok(())
    }
}

/// The frame ends before the sector does.
fn unpack_zstd(packed: &[u8], out: &mut [u8]) -> std::io::Result<usize> {
    let mut decoder = ZstdDecoder::with_buffer(packed)?.single_frame();
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    fill(decoder, out)
}

/// Reads until `out` is full or there is no more.
fn fill(mut source: impl Read, out: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let count = source.read(rest)?;
        if count == 0 {
            break;
        }
        filled = filled.saturating_add(count);
    }
    Ok(filled)
}
