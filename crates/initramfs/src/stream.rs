//! One compressed stream alone, as kernel modules are stored.

use std::io::{Cursor, Read as _};

use crate::compression::{MAGIC_BYTES, Unknown};
use crate::decoder::{self, DECODER_MEMORY_BYTES};
use crate::field::len_u64;
use crate::input::Input;
use crate::unpacked::ArchiveError;
use crate::{Compression, InitramfsError, Limit, Offset, Rule};

/// Unpacks the one stream that `stored` holds, of at most `limit_bytes` unpacked. What follows the
/// stream is not looked at.
///
/// # Errors
/// Of [`InitramfsError`] those of a segment's stream: it is damaged, of no known compression, or
/// takes more memory than a decoder or the caller gives.
pub fn unpack_stream(stored: &[u8], limit_bytes: u64) -> Result<Vec<u8>, InitramfsError> {
    let magic = stored.get(..MAGIC_BYTES).unwrap_or(stored);
    let compression = match Compression::detect(magic) {
        Ok(compression) => compression,
        Err(Unknown::Unsupported(feature)) => {
            return Err(InitramfsError::Unsupported {
                segment: 0,
                offset: 0,
                feature,
            });
        }
        Err(Unknown::Corrupt(rule)) => return Err(corrupt(0, rule)),
    };
    let mut source = Cursor::new(stored);
    let mut input = Input::new(&mut source);
    let unpacked = read(compression, &mut input, limit_bytes);
    unpacked.map_err(|error| blame(error, compression, &input))
}

fn read(
    compression: Compression,
    input: &mut Input<'_>,
    limit_bytes: u64,
) -> Result<Vec<u8>, ArchiveError> {
    let decoder = decoder::open(compression, input, DECODER_MEMORY_BYTES)?;
    let mut bytes = Vec::new();
    decoder
        .take(limit_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if len_u64(bytes.len()) > limit_bytes {
        return Err(ArchiveError::Limit {
            offset: limit_bytes,
            limit: Limit::UnpackedBytes(limit_bytes),
        });
    }
    Ok(bytes)
}

fn blame(error: ArchiveError, compression: Compression, input: &Input<'_>) -> InitramfsError {
    let too_much = |offset, limit| InitramfsError::LimitExceeded {
        segment: 0,
        offset,
        limit,
    };
    match error {
        ArchiveError::Corrupt { offset, rule } => corrupt(offset, rule),
        ArchiveError::Limit { offset, limit } => too_much(Offset::Unpacked(offset), limit),
        ArchiveError::DecoderMemory => {
            too_much(Offset::File(0), Limit::DecoderMemory(DECODER_MEMORY_BYTES))
        }
        ArchiveError::Read(error) => match decoder::limit_met(&error, DECODER_MEMORY_BYTES) {
            Some(limit) => too_much(Offset::File(0), limit),
            None if input.starved() => {
                corrupt(input.offset(), Rule::StreamTruncated { compression })
            }
            None => {
                let detail = error.to_string();
                let rule = Rule::StreamDamaged {
                    compression,
                    detail,
                };
                corrupt(input.offset(), rule)
            }
        },
    }
}

fn corrupt(offset: u64, rule: Rule) -> InitramfsError {
    InitramfsError::Corrupt {
        segment: 0,
        offset: Offset::File(offset),
        rule,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{len_u64, unpack_stream};

    /// Packed by the libraries, which are not our reader.
    fn packed() -> [(&'static str, Vec<u8>); 3] {
        let plain = plain();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
        xz.write_all(&plain).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        gzip.write_all(&plain).unwrap();
        [
            ("xz", xz.finish().unwrap()),
            ("gz", gzip.finish().unwrap()),
            ("zst", zstd::encode_all(plain.as_slice(), 3).unwrap()),
        ]
    }

    fn plain() -> Vec<u8> {
        let mut plain = b"\x7fELF".to_vec();
        plain.extend((0..100_000_u32).flat_map(|number| number.to_le_bytes()));
        plain
    }

    #[test]
    fn each_compression_of_modules_is_unpacked() {
        let plain = plain();
        for (kind, packed) in packed() {
            let found = unpack_stream(&packed, len_u64(plain.len()));
            assert_eq!(found.unwrap(), plain, "{kind}");
        }
    }

    #[test]
    fn what_is_cut_too_long_or_nothing_is_refused() {
        let len = len_u64(plain().len());
        for (kind, packed) in packed() {
            let half = packed.get(..packed.len() / 2).unwrap();
            unpack_stream(half, len).expect_err(kind);
            unpack_stream(&packed, len - 1).expect_err(kind);
        }
        unpack_stream(b"\x7fELF", len).unwrap_err();
        unpack_stream(b"", len).unwrap_err();
    }
}
