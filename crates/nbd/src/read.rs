//! `NBD_CMD_READ`: data, and holes where the disk is known to be zero.

use std::io;

use detente_block::{BlockRead, ExtentKind, ReadError};

use crate::handshake::Replies;
use crate::reply::{self, ErrorValue, Refusal};
use crate::request::Request;
use crate::spec::{
    CMD_FLAG_DF, MAX_REQUEST_BYTES, PIECE_BYTES, REPLY_FLAG_DONE, REPLY_TYPE_OFFSET_DATA,
    REPLY_TYPE_OFFSET_HOLE,
};
use crate::transmission::Transmission;

/// Below this a hole costs more than its zeroes; it also bounds the chunks of a reply.
const SMALLEST_HOLE: u64 = 4096;

/// A stretch that is sent as one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    kind: ExtentKind,
    end: u64,
}

impl Transmission<'_, '_> {
    pub(crate) fn read(&mut self, request: &Request) -> io::Result<()> {
        let end = match self.read_end(request) {
            Ok(end) => end,
            Err(refusal) => return self.tell(request, Err(refusal)),
        };
        match self.replies {
            Replies::Simple => self.read_simply(request),
            Replies::Structured { .. } if request.len == 0 => reply::done(self.wire, request),
            Replies::Structured { .. } if request.flags & CMD_FLAG_DF != 0 => {
                self.read_unfragmented(request)
            }
            Replies::Structured { .. } => self.read_in_chunks(request, end),
        }
    }

    fn read_end(&self, request: &Request) -> Result<u64, Refusal> {
        if request.len > MAX_REQUEST_BYTES {
            return Err(Refusal::new(ErrorValue::Invalid, "more than 32 MiB"));
        }
        let end = request.end_inside(self.export.reader().len_bytes());
        end.ok_or_else(|| Refusal::new(ErrorValue::Invalid, "past the end of the disk"))
    }

    /// All or nothing: once the head is sent an error could not be told any more.
    fn read_simply(&mut self, request: &Request) -> io::Result<()> {
        match self.fill(request.offset, request.len) {
            Ok(()) => {
                reply::simple(self.wire, request, 0)?;
                self.wire.put(&self.buffer)?;
                // A client that reads much at once may never do so again.
                self.buffer
                    .truncate(usize::try_from(PIECE_BYTES).unwrap_or(0));
                self.buffer.shrink_to_fit();
                Ok(())
            }
            Err(refusal) => reply::simple_refusal(self.wire, request, &refusal),
        }
    }

    /// "`NBD_CMD_READ`": one content chunk; what is too long for that may be refused.
    fn read_unfragmented(&mut self, request: &Request) -> io::Result<()> {
        if request.len > PIECE_BYTES {
            let refusal = Refusal::new(ErrorValue::Overflow, "more than 1 MiB in one chunk");
            return reply::refusal(self.wire, request, &refusal);
        }
        match self.fill(request.offset, request.len) {
            Ok(()) => self.put_data(request, REPLY_FLAG_DONE, request.offset),
            Err(refusal) => reply::refusal(self.wire, request, &refusal),
        }
    }

    /// Every chunk is read before it is sent, so the last one may end the reply.
    fn read_in_chunks(&mut self, request: &Request, end: u64) -> io::Result<()> {
        let mut at = request.offset;
        while at < end {
            let stretch = match stretch(self.export.reader(), at, end) {
                Ok(stretch) => stretch,
                Err(error) => {
                    return reply::refusal(self.wire, request, &Refusal::read(&error, at));
                }
            };
            let last = if stretch.end == end {
                REPLY_FLAG_DONE
            } else {
                0
            };
            let len = u32::try_from(stretch.end.saturating_sub(at)).unwrap_or(PIECE_BYTES);
            match stretch.kind {
                ExtentKind::Zero => {
                    reply::chunk(self.wire, request, (last, REPLY_TYPE_OFFSET_HOLE), 12)?;
                    self.wire.put(&at.to_be_bytes())?;
                    self.wire.put(&len.to_be_bytes())?;
                }
                ExtentKind::Data => match self.fill(at, len) {
                    Ok(()) => self.put_data(request, last, at)?,
                    Err(refusal) => return reply::refusal(self.wire, request, &refusal),
                },
            }
            at = stretch.end;
        }
        Ok(())
    }

    /// Reads into the buffer, which is as long as what is read.
    fn fill(&mut self, offset: u64, len: u32) -> Result<(), Refusal> {
        self.buffer.resize(usize::try_from(len).unwrap_or(0), 0);
        let disk = self.export.reader();
        let read = disk.read_exact_at(offset, &mut self.buffer);
        read.map_err(|error| Refusal::read(&error, offset))
    }

    fn put_data(&mut self, request: &Request, flags: u16, offset: u64) -> io::Result<()> {
        let len = u32::try_from(self.buffer.len())
            .unwrap_or(0)
            .saturating_add(8);
        reply::chunk(self.wire, request, (flags, REPLY_TYPE_OFFSET_DATA), len)?;
        self.wire.put(&offset.to_be_bytes())?;
        self.wire.put(&self.buffer)
    }
}

/// The next stretch before `end`: a hole of some length, or data up to the next such hole.
fn stretch(disk: &dyn BlockRead, at: u64, end: u64) -> Result<Stretch, ReadError> {
    let first = kind_at(disk, at, end)?;
    let most = match first.kind {
        ExtentKind::Zero => return Ok(first),
        ExtentKind::Data => at.saturating_add(u64::from(PIECE_BYTES)).min(end),
    };
    let mut reached = first.end;
    while reached < most {
        // What is wrong there is told when it is reached.
        match kind_at(disk, reached, end) {
            Ok(next) if next.kind == ExtentKind::Data => reached = next.end,
            Ok(_) | Err(_) => break,
        }
    }
    Ok(Stretch {
        kind: ExtentKind::Data,
        end: reached.min(most),
    })
}

/// The extent at `at`; short zeroes count as data, and data goes up to a boundary at least.
fn kind_at(disk: &dyn BlockRead, at: u64, end: u64) -> Result<Stretch, ReadError> {
    let extent = disk.next_extent(at)?;
    let extent_end = at.saturating_add(extent.len).min(end);
    let is_hole =
        extent.kind == ExtentKind::Zero && (extent_end == end || extent.len >= SMALLEST_HOLE);
    if is_hole {
        return Ok(Stretch {
            kind: ExtentKind::Zero,
            end: extent_end,
        });
    }
    let boundary = at.saturating_add(1).next_multiple_of(SMALLEST_HOLE);
    Ok(Stretch {
        kind: ExtentKind::Data,
        end: extent_end.max(boundary).min(end),
    })
}
