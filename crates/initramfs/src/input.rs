//! The stored bytes, read ahead by one buffer and counted exactly: a decoder that stops tells by
//! what it consumed where the next segment starts.

use std::io::{self, BufRead, Read};

use crate::field::len_u64;

/// Large enough that a layered image is not asked for every cluster twice.
const BUFFER_BYTES: usize = 128 * 1024;

/// A buffered reader that knows its offset and remembers its own failure, so that decoders' errors
/// and the storage's can be told apart afterwards.
pub(crate) struct Input<'a> {
    inner: &'a mut dyn Read,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    offset: u64,
    failure: Option<io::Error>,
    starved: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn new(inner: &'a mut dyn Read) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self {
            inner,
            buffer,
            start: 0,
            end: 0,
            offset: 0,
            failure: None,
            starved: false,
        }
    }

    /// Where the next byte lies.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether somebody wanted bytes when there were none left.
    pub(crate) fn starved(&self) -> bool {
        self.starved
    }

    /// The storage's failure, if that is what stopped a reader.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// The next bytes without consuming them: `wanted`, or fewer at the end.
    pub(crate) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.buffered().len() < wanted && self.refill()? > 0 {}
        let buffered = self.buffered();
        Ok(buffered.get(..wanted).unwrap_or(buffered))
    }

    /// Passes over zero bytes.
    pub(crate) fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.fill_buf()?;
            let zeros = buffered.iter().position(|&byte| byte != 0);
            let count = zeros.unwrap_or(buffered.len());
            let done = zeros.is_some() || buffered.is_empty();
            self.consume(count);
            if done {
                return Ok(());
            }
        }
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads more behind what is buffered. 0 is the end, or a full buffer.
    fn refill(&mut self) -> io::Result<usize> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = loop {
            match self.inner.read(room) {
                Ok(read) => break read.min(room.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let copy = io::Error::from(error.kind());
                    self.failure = Some(error);
                    return Err(copy);
                }
            }
        };
        self.end = self.end.saturating_add(read);
        Ok(read)
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end && self.refill()? == 0 {
            self.starved = true;
        }
        Ok(self.buffered())
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.end.saturating_sub(self.start));
        self.start = self.start.saturating_add(amount);
        self.offset = self.offset.saturating_add(len_u64(amount));
    }
}
