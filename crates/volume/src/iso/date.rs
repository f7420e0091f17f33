//! Dates of records.

use crate::date::days_since_1970;

/// \[ECMA-119\] 9.1.5: seven bytes, the last of them the zone. 0 if it is not set.
pub(super) fn short(bytes: &[u8]) -> i64 {
    let Some(&[year, month, day, hour, minute, second, zone]) = bytes.first_chunk() else {
        return 0;
    };
    let year = 1900_u16.saturating_add(u16::from(year));
    seconds((year, month, day), (hour, minute, second), zone)
}

/// \[ECMA-119\] 8.4.26.1: sixteen digits and the zone. 0 if it is not set.
pub(super) fn long(bytes: &[u8]) -> i64 {
    let number = |at: usize, len: usize| -> Option<u16> {
        let digits = bytes.get(at..at.checked_add(len)?)?;
        let digits = std::str::from_utf8(digits).ok()?;
        digits.parse().ok()
    };
    let pair = |at| u8::try_from(number(at, 2)?).ok();
    let found = || {
        let date = (number(0, 4)?, pair(4)?, pair(6)?);
        let time = (pair(8)?, pair(10)?, pair(12)?);
        Some(seconds(date, time, *bytes.get(16)?))
    };
    found().unwrap_or(0)
}

/// Seconds since 1970; the zone counts quarters of an hour east of Greenwich.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "every operand has at most 16 bits"
)]
fn seconds(
    (year, month, day): (u16, u8, u8),
    (hour, minute, second): (u8, u8, u8),
    zone: u8,
) -> i64 {
    /// \[ECMA-119\] 9.1.5: from 12 hours west to 13 hours east.
    const ZONES: std::ops::RangeInclusive<i8> = -48..=52;
    if !(1..=12).contains(&month) || day == 0 {
        return 0;
    }
    let zone = i8::from_le_bytes([zone]);
    let zone = if ZONES.contains(&zone) { zone } else { 0 };
    let time = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    days_since_1970(year, month, day) * 86_400 + time - i64::from(zone) * 900
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_1970_in_their_zone() {
        // `date -d '2024-02-29 12:34:56 +0200' +%s`
        assert_eq!(short(&[124, 2, 29, 12, 34, 56, 8]), 1_709_202_896);
        assert_eq!(long(b"2024022912345699\x08"), 1_709_202_896);
        // Five hours west; a zone that there is not.
        assert_eq!(short(&[124, 2, 29, 12, 34, 56, 0xec]), 1_709_228_096);
        assert_eq!(short(&[124, 2, 29, 12, 34, 56, 99]), 1_709_210_096);
        for unset in [&[0; 7][..], &[0; 6], b""] {
            assert_eq!(short(unset), 0);
        }
        assert_eq!((long(b"0000000000000000\0"), long(b"2024")), (0, 0));
    }
}
