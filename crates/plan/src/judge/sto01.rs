//! STO-01: root disk, its controller and its data.

use detente_evidence::Comparator;
use detente_machine::Hardware;

use super::finding::{Finding, check, measured, number};
use crate::protocol::RootDisk;

/// Judges the root disk.
#[must_use]
pub fn sto01(seen: &RootDisk, hardware: &Hardware, wanted_bytes: u64) -> Finding {
    let driver = hardware.storage_driver;
    let bound = seen
        .drivers
        .iter()
        .any(|name| name.replace('-', "_") == driver);
    let same = seen.bytes == wanted_bytes
        && !seen.written_sha256.is_empty()
        && seen.written_sha256 == seen.read_sha256;
    let checks = vec![
        check(
            "driver",
            bound,
            format!(
                "{} is driven by {} (wanted: {driver})",
                seen.disk,
                seen.drivers.join(", ")
            ),
        ),
        check("data", same, data(seen, same)),
        check(
            "past the cache",
            seen.past_cache,
            if seen.past_cache {
                "read back past the page cache"
            } else {
                "the page cache answered the reading"
            },
        ),
    ];
    let limit = Some((Comparator::Equal, number(wanted_bytes)));
    let measurements = vec![
        measured("written and read back", number(seen.bytes), "bytes", limit),
        measured("write and sync", number(seen.write_ms), "ms", None),
        measured("read", number(seen.read_ms), "ms", None),
    ];
    Finding::of_checks(checks, measurements)
}

fn data(seen: &RootDisk, same: bool) -> String {
    let bytes = seen.bytes;
    if same {
        return format!(
            "{bytes} bytes on {} came back as they were written",
            seen.filesystem
        );
    }
    format!(
        "{bytes} bytes written with digest {}, read with {}",
        seen.written_sha256, seen.read_sha256
    )
}
