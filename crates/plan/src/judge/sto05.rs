//! STO-05: what was flushed survives a power cut.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};
use crate::protocol::RecordsRead;

/// What was seen of numbered records around a power cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlushSeen {
    /// The last record that the guest called durable before the cut, if there was one.
    pub acknowledged: Option<u64>,
    /// What the disk had not yet made durable then, in bytes: what the cut took.
    pub lost_bytes: u64,
    /// What the guest found on the disk afterwards.
    pub found: RecordsRead,
}

/// The least records that must have been acknowledged for the case to show anything.
const ENOUGH: u64 = 5;

/// Judges it.
#[must_use]
pub fn sto05(seen: &FlushSeen) -> Finding {
    let acknowledged = seen.acknowledged.map_or(0, |last| last.saturating_add(1));
    let found = seen.found.whole_from_first;
    let checks = vec![
        check(
            "acknowledged",
            acknowledged >= ENOUGH,
            format!("{acknowledged} records were called durable before the power was cut"),
        ),
        check(
            "kept",
            found >= acknowledged,
            format!(
                "{found} records are whole afterwards, {acknowledged} were called durable before"
            ),
        ),
    ];
    let limit = Some((Comparator::AtLeast, number(acknowledged)));
    let measurements = vec![
        measured("records kept", number(found), "count", limit),
        measured(
            "lost with the power",
            number(seen.lost_bytes),
            "bytes",
            None,
        ),
    ];
    Finding::of_checks(checks, measurements)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(acknowledged: Option<u64>, whole: u64, outcome: Outcome) {
        let seen = FlushSeen {
            acknowledged,
            lost_bytes: 4096,
            found: RecordsRead {
                disk: Some("vdb".to_owned()),
                whole_from_first: whole,
            },
        };
        let finding = sto05(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn records_that_are_all_there_pass() {
        check(Some(40), 41, Outcome::Passed);
        check(Some(40), 43, Outcome::Passed);
    }

    #[test]
    fn one_that_is_lost_fails() {
        check(Some(40), 40, Outcome::Failed);
        check(Some(40), 0, Outcome::Failed);
    }

    #[test]
    fn records_that_were_never_acknowledged_show_nothing() {
        check(None, 0, Outcome::Failed);
        check(Some(3), 4, Outcome::Failed);
    }
}
