//! What unpacks compressed clusters, kept from one to the next: making it takes longer than using it.

use std::sync::{Mutex, PoisonError};

use flate2::{Decompress, FlushDecompress};
use zstd::bulk::Decompressor;
use zstd::zstd_safe::find_frame_compressed_size;

use super::compressed::Compression;

/// The unpackers that no thread uses at present: as many as threads did at the same time.
pub(super) enum Unpackers {
    Zlib(Mutex<Vec<Decompress>>),
    Zstd(Mutex<Vec<Decompressor<'static>>>),
}

impl Unpackers {
    pub(super) fn new(compression: Compression) -> Self {
        match compression {
            Compression::Zlib => Self::Zlib(Mutex::default()),
            Compression::Zstd => Self::Zstd(Mutex::default()),
        }
    }

    /// Unpacks into `cluster`; how many bytes there were.
    pub(super) fn unpack(&self, packed: &[u8], cluster: &mut [u8]) -> Result<usize, String> {
        match self {
            Self::Zlib(idle) => {
                let mut inflate = take(idle).unwrap_or_else(|| Decompress::new(false));
                let done = unpack_zlib(&mut inflate, packed, cluster);
                put_back(idle, inflate);
                done
            }
            Self::Zstd(idle) => {
                let mut zstd = match take(idle) {
                    Some(zstd) => zstd,
                    None => Decompressor::new().map_err(|error| error.to_string())?,
                };
                let done = unpack_zstd(&mut zstd, packed, cluster);
                put_back(idle, zstd);
                done
            }
        }
    }
}

fn take<T>(idle: &Mutex<Vec<T>>) -> Option<T> {
    idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn put_back<T>(idle: &Mutex<Vec<T>>, unpacker: T) {
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    idle.push(unpacker);
}

/// Sectors may hold more after the end of the stream; a cluster that is full is enough, as for QEMU.
fn unpack_zlib(
    inflate: &mut Decompress,
    packed: &[u8],
    cluster: &mut [u8],
) -> Result<usize, String> {
    inflate.reset(false);
    inflate
        .decompress(packed, cluster, FlushDecompress::Finish)
        .map_err(|error| error.to_string())?;
    Ok(usize::try_from(inflate.total_out()).unwrap_or(usize::MAX))
}

/// One frame, in one go: no window is allocated, however large the frame says that it is.
fn unpack_zstd(
    zstd: &mut Decompressor<'_>,
    packed: &[u8],
    cluster: &mut [u8],
) -> Result<usize, String> {
    let frame = find_frame_compressed_size(packed).map_err(|_| "no whole zstd frame".to_owned())?;
    let frame = packed.get(..frame).unwrap_or(packed);
    zstd.decompress_to_buffer(frame, cluster)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::default();
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), level);
        deflate.write_all(bytes).unwrap();
        deflate.finish().unwrap()
    }

    #[test]
    fn what_failed_leaves_nothing_behind() {
        let content: Vec<u8> = (0..4096_u32)
            .map(|n| ((n * n) >> 3).to_le_bytes()[0])
            .collect();
        let zstd = zstd::bulk::compress(&content, 3).unwrap();
        for (kind, packed) in [
            (Compression::Zlib, deflated(&content)),
            (Compression::Zstd, zstd),
        ] {
            let unpackers = Unpackers::new(kind);
            let mut cluster = vec![0; 4096];
            for _ in 0..100 {
                assert!(unpackers.unpack(&[0xff; 99], &mut cluster).is_err());
                let half = &packed[..packed.len() / 2];
                assert_ne!(unpackers.unpack(half, &mut cluster), Ok(4096));
                // A cluster that is full before the stream ends.
                drop(unpackers.unpack(&packed, &mut cluster[..1000]));
                assert_eq!(unpackers.unpack(&packed, &mut cluster), Ok(4096));
                assert!(cluster == content);
            }
        }
    }
}
