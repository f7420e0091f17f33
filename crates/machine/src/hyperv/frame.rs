//! The framing: which stream a piece of bytes belongs to, and how long it is.

use serde::Serialize;

/// The longest body. A guest's own bytes come in far smaller pieces; lists may be long.
pub const FRAME_LIMIT_BYTES: usize = 1 << 20;

/// Kind (one byte), three bytes of zero, length (32 bits, little endian).
pub const HEADER_BYTES: usize = 8;

/// Which stream a frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// JSON: an [`Order`](super::Order) to the machine, an [`Event`](super::Event) from it.
    Control,
    /// What the guest wrote to its first serial port.
    ConsoleOutput,
    /// What is typed at its first serial port.
    ConsoleInput,
    /// What the guest wrote to its second serial port.
    AgentOutput,
    /// What is sent to its second serial port.
    AgentInput,
    /// An Ethernet frame from the guest's network card.
    NetworkOutput,
    /// An Ethernet frame to it.
    NetworkInput,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Control,
        Self::ConsoleOutput,
        Self::ConsoleInput,
        Self::AgentOutput,
        Self::AgentInput,
        Self::NetworkOutput,
        Self::NetworkInput,
    ];

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Control => 1,
            Self::ConsoleOutput => 2,
            Self::ConsoleInput => 3,
            Self::AgentOutput => 4,
            Self::AgentInput => 5,
            Self::NetworkOutput => 6,
            Self::NetworkInput => 7,
        }
    }

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// A piece of one of the streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Which stream.
    pub kind: Kind,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Why bytes are no frame. The stream is lost then: nothing says where the next frame starts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// No stream has this number.
    #[error("no stream has number {kind}")]
    UnknownKind {
        /// The number.
        kind: u8,
    },
    /// Bytes that are to be zero are not.
    #[error("the reserved bytes of a frame are not zero")]
    Reserved,
    /// Longer than frames are.
    #[error("a frame of {len} bytes is longer than the limit of {FRAME_LIMIT_BYTES}")]
    TooLong {
        /// How long.
        len: usize,
    },
    /// What was to be sent cannot be written as JSON.
    #[error("a message cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// A frame as it goes over the wire.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn encode(kind: Kind, body: &[u8]) -> Result<Vec<u8>, FrameError> {
    let len = body.len();
    let too_long = FrameError::TooLong { len };
    if len > FRAME_LIMIT_BYTES {
        return Err(too_long);
    }
    let length = u32::try_from(len).map_err(|_| too_long)?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + len);
    bytes.extend([kind.number(), 0, 0, 0]);
    bytes.extend(length.to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

/// A message as a frame.
///
/// # Errors
/// [`FrameError`].
pub fn encode_json(kind: Kind, message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    encode(kind, &serde_json::to_vec(message)?)
}

/// Takes frames out of a stream that comes in pieces.
#[derive(Debug, Default)]
pub struct FrameReader {
    bytes: Vec<u8>,
    taken: usize,
}

impl FrameReader {
    /// Takes up bytes that came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame. Take all of them before you feed more: what is kept stays below
    /// one frame and one piece then.
    ///
    /// # Errors
    /// [`FrameError`]; the stream is lost then.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        let Some((header, rest)) = rest.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let [number, reserved @ .., a, b, c, d] = *header;
        let kind = Kind::of(number).ok_or(FrameError::UnknownKind { kind: number })?;
        if reserved != [0; 3] {
            return Err(FrameError::Reserved);
        }
        let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if len > FRAME_LIMIT_BYTES {
            return Err(FrameError::TooLong { len });
        }
        let Some(body) = rest.get(..len) else {
            return Ok(None);
        };
        let body = body.to_vec();
        self.taken += HEADER_BYTES + len;
        Ok(Some(Frame { kind, body }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Vec<u8> {
        encode(Kind::AgentOutput, b"abc").unwrap()
    }

    fn refused(spoil: impl FnOnce(&mut Vec<u8>)) -> FrameError {
        let mut bytes = sound();
        spoil(&mut bytes);
        let mut reader = FrameReader::default();
        reader.feed(&bytes);
        reader.next_frame().unwrap_err()
    }

    #[test]
    fn a_frame_is_kind_zeroes_length_body() {
        assert_eq!(sound(), b"\x04\0\0\0\x03\0\0\0abc");
    }

    #[test]
    fn a_frame_that_comes_byte_by_byte_is_whole_at_its_last() {
        let mut reader = FrameReader::default();
        let bytes = sound();
        for (at, byte) in bytes.iter().enumerate() {
            reader.feed(&[*byte]);
            let frame = reader.next_frame().unwrap();
            assert_eq!(frame.is_some(), at + 1 == bytes.len());
        }
    }

    #[test]
    fn every_kind_has_its_own_number() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.number()), Some(kind));
        }
    }

    #[test]
    fn a_stream_that_does_not_exist_is_refused() {
        let error = refused(|bytes| bytes[0] = 8);
        assert!(matches!(error, FrameError::UnknownKind { kind: 8 }));
    }

    #[test]
    fn reserved_bytes_are_zero() {
        assert!(matches!(
            refused(|bytes| bytes[2] = 1),
            FrameError::Reserved
        ));
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_its_bytes_come() {
        let error = refused(|bytes| bytes[6] = 0x11);
        assert!(matches!(error, FrameError::TooLong { len: 0x11_0003 }));
        let body = vec![0; FRAME_LIMIT_BYTES + 1];
        assert!(encode(Kind::Control, &body).is_err());
    }
}
