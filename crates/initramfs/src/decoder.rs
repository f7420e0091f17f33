//! One decoder for every compression. Each stops at the end of its own stream and leaves what
//! follows in the input.

use std::io::{self, BufReader, Read};

use liblzma::stream::Stream;

use crate::input::Input;
use crate::lz4_legacy::Lz4Legacy;
use crate::lzop::{self, Lzop};
use crate::unpacked::ArchiveError;
use crate::zstd_window::{FRAME_HEADER_BYTES, window_bytes};
use crate::{Compression, Limit, Limits};

/// The most memory that a stream may ask a decoder to use. The kernel would give zstd up to 128
/// MiB and xz whatever it asks for, but no distribution's own tools ask for more than 32 MiB.
pub const DECODER_MEMORY_BYTES: u64 = 40 << 20;

/// What lz4's legacy frames take: a block of 8 MiB, packed and unpacked.
const LZ4_BYTES: u64 = 17 << 20;
const UNPACKED_BUFFER_BYTES: usize = 128 * 1024;

/// A decoder for the stream that `input` stands at.
pub(crate) type Decoder<'i> = BufReader<Box<dyn Read + 'i>>;

/// What a decoder may use under these limits.
pub(crate) fn memory(limits: &Limits) -> u64 {
    limits.decoder_memory_bytes.min(DECODER_MEMORY_BYTES)
}

/// Opens the stream that `input` stands at.
pub(crate) fn open<'i>(
    compression: Compression,
    input: &'i mut Input<'_>,
    memory: u64,
) -> Result<Decoder<'i>, ArchiveError> {
    let reader: Box<dyn Read + 'i> = match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(flate2::bufread::GzDecoder::new(input)),
        Compression::Xz => {
            let stream = Stream::new_stream_decoder(memory, 0).map_err(io_error)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Compression::Lzma => {
            let stream = Stream::new_lzma_decoder(memory).map_err(io_error)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Compression::Zstd => open_zstd(input, memory)?,
        Compression::Lz4 if memory < LZ4_BYTES => return Err(ArchiveError::DecoderMemory),
        Compression::Lz4 => Box::new(Lz4Legacy::new(input)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::BzDecoder::new(input)),
        Compression::Lzo if memory < lzop::MEMORY_BYTES => return Err(ArchiveError::DecoderMemory),
        Compression::Lzo => Box::new(Lzop::new(input)?),
    };
    Ok(BufReader::with_capacity(UNPACKED_BUFFER_BYTES, reader))
}

fn open_zstd<'i>(
    input: &'i mut Input<'_>,
    memory: u64,
) -> Result<Box<dyn Read + 'i>, ArchiveError> {
    // The largest window that fits, as a power of two; zstd knows none below 1 KiB.
    let largest_log = memory.max(1024).ilog2();
    let window = window_bytes(input.peek(FRAME_HEADER_BYTES)?);
    if window.is_some_and(|window| window > 1_u64 << largest_log) {
        return Err(ArchiveError::DecoderMemory);
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?.single_frame();
    decoder.window_log_max(largest_log)?;
    Ok(Box::new(decoder))
}

fn io_error(error: liblzma::stream::Error) -> io::Error {
    io::Error::other(error)
}

/// What a decoder's error means.
pub(crate) fn limit_met(error: &io::Error, memory: u64) -> Option<Limit> {
    let inner = error.get_ref()?.downcast_ref::<liblzma::stream::Error>()?;
    matches!(inner, liblzma::stream::Error::MemLimit).then_some(Limit::DecoderMemory(memory))
}
