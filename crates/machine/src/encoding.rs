//! Text from other systems: UTF-8, and UTF-16 with a byte order mark, as Windows writes it.

use std::borrow::Cow;

/// Bytes are no characters in the encoding that they begin like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no text in {encoding}")]
pub struct NotText {
    /// What was tried.
    pub encoding: &'static str,
}

/// The text that bytes stand for, without its byte order mark.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    let wide = |rest: &[u8], word: fn([u8; 2]) -> u16, encoding| {
        let (words, odd) = rest.as_chunks::<2>();
        let words = words.iter().map(|&bytes| word(bytes));
        let text: Result<String, _> = char::decode_utf16(words).collect();
        match text {
            Ok(text) if odd.is_empty() => Ok(Cow::Owned(text)),
            Ok(_) | Err(_) => Err(NotText { encoding }),
        }
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes, "UTF-16, low byte first"),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes, "UTF-16, high byte first"),
        [0xef, 0xbb, 0xbf, rest @ ..] => narrow(rest),
        all => narrow(all),
    }
}

fn narrow(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    let encoding = "UTF-8";
    let text = std::str::from_utf8(bytes).map_err(|_| NotText { encoding })?;
    Ok(Cow::Borrowed(text))
}
