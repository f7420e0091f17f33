//! MEM-01: memory size.

use detente_evidence::{Check, Comparator, Outcome};

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::Memory;

/// How far the firmware's map may be off, in percent: legacy holes below 1 MiB and firmware tables.
const MAP_TOLERANCE_PERCENT: u64 = 1;

/// Judges the memory against that which the machine was given.
#[must_use]
pub fn mem01(seen: &Memory, given_mib: u64, reserved_percent: u32) -> Finding {
    let given = given_mib.saturating_mul(1 << 20);
    let usable = seen.total_bytes.saturating_add(seen.crash_kernel_bytes);
    let floor = share(given, 100_u64.saturating_sub(u64::from(reserved_percent)));
    let checks = vec![
        map(seen, given),
        check(
            "total",
            // What the kernel does not say it has, a crash kernel cannot make up for.
            seen.total_bytes > 0 && (floor..=given).contains(&usable),
            format!(
                "the kernel has {} of {given_mib} MiB (at least {} MiB wanted)",
                mib(usable),
                floor.div_ceil(1 << 20)
            ),
        ),
    ];
    let limit = Some((Comparator::AtLeast, number(floor)));
    let measurements = vec![
        measured("total with crash kernel", number(usable), "bytes", limit),
        measured(
            "system memory in the map",
            number(seen.system_ram_bytes),
            "bytes",
            None,
        ),
    ];
    Finding::of_checks(checks, measurements)
}

/// The firmware's map, where the kernel shows it.
fn map(seen: &Memory, given: u64) -> Check {
    if seen.system_ram_bytes == 0 {
        return check_as("map", Outcome::NotRun, "the kernel hides its memory map");
    }
    let floor = share(given, 100 - MAP_TOLERANCE_PERCENT);
    let holds = (floor..=given).contains(&seen.system_ram_bytes);
    let message = format!(
        "the firmware's map has {} of {} MiB (at least {} MiB wanted)",
        mib(seen.system_ram_bytes),
        given >> 20,
        floor.div_ceil(1 << 20)
    );
    check("map", holds, message)
}

fn share(bytes: u64, percent: u64) -> u64 {
    (bytes / 100).saturating_mul(percent)
}

/// MiB, rounded to the nearest.
fn mib(bytes: u64) -> u64 {
    bytes.saturating_add(1 << 19) >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// 2 GiB as q35 with SeaBIOS shows them, with a crash kernel.
    fn sound() -> Memory {
        Memory {
            total_bytes: 1_720 * MIB,
            system_ram_bytes: 2_047 * MIB,
            crash_kernel_bytes: 256 * MIB,
        }
    }

    #[track_caller]
    fn check(seen: &Memory, outcome: Outcome, message: &str) {
        let finding = mem01(seen, 2048, 5);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn what_was_given_passes_and_a_crash_kernel_counts() {
        check(
            &sound(),
            Outcome::Passed,
            "the firmware's map has 2047 of 2048 MiB (at least 2028 MiB wanted); \
             the kernel has 1976 of 2048 MiB (at least 1946 MiB wanted)",
        );
    }

    #[test]
    fn a_kernel_that_keeps_too_much_for_itself_fails() {
        // 95 % of 2048 MiB is 1945.6 MiB.
        let seen = Memory {
            total_bytes: (1_945 - 256) * MIB,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the kernel has 1945 of 2048 MiB (at least 1946 MiB wanted)",
        );
        let just = Memory {
            total_bytes: (1_946 - 256) * MIB,
            ..sound()
        };
        assert_eq!(mem01(&just, 2048, 5).outcome, Outcome::Passed);
    }

    #[test]
    fn more_than_was_given_fails() {
        let seen = Memory {
            total_bytes: 1_793 * MIB,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the kernel has 2049 of 2048 MiB (at least 1946 MiB wanted)",
        );
    }

    #[test]
    fn a_total_that_cannot_be_read_fails_whatever_the_crash_kernel_holds() {
        let seen = Memory {
            total_bytes: 0,
            crash_kernel_bytes: 2_000 * MIB,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the kernel has 2000 of 2048 MiB (at least 1946 MiB wanted)",
        );
    }

    #[test]
    fn a_map_with_a_hole_fails() {
        let seen = Memory {
            system_ram_bytes: 2_027 * MIB,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the firmware's map has 2027 of 2048 MiB (at least 2028 MiB wanted)",
        );
    }

    #[test]
    fn a_map_of_more_than_was_given_fails() {
        let seen = Memory {
            system_ram_bytes: 2_049 * MIB,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the firmware's map has 2049 of 2048 MiB (at least 2028 MiB wanted)",
        );
    }

    #[test]
    fn a_hidden_map_is_said_to_be_not_run() {
        let seen = Memory {
            system_ram_bytes: 0,
            crash_kernel_bytes: 0,
            total_bytes: 1_970 * MIB,
        };
        check(
            &seen,
            Outcome::Passed,
            "the kernel has 1970 of 2048 MiB (at least 1946 MiB wanted) \
             (not run: the kernel hides its memory map)",
        );
    }

    #[test]
    fn nothing_given_and_nothing_seen_is_no_pass() {
        let none = Memory {
            total_bytes: 0,
            system_ram_bytes: 0,
            crash_kernel_bytes: 0,
        };
        assert_eq!(mem01(&none, 0, 5).outcome, Outcome::Failed);
        assert_eq!(mem01(&none, 2048, 100).outcome, Outcome::Failed);
    }

    #[test]
    fn absurd_numbers_do_not_overflow() {
        let most = Memory {
            total_bytes: u64::MAX,
            system_ram_bytes: u64::MAX,
            crash_kernel_bytes: u64::MAX,
        };
        assert_eq!(mem01(&most, 2048, 5).outcome, Outcome::Failed);
        assert_eq!(mem01(&sound(), u64::MAX, 200).outcome, Outcome::Failed);
    }
}
