//! MEM-02: the balloon takes memory and gives it back.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};

/// A balloon, and the guest's total beside it, lie within a hundredth of the memory of where they
/// are wanted: balloons work in pages, kernels in blocks.
const TOLERANCE: u64 = 100;

const MIB: u64 = 1 << 20;

/// What was seen of the balloon, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ballooned {
    /// What the machine has.
    pub given: u64,
    /// What the guest was to live with.
    pub asked: u64,
    /// What the machine says that the balloon left to the guest.
    pub left: u64,
    /// `MemTotal` before, under the balloon, and after.
    pub totals: [u64; 3],
}

/// Judges it.
#[must_use]
pub fn mem02(seen: &Ballooned) -> Finding {
    let slack = seen.given / TOLERANCE;
    let [before, under, after] = seen.totals;
    let taken = seen.given.saturating_sub(seen.asked);
    let fell = before.saturating_sub(under);
    let checks = vec![
        check(
            "balloon",
            seen.left.abs_diff(seen.asked) <= slack,
            format!(
                "the balloon leaves the guest {} of the {} MiB that were asked for",
                seen.left / MIB,
                seen.asked / MIB
            ),
        ),
        check(
            "guest",
            taken > 0 && fell.abs_diff(taken) <= slack,
            format!(
                "the guest counts {} MiB less (wanted: {})",
                fell / MIB,
                taken / MIB
            ),
        ),
        check(
            "restored",
            after.saturating_add(slack) >= before,
            format!("and {} of {} MiB afterwards", after / MIB, before / MIB),
        ),
    ];
    let limit = Some((Comparator::AtLeast, number(taken.saturating_sub(slack))));
    Finding::of_checks(
        checks,
        vec![measured("taken", number(fell), "bytes", limit)],
    )
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Ballooned), outcome: Outcome) {
        let mut seen = Ballooned {
            given: 2048 * MIB,
            asked: 1536 * MIB,
            left: 1536 * MIB,
            totals: [1960 * MIB, 1448 * MIB, 1960 * MIB],
        };
        spoil(&mut seen);
        let finding = mem02(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn memory_that_is_taken_and_given_back_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.left = 2048 * MIB, Outcome::Failed);
        check(|seen| seen.totals[1] = 1960 * MIB, Outcome::Failed);
        check(|seen| seen.totals[2] = 1448 * MIB, Outcome::Failed);
        check(|seen| *seen = Ballooned::default(), Outcome::Failed);
    }
}
