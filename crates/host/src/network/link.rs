//! The wire: QEMU's framing on one side, smoltcp's device on the other.

use std::ops::Range;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use super::census::Census;

/// The largest frame that QEMU sends: `NET_BUFSIZE`, include/net/net.h.
const MAX_FRAME_BYTES: usize = 4096 + 65536;

/// Beyond this many unsent bytes nothing more is answered.
const OUTPUT_LIMIT: usize = 1024 * 1024;

/// Beyond this many unread bytes nothing more is taken in.
const INPUT_LIMIT: usize = 1024 * 1024;

/// An Ethernet header and 9000 bytes: as long as cards usually carry. A guest is sent no more at a
/// time than it says that it takes.
const MTU: usize = 9014;

/// The longest frame of usual length, with a tag: what is longer is lost where only those are carried
/// (a fault).
const USUAL_FRAME_BYTES: usize = 1518;

const LENGTH_BYTES: usize = 4;

/// Frames in and out, as the stream has them.
#[derive(Default)]
pub(super) struct Link {
    input: Vec<u8>,
    consumed: usize,
    output: Vec<u8>,
    sent: usize,
    /// Whether frames beyond the usual length are lost.
    pub(super) usual_frames_only: bool,
    /// What came in, counted.
    pub(super) census: Census,
    /// Whether the other end broke the framing; no frame can be found after that.
    pub(super) broken: bool,
}

impl Link {
    /// Nothing has come yet.
    pub(super) fn new(usual_frames_only: bool) -> Self {
        Self {
            usual_frames_only,
            ..Self::default()
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..self.consumed);
        self.consumed = 0;
        self.input.extend_from_slice(bytes);
    }

    pub(super) fn wants_input(&self) -> bool {
        self.input.len() - self.consumed < INPUT_LIMIT
    }

    pub(super) fn output(&self) -> &[u8] {
        &self.output[self.sent..]
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.output.len() {
            self.output.clear();
            self.sent = 0;
        }
    }

    /// Whether a frame could be taken up right now.
    pub(super) fn is_ready(&self) -> bool {
        !self.broken && self.has_room() && self.peek_frame().is_some()
    }

    fn has_room(&self) -> bool {
        self.output.len() < OUTPUT_LIMIT
    }

    /// Where the next frame is, if it is whole; an error if it is longer than frames are.
    fn peek_frame(&self) -> Option<Result<Range<usize>, TooLong>> {
        let rest = self.input.get(self.consumed..)?;
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_FRAME_BYTES {
            return Some(Err(TooLong));
        }
        rest.get(..length)?;
        let start = self.consumed + LENGTH_BYTES;
        Some(Ok(start..start + length))
    }

    fn next_frame(&mut self) -> Option<Range<usize>> {
        if self.broken {
            return None;
        }
        let Ok(range) = self.peek_frame()? else {
            self.broken = true;
            return None;
        };
        self.consumed = range.end;
        Some(range)
    }
}

/// No frame is that long: what follows is no length either.
struct TooLong;

impl Device for Link {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        if !self.has_room() {
            return None;
        }
        let range = loop {
            let range = self.next_frame()?;
            if !self.usual_frames_only || range.len() <= USUAL_FRAME_BYTES {
                break range;
            }
        };
        let frame = self.input.get(range)?;
        self.census.count(frame);
        Some((Incoming(frame), Outgoing(&mut self.output)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        self.has_room().then_some(Outgoing(&mut self.output))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// A frame that came in.
pub(super) struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for a frame.
pub(super) struct Outgoing<'a>(&'a mut Vec<u8>);

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let length = u32::try_from(len).expect("smoltcp keeps to the MTU");
        self.0.extend_from_slice(&length.to_be_bytes());
        let start = self.0.len();
        self.0.resize(start + len, 0);
        write(&mut self.0[start..])
    }
}
