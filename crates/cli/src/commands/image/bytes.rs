//! Sizes as people write them.

/// Parses `512`, `64K`, `2M`, `10GiB`: powers of 1024, as `qemu-img` has it.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        "p" | "pib" => 50,
        _ => return Err(format!("{unit:?} is no unit; say K, M, G, T or P")),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "say a number, and perhaps a unit: 64K, 10G".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "more than 64 bits can hold".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn units_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("512b", 512),
            ("64k", 65_536),
            ("64KiB", 65_536),
            ("3M", 3 << 20),
            ("10G", 10 << 30),
            ("64T", 64 << 40),
            ("16383P", 16_383 << 50),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "G",
            "-1",
            "1.5G",
            "1X",
            "16384P",
            "99999999999999999999",
            " 1",
            "1 G",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
