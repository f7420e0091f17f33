//! MEM-01: memory size.

use detente_evidence::{Check, Comparator, Outcome};

use super::finding::{Finding, check, measured, number};
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
            (floor..=given).contains(&usable),
            format!(
                "the kernel has {} of {given_mib} MiB (at least {} MiB wanted)",
                mib(usable),
                floor >> 20
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
        return Check {
            name: "map".to_owned(),
            outcome: Outcome::NotRun,
            message: "the kernel hides its memory map".to_owned(),
        };
    }
    let floor = share(given, 100 - MAP_TOLERANCE_PERCENT);
    let holds = (floor..=given).contains(&seen.system_ram_bytes);
    let message = format!(
        "the firmware's map has {} of {} MiB",
        mib(seen.system_ram_bytes),
        given >> 20
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
