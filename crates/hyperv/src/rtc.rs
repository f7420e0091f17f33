//! The clock chip at ports 70h and 71h, as far as a guest reads it.
//!
//! It answers at once and never says that an update is going on. With no chip at all, a kernel
//! that reads FFh waits for the update to end: 23 seconds of each boot.
//!
//! ```
//! use std::time::Duration;
//! use detente_hyperv::rtc::{DATA_PORT, INDEX_PORT, Rtc};
//!
//! let mut rtc = Rtc::new();
//! rtc.write(INDEX_PORT, 0x09);
//! // 2026-11-22, as two decimal digits of the year.
//! assert_eq!(rtc.read(DATA_PORT, Duration::from_secs(1_795_305_600)), 0x26);
//! ```

use std::time::Duration;

/// The port that selects a register.
pub const INDEX_PORT: u16 = 0x70;
/// The port that the register is read by.
pub const DATA_PORT: u16 = 0x71;

/// Divider and rate as usual; bit 7, "update in progress", is never set.
const REGISTER_A: u8 = 0x26;
/// 24 hours, binary-coded decimal, no interrupts.
const REGISTER_B: u8 = 0x02;
/// Date and memory are valid.
const REGISTER_D: u8 = 0x80;

/// The chip. It keeps no time of its own, and does not let itself be set.
#[derive(Debug, Default)]
pub struct Rtc {
    index: u8,
}

impl Rtc {
    /// A chip with register 0 selected.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The guest writes one of the two ports.
    pub fn write(&mut self, port: u16, value: u8) {
        if port == INDEX_PORT {
            // Bit 7 masks the NMI, which is none of ours.
            self.index = value & 0x7f;
        }
    }

    /// The guest reads one of the two ports; `wall` is the time since 1970-01-01, UTC.
    #[must_use]
    pub fn read(&self, port: u16, wall: Duration) -> u8 {
        if port != DATA_PORT {
            return 0xff;
        }
        let time = Time::at(wall);
        match self.index {
            0x00 => decimal(time.second),
            0x02 => decimal(time.minute),
            0x04 => decimal(time.hour),
            0x06 => decimal(time.weekday),
            0x07 => decimal(time.day),
            0x08 => decimal(time.month),
            0x09 => decimal(time.year % 100),
            0x0a => REGISTER_A,
            0x0b => REGISTER_B,
            0x0d => REGISTER_D,
            0x32 => decimal(time.year / 100),
            _ => 0,
        }
    }
}

/// A number below 100 in binary-coded decimal.
fn decimal(value: u64) -> u8 {
    let digits = ((value / 10 % 10) << 4) | (value % 10);
    u8::try_from(digits).unwrap_or(0)
}

/// A moment, in the parts that the chip shows.
struct Time {
    second: u64,
    minute: u64,
    hour: u64,
    /// 1 is Sunday.
    weekday: u64,
    day: u64,
    month: u64,
    year: u64,
}

impl Time {
    fn at(wall: Duration) -> Self {
        // The chip shows four digits of the year: later than that is never.
        let seconds = wall.as_secs().min(253_402_300_799);
        let days = seconds / 86_400;
        let (year, month, day) = date(days);
        Self {
            second: seconds % 60,
            minute: seconds / 60 % 60,
            hour: seconds / 3600 % 24,
            // 1970-01-01 was a Thursday.
            weekday: (days + 4) % 7 + 1,
            day,
            month,
            year,
        }
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Counts years from March, so that the leap day is the last of its year; the days before each
/// month then follow from 153 days in each five months.
fn date(days: u64) -> (u64, u64, u64) {
    // From 0000-03-01; 400 years have 146097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, carry) = if month_from_march < 10 {
        (month_from_march + 3, 0)
    } else {
        (month_from_march - 9, 1)
    };
    (era * 400 + year_of_era + carry, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DATA_PORT, INDEX_PORT, Rtc};

    fn registers(seconds: u64, indices: &[u8]) -> Vec<u8> {
        let mut rtc = Rtc::new();
        let read = |index: &u8| {
            rtc.write(INDEX_PORT, *index);
            rtc.read(DATA_PORT, Duration::from_secs(seconds))
        };
        indices.iter().map(read).collect()
    }

    #[test]
    fn no_update_is_ever_going_on_and_the_date_is_valid() {
        // The answers that took 23 s off each boot.
        assert_eq!(registers(0, &[0x0a, 0x0b, 0x0d]), [0x26, 0x02, 0x80]);
    }

    #[test]
    fn moments_are_as_date_u_prints_them() {
        // `date -u -d @N '+%S %M %H %w+1 %d %m %y %C'`, read as hexadecimal digits.
        let cases = [
            (0, [0x00, 0x00, 0x00, 0x05, 0x01, 0x01, 0x70, 0x19]),
            (
                951_827_696,
                [0x56, 0x34, 0x12, 0x03, 0x29, 0x02, 0x00, 0x20],
            ),
            (
                1_795_391_999,
                [0x59, 0x59, 0x23, 0x01, 0x22, 0x11, 0x26, 0x20],
            ),
            (
                1_798_761_599,
                [0x59, 0x59, 0x23, 0x05, 0x31, 0x12, 0x26, 0x20],
            ),
            (
                4_107_542_400,
                [0x00, 0x00, 0x00, 0x02, 0x01, 0x03, 0x00, 0x21],
            ),
        ];
        for (seconds, expected) in cases {
            let indices = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32];
            assert_eq!(registers(seconds, &indices), expected, "@{seconds}");
        }
    }

    #[test]
    fn a_masked_nmi_selects_the_same_register() {
        assert_eq!(registers(0, &[0x8a]), [0x26]);
    }

    #[test]
    fn the_clock_cannot_be_set_and_no_time_breaks_it() {
        let mut rtc = Rtc::new();
        rtc.write(DATA_PORT, 0x59);
        assert_eq!(rtc.read(DATA_PORT, Duration::ZERO), 0);
        assert_eq!(rtc.read(INDEX_PORT, Duration::ZERO), 0xff);
        for index in 0..=255 {
            rtc.write(INDEX_PORT, index);
            let _ = rtc.read(DATA_PORT, Duration::MAX);
        }
        assert_eq!(registers(u64::MAX, &[0x09, 0x32]), [0x99, 0x99]);
    }
}
