//! Bytes from and to a client.

use std::io::{self, BufReader, BufWriter, Read, Write};

/// How much is buffered each way; what is longer goes past the buffers.
const BUFFER_BYTES: usize = 64 * 1024;

/// Both directions of a connection.
pub(crate) struct Wire<'a> {
    input: BufReader<Box<dyn Read + 'a>>,
    output: BufWriter<Box<dyn Write + 'a>>,
}

impl<'a> Wire<'a> {
    pub(crate) fn new(input: impl Read + 'a, output: impl Write + 'a) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER_BYTES, Box::new(input)),
            output: BufWriter::with_capacity(BUFFER_BYTES, Box::new(output)),
        }
    }

    /// The next bytes; nothing where the client has hung up between two messages.
    pub(crate) fn message<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        let (first, rest) = bytes.split_at_mut(1);
        loop {
            match self.input.read(first) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.input.read_exact(rest)?;
        Ok(Some(bytes))
    }

    /// Fills `buffer` with what comes.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(buffer)
    }

    /// Throws away what comes.
    pub(crate) fn skip(&mut self, len: u32) -> io::Result<()> {
        let mut left = (&mut self.input).take(u64::from(len));
        if io::copy(&mut left, &mut io::sink())? < u64::from(len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Sends later, with what else is to be sent.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    /// Sends all that was put.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// The fields of a message, in network byte order, from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `len` bytes, if there are as many.
    pub(crate) fn bytes(&mut self, len: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
