//! Bytes as hex in a message.

use serde::{Deserialize, Serialize};

/// Bytes that need not be text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub Vec<u8>);

/// A text that is no bytes as hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an even number of hexadecimal digits")]
pub struct NotHex;

impl TryFrom<String> for Bytes {
    type Error = NotHex;

    fn try_from(text: String) -> Result<Self, NotHex> {
        let digits = text.as_bytes().chunks(2);
        digits
            .map(byte)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(NotHex)
    }
}

fn byte(pair: &[u8]) -> Option<u8> {
    let &[high, low] = pair else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?).ok()
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        use std::fmt::Write as _;
        let mut text = Self::with_capacity(bytes.0.len().saturating_mul(2));
        for byte in bytes.0 {
            write!(text, "{byte:02x}").expect("a string takes everything");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, NotHex};

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(
            Bytes::try_from("00ffA7".to_owned()),
            Ok(Bytes(vec![0, 255, 0xa7]))
        );
        assert_eq!(String::from(Bytes(vec![0, 255, 0xa7])), "00ffa7");
    }

    #[test]
    fn what_is_no_hex_is_refused() {
        for text in ["0", "0g", "+1", "é"] {
            assert_eq!(Bytes::try_from(text.to_owned()), Err(NotHex), "{text}");
        }
    }
}
