//! Dates as formats of the 1980s keep them.

/// Days from 1970-01-01 of a year of four digits at most and a month of 1 to 12, by counting from
/// the first of March (H. Hinnant, "chrono-compatible low-level date algorithms").
#[expect(
    clippy::arithmetic_side_effects,
    reason = "every operand has at most 16 bits"
)]
pub(crate) fn days_since_1970(year: u16, month: u8, day: u8) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let month = if month <= 2 { month + 9 } else { month - 3 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    // Floors, also for the year before 0.
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970() {
        // `date -u -d DATE +%s`, by 86400.
        let check = |(year, month, day), days| {
            assert_eq!(
                days_since_1970(year, month, day),
                days,
                "{year}-{month}-{day}"
            );
        };
        check((1970, 1, 1), 0);
        check((2024, 2, 29), 19_782);
        check((2100, 3, 1), 47_541);
        check((1900, 1, 1), -25_567);
        check((0, 1, 1), -719_528);
    }
}
