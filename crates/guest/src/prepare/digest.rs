//! SHA-256 of files, and hexadecimal digits.

use std::fmt::Write as _;

use detente_block::BlockRead;
use detente_volume::FsError;
use sha2::{Digest as _, Sha256};

/// What is read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// The SHA-256 of bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The SHA-256 of a file, read piece by piece.
pub(crate) fn sha256_of(file: &dyn BlockRead) -> Result<String, FsError> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let (mut at, end) = (0_u64, file.len_bytes());
    while at < end {
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(CHUNK_BYTES);
        let len = left.min(CHUNK_BYTES);
        let piece = buffer.get_mut(..len).unwrap_or_default();
        file.read_exact_at(at, piece)?;
        hash.update(&*piece);
        at = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }
    Ok(hex(&hash.finalize()))
}

/// Two lower-case digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let written = write!(text, "{byte:02x}");
        written.expect("a string takes whatever is written");
    }
    text
}

/// The bytes of [`hex`].
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| {
        let value = digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?;
        u8::try_from(value).ok()
    };
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    rest.is_empty().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_back_as_bytes() {
        assert_eq!(hex(&[0, 0xAB, 0xff]), "00abff");
        assert_eq!(unhex("00aBff"), Some(vec![0, 0xAB, 0xff]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("0g"), None);
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        // sha256sum of 600000 bytes 'a'.
        let file = detente_block::MemoryBackend::new(vec![b'a'; 600_000]);
        let whole = sha256(&vec![b'a'; 600_000]);
        assert_eq!(sha256_of(&file).unwrap(), whole);
        // FIPS 180-2, B.1.
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
