//! Units of the standard: `byte * 2^20`, and the names that older writers use.

/// How many bytes one of a unit is; `None` for what is no unit of bytes.
pub(super) fn bytes(unit: &str) -> Option<u64> {
    // DSP0004, annex C.1: factors joined by `*`, spaces do not count.
    let mut factors = unit.split('*').map(str::trim);
    let one = match factors.next()?.to_ascii_lowercase().as_str() {
        "byte" | "bytes" => 1,
        "kilobyte" | "kilobytes" => 1 << 10,
        "megabyte" | "megabytes" => 1 << 20,
        "gigabyte" | "gigabytes" => 1 << 30,
        _ => return None,
    };
    factors.try_fold(one, |bytes: u64, factor| bytes.checked_mul(power(factor)?))
}

/// `2^20`, or a plain number.
fn power(factor: &str) -> Option<u64> {
    match factor.split_once('^') {
        None => factor.parse().ok(),
        Some((base, exponent)) => {
            let base: u64 = base.trim().parse().ok()?;
            base.checked_pow(exponent.trim().parse().ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn units_are_factors_of_bytes() {
        for (unit, expect) in [
            ("byte", Some(1)),
            ("byte * 2^30", Some(1 << 30)),
            ("byte*2^20", Some(1 << 20)),
            ("byte * 10^6", Some(1_000_000)),
            ("byte * 1024 * 2^10", Some(1 << 20)),
            ("MegaBytes", Some(1 << 20)),
            ("hertz * 10^6", None),
            ("byte * 2^64", None),
            ("byte * 2^", None),
            ("byte * 2^999999999999", None),
            ("", None),
        ] {
            assert_eq!(bytes(unit), expect, "{unit}");
        }
    }
}
