//! lz4's legacy frames, the way `lib/decompress_unlz4.c` reads them.
//!
//! A magic, then blocks: a 32-bit length and that many bytes, which unpack to at most 8 MiB. The
//! format says nothing about where it ends. The kernel ends at the end of the initramfs, or (since
//! 5.11, and backported) at a length of zero, which is how zero padding looks; a magic in place of
//! a length is passed over. Anything else is taken as a length, so other archives can only follow
//! behind at least four zero bytes.

use std::io::{self, Error, ErrorKind, Read};

use crate::field::u32_at;
use crate::input::Input;

/// `LZ4_DEFAULT_UNCOMPRESSED_CHUNK_SIZE`.
const CHUNK_BYTES: usize = 8 << 20;
/// `LZ4_compressBound(CHUNK_BYTES)`.
const PACKED_CHUNK_BYTES: usize = CHUNK_BYTES + CHUNK_BYTES / 255 + 16;
/// `ARCHIVE_MAGICNUMBER`.
const MAGIC: u32 = 0x184C_2102;

/// Unpacks blocks one at a time. What follows the last one stays in the input.
pub(crate) struct Lz4Legacy<'i, 'a> {
    input: &'i mut Input<'a>,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
    position: usize,
    length: usize,
}

impl<'i, 'a> Lz4Legacy<'i, 'a> {
    /// Starts at the magic.
    pub(crate) fn new(input: &'i mut Input<'a>) -> io::Result<Self> {
        if input.peek(4)?.first_chunk() != Some(&MAGIC.to_le_bytes()) {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "its magic is not 0x184c2102",
            ));
        }
        Ok(Self {
            input,
            packed: Vec::new(),
            unpacked: Vec::new(),
            position: 0,
            length: 0,
        })
    }

    /// Unpacks the next block; false at the end.
    fn next_block(&mut self) -> io::Result<bool> {
        let length = loop {
            match u32_at(self.input.peek(4)?, 0) {
                None | Some(0) => return Ok(false),
                Some(MAGIC) => self.pass_word()?,
                Some(length) => break length,
            }
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > PACKED_CHUNK_BYTES {
            let words = format!(
                "a block length of {length} bytes is more than 8 MiB can take; \
                 another archive may follow lz4 only behind four zero bytes"
            );
            return Err(Error::new(ErrorKind::InvalidData, words));
        }
        self.pass_word()?;
        self.unpack(length)?;
        Ok(true)
    }

    fn pass_word(&mut self) -> io::Result<()> {
        self.input.read_exact(&mut [0; 4])
    }

    fn unpack(&mut self, length: usize) -> io::Result<()> {
        // Grows with what is there, not with what the length says.
        self.packed.clear();
        let wanted = u64::try_from(length).unwrap_or(u64::MAX);
        (&mut *self.input)
            .take(wanted)
            .read_to_end(&mut self.packed)?;
        if self.packed.len() < length {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        self.unpacked.resize(CHUNK_BYTES, 0);
        self.length = lz4_flex::block::decompress_into(&self.packed, &mut self.unpacked)
            .map_err(|error| Error::new(ErrorKind::InvalidData, error.to_string()))?;
        self.position = 0;
        Ok(())
    }
}

impl Read for Lz4Legacy<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // A block may be empty; each one takes input, so this ends.
        while self.position >= self.length {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let mut rest = self
            .unpacked
            .get(self.position..self.length)
            .unwrap_or_default();
        let read = rest.read(buf)?;
        self.position = self.position.saturating_add(read);
        Ok(read)
    }
}
