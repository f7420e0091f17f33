//! What the user says beyond the image.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::PackageFile;
use crate::check::Profile;

/// What a plan is made for, and what the image does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The hardware that the guest is to run on; what it runs on now among them.
    pub profiles: Vec<Profile>,
    /// The addresses of the machine's network cards, as its definition says.
    pub macs: Vec<KnownMac>,
    /// The packages that may be installed.
    pub packages: Vec<PackageFile>,
}

/// The address of a network card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownMac {
    /// The name of the interface, if that is known.
    pub name: Option<String>,
    /// Its address.
    pub mac: MacAddress,
}

/// The address of a network card, six bytes; printed as `52:54:00:12:34:56`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A text is no address of a network card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no MAC address such as 52:54:00:12:34:56")]
pub struct NoMacAddress {
    /// The text.
    pub text: String,
}

impl FromStr for MacAddress {
    type Err = NoMacAddress;

    fn from_str(text: &str) -> Result<Self, NoMacAddress> {
        let wrong = || NoMacAddress {
            text: text.chars().take(64).collect(),
        };
        let bytes = text.split([':', '-']).map(|part| {
            let two = part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
            let byte = u8::from_str_radix(part, 16).ok();
            byte.filter(|_| two).ok_or_else(wrong)
        });
        let bytes = bytes.collect::<Result<Vec<u8>, _>>()?;
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

impl Serialize for MacAddress {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for MacAddress {
    fn deserialize<D: serde::Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        let mac: MacAddress = "52-54-00-aB-0c-01".parse().unwrap();
        assert_eq!(mac.to_string(), "52:54:00:ab:0c:01");
        for wrong in [
            "",
            "52:54",
            "52:54:00:ab:0c:0g",
            "5254:00:ab:0c:01:1",
            "+5:54:00:ab:0c:01",
        ] {
            assert!(wrong.parse::<MacAddress>().is_err(), "{wrong}");
        }
    }
}
