//! The record of a key and its value, and the fields that it is made of.
//!
//! | at | bytes | field |
//! |---|---|---|
//! | 0 | 4 | type of the value: 1 text, 4 32 bits, 8 (Linux) or 11 (Windows) 64 bits |
//! | 4 | 4 | bytes of the key, with the zero that ends it |
//! | 8 | 4 | bytes of the value, with the zero that ends a text |
//! | 12 | 512 | key, UTF-16 |
//! | 524 | 2048 | value |

use crate::ic::fields::{bytes_at, put, u32_at, u64_at};

pub(super) const KEY_BYTES: usize = 512;
pub(super) const VALUE_BYTES: usize = 2048;
pub(super) const RECORD_BYTES: usize = 12 + KEY_BYTES + VALUE_BYTES;

const KEY_AT: usize = 12;
const VALUE_AT: usize = KEY_AT + KEY_BYTES;

const TEXT: u32 = 1;
const U32: u32 = 4;
const U64_LINUX: u32 = 8;
const U64_WINDOWS: u32 = 11;

/// A value. Linux's daemon keeps every value as text, and answers with text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text of at most 1023 UTF-16 units.
    Text(String),
    /// A number of 32 bits.
    U32(u32),
    /// A number of 64 bits.
    U64(u64),
    /// A type that we do not know, and its bytes.
    Unknown {
        /// The number of the type.
        kind: u32,
        /// At most 2048 bytes.
        bytes: Vec<u8>,
    },
}

/// Which rule a record, or a text in one, breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Rule {
    #[error("the message is shorter than its fields")]
    Short,
    #[error("{field} of {bytes} bytes, where {limit} fit")]
    Size {
        field: &'static str,
        bytes: u32,
        limit: usize,
    },
    #[error("{field} of {bytes} bytes is not made of UTF-16 units")]
    Odd { field: &'static str, bytes: u32 },
    #[error("{field} is not UTF-16")]
    NotText { field: &'static str },
    #[error("{field} is empty")]
    Empty { field: &'static str },
    #[error("{field} has a zero in it")]
    Zero { field: &'static str },
    #[error("a number of {bytes} bytes, where its type has {wanted}")]
    Number { bytes: u32, wanted: u32 },
    #[error("a value of type {kind} cannot be sent")]
    Type { kind: u32 },
}

/// Text as UTF-16 with the zero that ends it, if it fits.
pub(super) fn encode_text(field: &'static str, text: &str, limit: usize) -> Result<Vec<u8>, Rule> {
    if text.contains('\0') {
        return Err(Rule::Zero { field });
    }
    let units = text.encode_utf16().chain([0]);
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    if bytes.len() > limit {
        let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        return Err(Rule::Size {
            field,
            bytes,
            limit,
        });
    }
    Ok(bytes)
}

/// The text up to the first zero, or to the end.
pub(super) fn decode_text(field: &'static str, bytes: &[u8]) -> Result<String, Rule> {
    let pairs = bytes.chunks_exact(2);
    let units = pairs.map(|pair| {
        pair.iter()
            .rev()
            .fold(0, |unit, &byte| unit << 8 | u16::from(byte))
    });
    char::decode_utf16(units.take_while(|&unit| unit != 0))
        .collect::<Result<_, _>>()
        .map_err(|_| Rule::NotText { field })
}

fn key_bytes(key: &str) -> Result<Vec<u8>, Rule> {
    if key.is_empty() {
        return Err(Rule::Empty { field: "the key" });
    }
    encode_text("the key", key, KEY_BYTES)
}

/// What a key is: the size field and the key itself, as in a deletion.
pub(super) fn encode_key(key: &str) -> Result<Vec<u8>, Rule> {
    let bytes = key_bytes(key)?;
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut field = vec![0; 4 + KEY_BYTES];
    put(&mut field, 0, &size.to_le_bytes());
    put(&mut field, 4, &bytes);
    Ok(field)
}

/// A whole record; without a value where the guest is to fill one in.
pub(super) fn encode_record(key: &str, value: Option<&Value>) -> Result<Vec<u8>, Rule> {
    let key = key_bytes(key)?;
    let (kind, value) = match value {
        None => (0, Vec::new()),
        Some(Value::Text(text)) => (TEXT, encode_text("the value", text, VALUE_BYTES)?),
        Some(Value::U32(number)) => (U32, number.to_le_bytes().to_vec()),
        Some(Value::U64(number)) => (U64_LINUX, number.to_le_bytes().to_vec()),
        Some(&Value::Unknown { kind, .. }) => return Err(Rule::Type { kind }),
    };
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut record = vec![0; RECORD_BYTES];
    put(&mut record, 0, &u32::to_le_bytes(kind));
    put(&mut record, 4, &size(&key));
    put(&mut record, 8, &size(&value));
    put(&mut record, KEY_AT, &key);
    put(&mut record, VALUE_AT, &value);
    Ok(record)
}

/// A field of a record: as many bytes as its size says, all of them checked.
fn sized<'a>(
    record: &'a [u8],
    field: &'static str,
    size_at: usize,
    at: usize,
    limit: usize,
) -> Result<(&'a [u8], u32), Rule> {
    let size = u32_at(record, size_at).ok_or(Rule::Short)?;
    let len = usize::try_from(size).unwrap_or(usize::MAX);
    if len > limit {
        return Err(Rule::Size {
            field,
            bytes: size,
            limit,
        });
    }
    let bytes = bytes_at(record, at, len).ok_or(Rule::Short)?;
    Ok((bytes, size))
}

fn text(field: &'static str, (bytes, size): (&[u8], u32)) -> Result<String, Rule> {
    if bytes.len() % 2 != 0 {
        return Err(Rule::Odd { field, bytes: size });
    }
    decode_text(field, bytes)
}

/// The key that a record names.
pub(super) fn decode_key(record: &[u8]) -> Result<String, Rule> {
    let key = text("the key", sized(record, "the key", 4, KEY_AT, KEY_BYTES)?)?;
    if key.is_empty() {
        return Err(Rule::Empty { field: "the key" });
    }
    Ok(key)
}

/// The value in a record.
pub(super) fn decode_value(record: &[u8]) -> Result<Value, Rule> {
    let kind = u32_at(record, 0).ok_or(Rule::Short)?;
    let (bytes, size) = sized(record, "the value", 8, VALUE_AT, VALUE_BYTES)?;
    let number = |wanted: u32| {
        if size == wanted {
            Ok(())
        } else {
            Err(Rule::Number {
                bytes: size,
                wanted,
            })
        }
    };
    match kind {
        TEXT => text("the value", (bytes, size)).map(Value::Text),
        U32 => {
            number(4)?;
            u32_at(bytes, 0).map(Value::U32).ok_or(Rule::Short)
        }
        U64_LINUX | U64_WINDOWS => {
            number(8)?;
            u64_at(bytes, 0).map(Value::U64).ok_or(Rule::Short)
        }
        kind => Ok(Value::Unknown {
            kind,
            bytes: bytes.to_vec(),
        }),
    }
}
