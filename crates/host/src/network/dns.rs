//! A name server (RFC 1035) that knows one name.

use super::{GATEWAY, NAME};

pub(super) const PORT: u16 = 53;

const HEADER_BYTES: usize = 12;

/// RFC 1035, 4.1.1.
const FLAG_RESPONSE: u8 = 0x80;
const FLAG_AUTHORITATIVE: u8 = 0x04;
const MASK_OPCODE: u8 = 0x78;
const MASK_RECURSION_DESIRED: u8 = 0x01;
const RCODE_OK: u8 = 0;
const RCODE_NO_SUCH_NAME: u8 = 3;
const RCODE_NOT_IMPLEMENTED: u8 = 4;

/// RFC 1035, 3.2.2 to 3.2.5.
const TYPE_A: u16 = 1;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;

/// A message for the asker.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    /// Whether it holds an address.
    pub(super) is_found: bool,
}

/// The answer to a query, if it is one with one question.
pub(super) fn answer(query: &[u8]) -> Option<Reply> {
    let (header, rest) = query.split_first_chunk::<HEADER_BYTES>()?;
    let [id_high, id_low, flags, _, questions_high, questions_low, ..] = *header;
    if flags & FLAG_RESPONSE != 0 || (questions_high, questions_low) != (0, 1) {
        return None;
    }
    let question = Question::parse(rest)?;
    let is_ours = question.name.eq_ignore_ascii_case(NAME.as_bytes());
    let is_query = flags & MASK_OPCODE == 0;
    let rcode = match (is_query, is_ours) {
        (false, _) => RCODE_NOT_IMPLEMENTED,
        (true, false) => RCODE_NO_SUCH_NAME,
        (true, true) => RCODE_OK,
    };
    let is_found = rcode == RCODE_OK && question.asks_for_address();
    let flags =
        FLAG_RESPONSE | FLAG_AUTHORITATIVE | (flags & (MASK_OPCODE | MASK_RECURSION_DESIRED));
    let mut bytes = vec![id_high, id_low, flags, rcode, 0, 1, 0, u8::from(is_found)];
    bytes.extend([0; 4]);
    bytes.extend_from_slice(question.bytes);
    if is_found {
        // The name by a pointer to the question, A, IN, a minute, four bytes.
        bytes.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        bytes.extend(GATEWAY);
    }
    Some(Reply { bytes, is_found })
}

struct Question<'a> {
    /// The labels, dots between them.
    name: Vec<u8>,
    kind: u16,
    class: u16,
    /// As it was sent.
    bytes: &'a [u8],
}

impl<'a> Question<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut name = Vec::new();
        let mut rest = bytes;
        loop {
            let (&length, after) = rest.split_first()?;
            rest = after;
            // RFC 1035, 2.3.4: labels up to 63 bytes, names up to 255; a question has no pointer.
            if length > 63 || name.len() > 255 {
                return None;
            }
            if length == 0 {
                break;
            }
            if !name.is_empty() {
                name.push(b'.');
            }
            let (label, after) = rest.split_at_checked(usize::from(length))?;
            name.extend_from_slice(label);
            rest = after;
        }
        let (&[kind_high, kind_low, class_high, class_low], rest) = rest.split_first_chunk()?;
        Some(Self {
            name,
            kind: u16::from_be_bytes([kind_high, kind_low]),
            class: u16::from_be_bytes([class_high, class_low]),
            bytes: bytes.get(..bytes.len().checked_sub(rest.len())?)?,
        })
    }

    fn asks_for_address(&self) -> bool {
        self.class == CLASS_IN && (self.kind == TYPE_A || self.kind == TYPE_ANY)
    }
}
