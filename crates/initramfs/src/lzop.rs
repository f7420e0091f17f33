//! lzop's files, the way `lib/decompress_unlzo.c` reads them.
//!
//! A magic and a header, then blocks: how long they are unpacked and packed, a checksum that the
//! kernel passes over, and the bytes; a length of zero ends them. A block that packing did not make
//! shorter stands as it is. Of the header only what says how long it is matters; lzop writes
//! more checksums, or none, where it is told to, and the kernel refuses that.

use std::io::{self, Error, ErrorKind, Read};

use crate::input::Input;

/// `lzop_magic`.
const MAGIC: [u8; 9] = [0x89, b'L', b'Z', b'O', 0, b'\r', b'\n', 0x1a, b'\n'];
/// `LZO_BLOCK_SIZE`.
const BLOCK_BYTES: usize = 256 << 10;
/// Since this version the header has a level and the upper half of a time.
const LEVEL_SINCE: u16 = 0x0940;
/// `HEADER_HAS_FILTER`.
const HAS_FILTER: u32 = 0x800;

/// What the blocks take, packed and unpacked.
pub(crate) const MEMORY_BYTES: u64 = 512 << 10;

/// Unpacks blocks one at a time. What follows the last one stays in the input.
pub(crate) struct Lzop<'i, 'a> {
    input: &'i mut Input<'a>,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
    /// In `unpacked`: what is before it was handed out.
    position: usize,
    ended: bool,
}

impl<'i, 'a> Lzop<'i, 'a> {
    /// Reads the header.
    pub(crate) fn new(input: &'i mut Input<'a>) -> io::Result<Self> {
        if take::<9>(input)? != MAGIC {
            return Err(damaged("its magic is not lzop's".to_owned()));
        }
        let version = u16::from_be_bytes(take(input)?);
        // The library's version, the version needed, the method.
        take::<5>(input)?;
        let has_level = version >= LEVEL_SINCE;
        if has_level {
            take::<1>(input)?;
        }
        if u32::from_be_bytes(take(input)?) & HAS_FILTER != 0 {
            take::<4>(input)?;
        }
        // The mode, and the lower half of a time.
        take::<8>(input)?;
        if has_level {
            take::<4>(input)?;
        }
        let [name_bytes] = take(input)?;
        for _ in 0..name_bytes {
            take::<1>(input)?;
        }
        // The header's checksum.
        take::<4>(input)?;
        Ok(Self {
            input,
            packed: Vec::new(),
            unpacked: Vec::new(),
            position: 0,
            ended: false,
        })
    }

    /// Unpacks the next block; false at the end.
    fn next_block(&mut self) -> io::Result<bool> {
        let unpacked = self.length()?;
        if unpacked == 0 {
            self.ended = true;
            return Ok(false);
        }
        if unpacked > BLOCK_BYTES {
            let words = format!("a block of {unpacked} bytes is longer than 256 KiB");
            return Err(damaged(words));
        }
        let packed = self.length()?;
        take::<4>(self.input)?;
        if packed == 0 || packed > unpacked {
            let words = format!("a block of {unpacked} bytes says that it takes {packed}");
            return Err(damaged(words));
        }
        self.unpack(packed, unpacked)?;
        Ok(true)
    }

    fn length(&mut self) -> io::Result<usize> {
        let length = u32::from_be_bytes(take(self.input)?);
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// The caller has checked both lengths.
    fn unpack(&mut self, packed: usize, unpacked: usize) -> io::Result<()> {
        self.position = 0;
        self.unpacked.clear();
        self.unpacked.resize(unpacked, 0);
        if packed == unpacked {
            return self.input.read_exact(&mut self.unpacked);
        }
        self.packed.resize(packed, 0);
        self.input.read_exact(&mut self.packed)?;
        match detente_lzo::unpack(&self.packed, &mut self.unpacked) {
            Ok(filled) if filled == unpacked => Ok(()),
            Ok(filled) => {
                let words = format!("a block of {unpacked} bytes unpacks to {filled}");
                Err(damaged(words))
            }
            Err(damage) => Err(damaged(damage.to_string())),
        }
    }
}

fn take<const N: usize>(input: &mut Input<'_>) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn damaged(words: String) -> Error {
    Error::new(ErrorKind::InvalidData, words)
}

impl Read for Lzop<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // No block is empty, and each one takes input, so this ends.
        while self.position >= self.unpacked.len() {
            if self.ended || !self.next_block()? {
                return Ok(0);
            }
        }
        let mut rest = self.unpacked.get(self.position..).unwrap_or_default();
        let read = rest.read(buf)?;
        self.position = self.position.saturating_add(read);
        Ok(read)
    }
}
