//! Numbers and units as libvirt writes them.

use super::ReadError;
use crate::xml::Element;

/// The error for a text that is not what it should be.
pub(super) fn wrong(field: &str, text: &str, what: &'static str) -> ReadError {
    ReadError::Value {
        field: field.to_owned(),
        text: text.chars().take(64).collect(),
        what,
    }
}

/// A whole number.
pub(super) fn number<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, ReadError> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = plain.then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| wrong(field, text, "number"))
}

/// Takes an attribute that is a whole number.
pub(super) fn take_number<T: std::str::FromStr>(
    element: &mut Element,
    attribute: &str,
) -> Result<Option<T>, ReadError> {
    let Some(text) = element.take(attribute) else {
        return Ok(None);
    };
    let field = format!("{}@{attribute}", element.name);
    number(&field, &text).map(Some)
}

/// A size with its unit: libvirt's `virScaleInteger`, where nothing means KiB.
pub(super) fn size_bytes(field: &str, text: &str, unit: Option<&str>) -> Result<u64, ReadError> {
    let scale: u64 = match unit.unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" => 1_000,
        "k" | "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "T" | "TiB" => 1 << 40,
        other => return Err(wrong(field, other, "unit of memory")),
    };
    let count: u64 = number(field, text)?;
    let bytes = count.checked_mul(scale);
    // libvirt keeps KiB, and rounds up to them.
    bytes
        .and_then(|bytes| bytes.checked_next_multiple_of(1024))
        .ok_or_else(|| wrong(field, text, "size that a machine has"))
}

/// The number that the letters of a disk's name stand for: `vda` is 0, `vdaa` is 26.
pub(super) fn disk_index(name: &str) -> Option<u32> {
    let letters = name
        .strip_prefix("vd")
        .or_else(|| name.strip_prefix("sd"))
        .or_else(|| name.strip_prefix("hd"))
        .or_else(|| name.strip_prefix("fd"))?;
    let mut index: Option<u32> = None;
    for letter in letters.bytes() {
        let digit = letter.checked_sub(b'a').filter(|digit| *digit < 26)?;
        let before = match index {
            None => 0,
            Some(index) => index.checked_add(1)?.checked_mul(26)?,
        };
        index = Some(before.checked_add(digit.into())?);
    }
    index.filter(|index| *index <= 16_383)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libvirt, formatdomain.html, "Memory Allocation".
    #[test]
    fn sizes_have_libvirts_units() {
        for (text, unit, bytes) in [
            ("1048576", None, 1 << 30),
            ("1", Some("GiB"), 1 << 30),
            ("1", Some("G"), 1 << 30),
            ("1024", Some("MB"), 1_024_000_000),
            ("1", Some("bytes"), 1024),
            ("1", Some("KB"), 1024),
        ] {
            assert_eq!(size_bytes("memory", text, unit).unwrap(), bytes);
        }
        for (text, unit) in [
            ("", None),
            ("-1", None),
            ("1.5", Some("GiB")),
            ("1", Some("ZiB")),
            ("18446744073709551615", Some("TiB")),
            ("18446744073709551615", Some("bytes")),
        ] {
            assert!(size_bytes("memory", text, unit).is_err(), "{text} {unit:?}");
        }
    }

    #[test]
    fn names_of_disks_count_in_letters() {
        for (name, index) in [
            ("vda", 0),
            ("sdz", 25),
            ("vdaa", 26),
            ("hdab", 27),
            ("vdba", 52),
        ] {
            assert_eq!(disk_index(name), Some(index), "{name}");
        }
        for name in ["vd", "xvda", "vdA", "vd1", "vdzzzzzzzzzzz"] {
            assert_eq!(disk_index(name), None, "{name}");
        }
    }
}
