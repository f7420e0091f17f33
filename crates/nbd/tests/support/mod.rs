//! A client of our own: says what it is told to, also what no client should, and takes replies
//! apart. Written from the protocol's document alone.

use std::io::Cursor;
use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, MemoryBackend, ReadError};
use detente_nbd::{Ended, Export, SessionError, serve};

/// What a client says, piece by piece.
#[derive(Clone, Default)]
pub(crate) struct Says(pub(crate) Vec<u8>);

impl Says {
    /// The flags of a client that knows everything.
    pub(crate) fn hello() -> Self {
        Self(vec![0, 0, 0, 3])
    }

    pub(crate) fn option(mut self, option: u32, data: &[u8]) -> Self {
        self.0.extend(0x4948_4156_454f_5054_u64.to_be_bytes());
        self.0.extend(option.to_be_bytes());
        self.0.extend((data.len() as u32).to_be_bytes());
        self.0.extend(data);
        self
    }

    /// `NBD_OPT_GO` for the default export.
    pub(crate) fn go(self) -> Self {
        self.option(7, &[0, 0, 0, 0, 0, 0])
    }

    /// `NBD_OPT_STRUCTURED_REPLY`.
    pub(crate) fn structured(self) -> Self {
        self.option(8, &[])
    }

    /// `NBD_OPT_SET_META_CONTEXT` (10) or `NBD_OPT_LIST_META_CONTEXT` (9).
    pub(crate) fn contexts(self, option: u32, queries: &[&str]) -> Self {
        let mut data = vec![0; 4];
        data.extend((queries.len() as u32).to_be_bytes());
        for query in queries {
            data.extend((query.len() as u32).to_be_bytes());
            data.extend(query.as_bytes());
        }
        self.option(option, &data)
    }

    /// A request; the cookie is the command's number over and over.
    pub(crate) fn request(mut self, (flags, command): (u16, u16), offset: u64, len: u32) -> Self {
        self.0.extend(0x2560_9513_u32.to_be_bytes());
        self.0.extend(flags.to_be_bytes());
        self.0.extend(command.to_be_bytes());
        self.0.extend(cookie(command).to_be_bytes());
        self.0.extend(offset.to_be_bytes());
        self.0.extend(len.to_be_bytes());
        self
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// Says it all; gives what was replied after the greeting.
    pub(crate) fn to(&self, export: &Export) -> (Heard, Result<Ended, SessionError>) {
        let mut heard = Vec::new();
        let ended = serve(Cursor::new(&self.0), &mut heard, export);
        let greeting = b"NBDMAGICIHAVEOPT\0\x03";
        assert!(heard.starts_with(greeting), "{heard:x?}");
        (Heard(heard.split_off(greeting.len())), ended)
    }
}

fn cookie(command: u16) -> u64 {
    (u64::from(command) * 0x0001_0001_0001_0001) ^ 0x1234
}

/// What was replied and not yet looked at.
pub(crate) struct Heard(pub(crate) Vec<u8>);

/// A chunk of a structured reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) done: bool,
    pub(crate) kind: u16,
    pub(crate) data: Vec<u8>,
}

impl Heard {
    pub(crate) fn take(&mut self, len: usize) -> Vec<u8> {
        assert!(
            self.0.len() >= len,
            "{} bytes are missing",
            len - self.0.len()
        );
        self.0.drain(..len).collect()
    }

    pub(crate) fn number(&mut self, len: usize) -> u64 {
        self.take(len)
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// Type and data of a reply to an option.
    pub(crate) fn option(&mut self, option: u32) -> (u32, Vec<u8>) {
        assert_eq!(self.number(8), 0x0003_e889_0455_65a9);
        assert_eq!(self.number(4), u64::from(option));
        let kind = self.number(4) as u32;
        let len = self.number(4) as usize;
        (kind, self.take(len))
    }

    /// The replies of `NBD_OPT_GO`: size and transmission flags.
    pub(crate) fn go(&mut self) -> (u64, u16) {
        let (kind, data) = self.option(7);
        assert_eq!((kind, data.len()), (3, 12), "{data:x?}");
        assert_eq!(&data[..2], [0, 0]);
        assert_eq!(self.option(7), (1, vec![]));
        let size = u64::from_be_bytes(data[2..10].try_into().unwrap());
        (size, u16::from_be_bytes(data[10..].try_into().unwrap()))
    }

    /// The error of a simple reply.
    pub(crate) fn simple(&mut self, command: u16) -> u64 {
        assert_eq!(self.number(4), 0x6744_6698);
        let error = self.number(4);
        assert_eq!(self.number(8), cookie(command));
        error
    }

    pub(crate) fn chunk(&mut self, command: u16) -> Chunk {
        assert_eq!(self.number(4), 0x668e_33ef);
        let flags = self.number(2);
        assert!(flags <= 1, "{flags:#x}");
        let kind = self.number(2) as u16;
        assert_eq!(self.number(8), cookie(command));
        let len = self.number(4) as usize;
        let data = self.take(len);
        let done = flags == 1;
        Chunk { done, kind, data }
    }

    /// The error value of a reply that is one error chunk.
    pub(crate) fn error(&mut self, command: u16) -> u32 {
        let chunk = self.chunk(command);
        assert!(chunk.done && chunk.kind & 0x8000 != 0, "{chunk:x?}");
        let message = u16::from_be_bytes(chunk.data[4..6].try_into().unwrap());
        let rest = if chunk.kind == 0x8002 { 14 } else { 6 };
        assert_eq!(chunk.data.len(), usize::from(message) + rest);
        u32::from_be_bytes(chunk.data[..4].try_into().unwrap())
    }

    #[track_caller]
    pub(crate) fn nothing_more(&self) {
        assert!(self.0.is_empty(), "{:x?}", self.0);
    }
}

pub(crate) const KIB: u64 = 1024;

/// 64 KiB of data, 64 KiB of zeroes known to be such, and so on, 1 MiB and 512 bytes in all.
pub(crate) struct Striped {
    bytes: MemoryBackend,
}

pub(crate) fn striped_bytes() -> Vec<u8> {
    (0..1024 * KIB + 512)
        .map(|at| {
            let data = (at / (64 * KIB)).is_multiple_of(2);
            if data { (at / 7 % 255) as u8 + 1 } else { 0 }
        })
        .collect()
}

pub(crate) fn striped() -> Arc<Striped> {
    let bytes = MemoryBackend::new(striped_bytes());
    Arc::new(Striped { bytes })
}

impl BlockRead for Striped {
    fn len_bytes(&self) -> u64 {
        self.bytes.len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.bytes.read_exact_at(offset, buf)
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let mut extent = self.bytes.next_extent(offset)?;
        extent.len = extent.len.min(64 * KIB - offset % (64 * KIB));
        if offset / (64 * KIB) % 2 == 1 {
            extent.kind = ExtentKind::Zero;
        }
        Ok(extent)
    }
}
