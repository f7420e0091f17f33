//! MEM-08: memory is filled, read, and filled again.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number, seconds};
use crate::protocol::MemoryStressed;

/// How often memory is filled and read: with a pattern, and with its inverse.
const PASSES: u32 = 2;

/// The least that is worth the name, in hundredths of what the machine was given.
const LEAST_PERCENT: u64 = 10;

const MIB: u64 = 1 << 20;

/// Judges memory that was filled and read; `given_mib` is what the machine was given.
#[must_use]
pub fn mem08(seen: &MemoryStressed, given_mib: u64) -> Finding {
    let least_mib = given_mib.saturating_mul(LEAST_PERCENT) / 100;
    let mib = seen.bytes / MIB;
    let checks = vec![
        check(
            "content",
            seen.wrong_words == 0,
            format!(
                "{} words of {mib} MiB came back otherwise than they were written",
                seen.wrong_words
            ),
        ),
        check(
            "passes",
            seen.passes == PASSES,
            format!(
                "memory was filled and read {} of {PASSES} times in {}",
                seen.passes,
                seconds(seen.elapsed_ms)
            ),
        ),
        check(
            "share",
            mib >= least_mib,
            format!("{mib} MiB could be filled of {given_mib} MiB (at least {least_mib} wanted)"),
        ),
        check(
            "oom",
            seen.oom_kills == 0,
            format!(
                "the kernel ended {} programs for want of memory",
                seen.oom_kills
            ),
        ),
    ];
    let none = Some((Comparator::Equal, 0.0));
    let measurements = vec![
        measured("wrong words", number(seen.wrong_words), "count", none),
        measured(
            "filled",
            number(mib),
            "MiB",
            Some((Comparator::AtLeast, number(least_mib))),
        ),
        measured("took", number(seen.elapsed_ms), "ms", None),
    ];
    Finding::of_checks(checks, measurements)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    fn sound() -> MemoryStressed {
        MemoryStressed {
            available_bytes: 1700 * MIB,
            bytes: 512 * MIB,
            passes: 2,
            wrong_words: 0,
            oom_kills: 0,
            elapsed_ms: 4200,
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut MemoryStressed), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = mem08(&seen, 2048);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn memory_that_keeps_what_it_is_given_passes() {
        verdict(|_| (), Outcome::Passed, "2 of 2 times in 4.2 s");
    }

    #[test]
    fn each_spoiled_sign_fails() {
        verdict(
            |seen| seen.wrong_words = 1,
            Outcome::Failed,
            "1 words of 512 MiB",
        );
        verdict(|seen| seen.passes = 1, Outcome::Failed, "1 of 2 times");
        verdict(
            |seen| seen.oom_kills = 1,
            Outcome::Failed,
            "ended 1 programs",
        );
        verdict(
            |seen| seen.bytes = 203 * MIB,
            Outcome::Failed,
            "at least 204",
        );
    }

    #[test]
    fn a_tenth_is_enough() {
        verdict(|seen| seen.bytes = 204 * MIB, Outcome::Passed, "");
    }
}
