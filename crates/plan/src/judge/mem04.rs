//! MEM-04: memory is plugged in.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};
use crate::protocol::MemoryGrown;

/// What a kernel may keep for itself of memory that is plugged in: the descriptions of its pages
/// (64 bytes of 4096) and less.
const KEPT_PART: u64 = 20;

const MIB: u64 = 1 << 20;

/// The total that is to be reached where there were `before_bytes` and `plugged_bytes` came.
#[must_use]
pub fn memory_wanted(before_bytes: u64, plugged_bytes: u64) -> u64 {
    let kept = plugged_bytes / KEPT_PART;
    before_bytes.saturating_add(plugged_bytes.saturating_sub(kept))
}

/// Judges what the agent saw.
#[must_use]
pub fn mem04(seen: &MemoryGrown, before_bytes: u64, plugged_bytes: u64) -> Finding {
    let wanted = memory_wanted(before_bytes, plugged_bytes);
    let more = seen.total_bytes.saturating_sub(before_bytes);
    let by_whom = match seen.brought_up {
        0 => String::new(),
        blocks => format!("; the agent brought up {blocks} blocks that the guest left alone"),
    };
    let checks = vec![check(
        "size",
        seen.total_bytes >= wanted && plugged_bytes > 0,
        format!(
            "the guest counts {} MiB more after {} MiB were plugged in{by_whom}",
            more / MIB,
            plugged_bytes / MIB
        ),
    )];
    let limit = Some((Comparator::AtLeast, number(wanted)));
    let total = measured("total", number(seen.total_bytes), "bytes", limit);
    Finding::of_checks(checks, vec![total])
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(total_mib: u64, outcome: Outcome) {
        let seen = MemoryGrown {
            total_bytes: total_mib * MIB,
            ..MemoryGrown::default()
        };
        let finding = mem04(&seen, 1960 * MIB, 256 * MIB);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn memory_that_comes_passes() {
        check(1960 + 256, Outcome::Passed);
        check(1960 + 252, Outcome::Passed);
    }

    #[test]
    fn memory_that_does_not_come_fails() {
        check(1960, Outcome::Failed);
        check(1960 + 128, Outcome::Failed);
        check(0, Outcome::Failed);
    }
}
