//! Frames: a mark, a length, a checksum, and JSON.
//!
//! | bytes | what                                                     |
//! |-------|----------------------------------------------------------|
//! | 4     | the mark, `d7 44 54 01`                                  |
//! | 4     | length of the payload, little-endian                     |
//! | 4     | CRC-32 (ISO-HDLC) of the payload, little-endian          |
//! | n     | the payload: JSON in UTF-8                               |
//!
//! A serial port may carry anything between frames: a kernel's messages, a boot loader's menu,
//! half a frame. `d7` begins a two-byte character in UTF-8 and `44` never continues one, so **no
//! payload can hold the mark**. The decoder leans on that: a mark inside what claims to be a
//! payload proves the claim false at once, so neither a lie about the length nor a frame that
//! was cut short holds back the good frames behind it.

/// The longest payload of a frame.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

const MARK: [u8; 4] = [0xd7, b'D', b'T', 0x01];
const HEADER_BYTES: usize = 12;

/// Why a frame could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The payload is over [`MAX_PAYLOAD_BYTES`].
    #[error("a payload of {len} bytes is longer than a frame may be")]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// The message cannot be written as JSON.
    #[error("cannot encode the message")]
    Json(#[from] serde_json::Error),
}

/// One message as a frame.
///
/// # Errors
/// [`FrameError`].
pub fn encode<T: serde::Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let payload = serde_json::to_vec(message)?;
    let len = payload.len();
    let claimed = u32::try_from(len)
        .ok()
        .filter(|_| len <= MAX_PAYLOAD_BYTES)
        .ok_or(FrameError::TooLong { len })?;
    let mut frame = Vec::with_capacity(HEADER_BYTES.saturating_add(len));
    frame.extend_from_slice(&MARK);
    frame.extend_from_slice(&claimed.to_le_bytes());
    frame.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    frame.extend_from_slice(&payload);
    Ok(frame)
}

/// Finds frames in a stream of bytes that may hold anything else.
///
/// It keeps at most one unfinished frame, so its memory is bounded by [`MAX_PAYLOAD_BYTES`]
/// and by what one call of [`push`](Decoder::push) brings.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
    /// How many bytes of `pending` are known to hold no second mark.
    searched: usize,
    garbage: u64,
}

/// What stands at the beginning of the bytes.
enum Step {
    /// A whole frame, header included.
    Frame { payload: Vec<u8>, len: usize },
    /// Bytes that belong to no frame.
    Garbage { len: usize },
    /// Perhaps a frame; more bytes will tell.
    Unfinished,
}

impl Decoder {
    /// A decoder that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes and yields the payloads of the frames that are whole now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.pending.extend_from_slice(bytes);
        let mut payloads = Vec::new();
        let mut at = 0_usize;
        // Every step but the last takes at least one byte off `pending`.
        while let Some(rest) = self.pending.get(at..).filter(|rest| !rest.is_empty()) {
            let taken = match step(rest, &mut self.searched) {
                Step::Frame { payload, len } => {
                    payloads.push(payload);
                    len
                }
                Step::Garbage { len } => {
                    self.garbage = self.garbage.saturating_add(len as u64);
                    len
                }
                Step::Unfinished => break,
            };
            self.searched = 0;
            at = at.saturating_add(taken);
        }
        self.pending.drain(..at.min(self.pending.len()));
        payloads
    }

    /// How many bytes belonged to no frame so far.
    #[must_use]
    pub fn garbage_bytes(&self) -> u64 {
        self.garbage
    }
}

/// Looks at the beginning of `bytes`; `searched` remembers how far that looking went.
fn step(bytes: &[u8], searched: &mut usize) -> Step {
    let start = mark_or_part_of_one(bytes);
    if start > 0 {
        return Step::Garbage { len: start };
    }
    let Some((len, crc)) = header(bytes) else {
        return Step::Unfinished;
    };
    // One byte is thrown away and not the header: the true mark may begin inside it.
    if len > MAX_PAYLOAD_BYTES {
        return Step::Garbage { len: 1 };
    }
    let end = HEADER_BYTES.saturating_add(len);
    let there = bytes.get(..end.min(bytes.len())).unwrap_or_default();
    if holds_mark(there, (*searched).max(HEADER_BYTES)) {
        return Step::Garbage { len: 1 };
    }
    // The last three bytes may be the beginning of a mark.
    *searched = there.len().saturating_sub(MARK.len() - 1);
    match bytes.get(HEADER_BYTES..end) {
        None => Step::Unfinished,
        Some(payload) if crc32fast::hash(payload) == crc => Step::Frame {
            payload: payload.to_vec(),
            len: end,
        },
        Some(_) => Step::Garbage { len: 1 },
    }
}

/// Where the first mark begins, or the part of one that the end of `bytes` cuts off.
fn mark_or_part_of_one(bytes: &[u8]) -> usize {
    (0..bytes.len())
        .find(|&at| {
            let rest = bytes.get(at..).unwrap_or_default();
            rest.first() == MARK.first() && rest.iter().zip(MARK).all(|(byte, mark)| *byte == mark)
        })
        .unwrap_or(bytes.len())
}

fn holds_mark(bytes: &[u8], from: usize) -> bool {
    bytes
        .get(from..)
        .is_some_and(|rest| rest.windows(MARK.len()).any(|window| window == MARK))
}

/// The claimed length and checksum, when the header is whole.
fn header(bytes: &[u8]) -> Option<(usize, u32)> {
    let field = |at: usize| -> Option<u32> {
        let field: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(u32::from_le_bytes(field))
    };
    let (len, crc) = (field(4)?, field(8)?);
    Some((usize::try_from(len).unwrap_or(usize::MAX), crc))
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
