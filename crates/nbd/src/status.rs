//! `NBD_CMD_BLOCK_STATUS`: which parts of the disk are known to be zero.

use std::io;

use detente_block::{BlockRead, ExtentKind};

use crate::handshake::Replies;
use crate::reply::{self, ErrorValue, Refusal};
use crate::request::Request;
use crate::spec::{
    ALLOCATION_ID, CMD_FLAG_REQ_ONE, REPLY_FLAG_DONE, REPLY_TYPE_BLOCK_STATUS, STATE_HOLE,
    STATE_ZERO,
};
use crate::transmission::Transmission;

/// How many descriptors a reply has at most; a client asks again for the rest.
const MAX_DESCRIPTORS: usize = 2048;

/// How many extents are looked up for a reply at most.
const MAX_EXTENTS: u32 = 16 * 1024;

/// A descriptor of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Descriptor {
    len: u32,
    flags: u32,
}

impl Transmission<'_, '_> {
    pub(crate) fn block_status(&mut self, request: &Request) -> io::Result<()> {
        let descriptors = match self.descriptors(request) {
            Ok(descriptors) => descriptors,
            Err(refusal) => return self.tell(request, Err(refusal)),
        };
        let count = u32::try_from(descriptors.len()).unwrap_or(0);
        let len = count.saturating_mul(8).saturating_add(4);
        reply::chunk(
            self.wire,
            request,
            (REPLY_FLAG_DONE, REPLY_TYPE_BLOCK_STATUS),
            len,
        )?;
        self.wire.put(&ALLOCATION_ID.to_be_bytes())?;
        for descriptor in descriptors {
            self.wire.put(&descriptor.len.to_be_bytes())?;
            self.wire.put(&descriptor.flags.to_be_bytes())?;
        }
        Ok(())
    }

    fn descriptors(&self, request: &Request) -> Result<Vec<Descriptor>, Refusal> {
        let invalid = |what| Refusal::new(ErrorValue::Invalid, what);
        if self.replies != (Replies::Structured { status: true }) {
            return Err(invalid("no context was selected"));
        }
        if request.len == 0 {
            return Err(invalid("the status of nothing"));
        }
        let disk = self.export.reader();
        let end = request
            .end_inside(disk.len_bytes())
            .ok_or_else(|| invalid("past the end of the disk"))?;
        let most = if request.flags & CMD_FLAG_REQ_ONE == 0 {
            MAX_DESCRIPTORS
        } else {
            1
        };
        describe(disk, request.offset, end, most)
    }
}

/// Describes the disk from `offset` to `end`, or less of it, but something.
fn describe(
    disk: &dyn BlockRead,
    offset: u64,
    end: u64,
    most: usize,
) -> Result<Vec<Descriptor>, Refusal> {
    let mut descriptors: Vec<Descriptor> = Vec::new();
    let mut at = offset;
    for _ in 0..MAX_EXTENTS {
        if at >= end {
            break;
        }
        let extent = match disk.next_extent(at) {
            Ok(extent) => extent,
            Err(error) if descriptors.is_empty() => return Err(Refusal::read(&error, at)),
            // What is wrong there is told to whoever asks for that place.
            Err(_) => break,
        };
        let next = at.saturating_add(extent.len).min(end);
        let len = u32::try_from(next.saturating_sub(at)).expect("a request has 32 bits");
        let flags = match extent.kind {
            ExtentKind::Data => 0,
            ExtentKind::Zero => STATE_HOLE | STATE_ZERO,
        };
        let full = descriptors.len() >= most;
        match descriptors.last_mut() {
            Some(last) if last.flags == flags => last.len = last.len.saturating_add(len),
            Some(_) if full => break,
            Some(_) | None => descriptors.push(Descriptor { len, flags }),
        }
        at = next;
    }
    Ok(descriptors)
}
