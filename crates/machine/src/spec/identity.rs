//! Who a machine is: the UUID that SMBIOS shows, the generation id, addresses of cards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What tells a machine from its copies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The UUID that the guest reads in SMBIOS, as text shows it. Activation, licences and
    /// cloud-init's instance id hang on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Uuid>,
    /// How the platform lays the UUID out in SMBIOS.
    #[serde(default)]
    pub byte_order: UuidByteOrder,
    /// The id by which a hypervisor knows it, where that is another one (Hyper-V's `VMId`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_id: Option<Uuid>,
    /// The generation id, which tells a guest that it was copied or set back.
    #[serde(default)]
    pub generation_id: GenerationId,
}

impl Identity {
    /// The sixteen bytes of the UUID as the guest finds them in its SMBIOS table.
    #[must_use]
    pub fn smbios_bytes(self) -> Option<[u8; 16]> {
        let uuid = self.uuid?;
        Some(match self.byte_order {
            UuidByteOrder::LittleEndian => uuid.swapped().0,
            UuidByteOrder::AsWritten => uuid.0,
        })
    }
}

/// How a UUID's first three fields lie in SMBIOS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UuidByteOrder {
    /// Little-endian, as SMBIOS 2.6 and later say (QEMU; Hyper-V's generation 2).
    #[default]
    LittleEndian,
    /// As text shows them.
    AsWritten,
}

/// The generation id of a machine (ACPI's `VM_Gen_Counter`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum GenerationId {
    /// The guest sees none.
    #[default]
    Absent,
    /// The host makes one, and another with each copy.
    HostMade,
    /// This one.
    Fixed(Uuid),
}

/// A UUID in the order of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The same digits with the first three fields turned round.
    #[must_use]
    pub fn swapped(self) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.0;
        let [i, j, k, l, m, n, o, p] = rest;
        Self([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A text is no UUID or no hardware address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}")]
pub struct NotAnId {
    /// What it should have been.
    pub what: &'static str,
    /// The text.
    pub text: String,
}

impl FromStr for Uuid {
    type Err = NotAnId;

    /// With or without hyphens, with or without braces.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let trimmed = text.trim();
        let inner = trimmed
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(trimmed);
        hex(inner, &['-']).map(Self).ok_or_else(|| NotAnId {
            what: "UUID",
            text: shortened(text),
        })
    }
}

/// The hardware address of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// Whether it is an address of many cards, which none can have as its own.
    #[must_use]
    pub fn is_multicast(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddress {
    type Err = NotAnId;

    /// With colons, with hyphens, or without either, as Hyper-V writes them.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        hex(text.trim(), &[':', '-'])
            .map(Self)
            .ok_or_else(|| NotAnId {
                what: "hardware address",
                text: shortened(text),
            })
    }
}

/// Exactly N bytes of hexadecimal digits; separators may stand between bytes.
fn hex<const N: usize>(text: &str, separators: &[char]) -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    let mut digits = text.chars().peekable();
    for (index, byte) in bytes.iter_mut().enumerate() {
        if index > 0 && digits.peek().is_some_and(|c| separators.contains(c)) {
            digits.next();
        }
        let high = digits.next()?.to_digit(16)?;
        let low = digits.next()?.to_digit(16)?;
        *byte = u8::try_from((high << 4) | low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

/// What is quoted in an error is no longer than this.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(Uuid);
as_text!(MacAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_every_spelling() {
        let plain = "564d1a0c-9bd2-4b7e-8f11-0123456789ab";
        for text in [
            plain,
            "{564D1A0C-9BD2-4B7E-8F11-0123456789AB}",
            "564d1a0c9bd24b7e8f110123456789ab",
        ] {
            assert_eq!(text.parse::<Uuid>().unwrap().to_string(), plain);
        }
        for text in ["00155D01aB03", "00-15-5d-01-ab-03", "00:15:5D:01:AB:03"] {
            let mac: MacAddress = text.parse().unwrap();
            assert_eq!(mac.to_string(), "00:15:5d:01:ab:03");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "564d1a0c",
            "{564d1a0c",
            "564d1a0c-9bd2-4b7e-8f11-0123456789abc",
        ] {
            assert!(text.parse::<Uuid>().is_err(), "{text}");
        }
        for text in [
            "",
            "00:15:5d:01:ab",
            "00:15:5d:01:ab:0g",
            "00:15:5d:01:ab:03:",
        ] {
            assert!(text.parse::<MacAddress>().is_err(), "{text}");
        }
    }

    /// DMTF DSP0134, 7.2.1: 00112233-4455-6677-8899-aabbccddeeff is stored as
    /// 33 22 11 00 55 44 77 66 88 99 aa bb cc dd ee ff.
    #[test]
    fn the_bytes_in_smbios_are_those_of_its_specification() {
        let uuid = "00112233-4455-6677-8899-aabbccddeeff".parse().ok();
        let identity = Identity {
            uuid,
            ..Identity::default()
        };
        let stored = [
            0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ];
        assert_eq!(identity.smbios_bytes(), Some(stored));
    }
}
