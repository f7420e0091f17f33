//! Unique ids as Microsoft's formats store and print them.

use std::fmt;

/// A GUID as it stands on disk: the first three fields little-endian, the rest in order
/// (\[MS-DTYP\] 2.3.4.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

/// Which byte on disk each printed byte is.
const PRINTED: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
/// Before which of the printed bytes there is a hyphen.
const HYPHENS: [usize; 4] = [4, 6, 8, 10];

impl Guid {
    /// No id.
    pub const ZERO: Self = Self([0; 16]);

    /// Makes random bytes an id of version 4 (RFC 9562, 5.4).
    #[must_use]
    pub fn random(mut bytes: [u8; 16]) -> Self {
        // The version is the high half of the third field's high byte, which is stored last.
        let [.., version, variant, _, _, _, _, _, _, _] = &mut bytes;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        Self(bytes)
    }

    /// Reads `83ed0ec3-24c8-49a6-a959-5e4bf1288bfb`, in braces or not, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let mut digits = inner.unwrap_or(text).bytes();
        let mut guid = Self::ZERO;
        for (index, at) in PRINTED.into_iter().enumerate() {
            if HYPHENS.contains(&index) && digits.next() != Some(b'-') {
                return None;
            }
            let (high, low) = (hex(digits.next()?)?, hex(digits.next()?)?);
            *guid.0.get_mut(at)? = high << 4 | low;
        }
        digits.next().is_none().then_some(guid)
    }
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, at) in PRINTED.into_iter().enumerate() {
            if HYPHENS.contains(&index) {
                f.write_str("-")?;
            }
            write!(f, "{:02x}", self.0.get(at).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The BAT's id, printed in \[MS-VHDX\] 2.2.3.2 and seen in files.
    const BYTES: [u8; 16] = [
        0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a,
        0x08,
    ];

    #[test]
    fn ids_are_printed_and_read() {
        let text = "2dc27766-f623-4200-9d64-115e9bfd4a08";
        assert_eq!(Guid(BYTES).to_string(), text);
        assert_eq!(Guid::parse(text), Some(Guid(BYTES)));
        let braces = format!("{{{}}}", text.to_uppercase());
        assert_eq!(Guid::parse(&braces), Some(Guid(BYTES)));
    }

    #[test]
    fn what_is_no_id_is_not_read() {
        for text in [
            "",
            "{}",
            "2dc27766-f623-4200-9d64-115e9bfd4a0",
            "2dc27766-f623-4200-9d64-115e9bfd4a088",
            "2dc27766f6234200-9d64-115e9bfd4a08",
            "{2dc27766-f623-4200-9d64-115e9bfd4a08",
            "2dc27766-f623-4200-9d64-115e9bfd4ag8",
        ] {
            assert_eq!(Guid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn random_ids_say_that_they_are_random() {
        assert_eq!(
            Guid::random([0xff; 16]).to_string(),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            Guid::random([0; 16]).to_string(),
            "00000000-0000-4000-8000-000000000000"
        );
    }
}
