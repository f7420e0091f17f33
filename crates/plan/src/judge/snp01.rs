//! SNP-01: freeze and thaw.

use detente_evidence::{Comparator, Outcome};

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::Writes;

/// What came of freezing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freezing {
    /// Why the guest did not freeze, if it did not.
    pub not_frozen: Option<String>,
    /// Why it did not thaw, if it did not.
    pub not_thawed: Option<String>,
    /// How long the host knew it to be frozen.
    pub frozen_ms: u64,
    /// What the agent saw of its own writes meanwhile.
    pub writes: Option<Writes>,
}

/// Judges freezing and thawing.
#[must_use]
pub fn snp01(seen: &Freezing) -> Finding {
    if let Some(why) = &seen.not_frozen {
        return Finding::plain(Outcome::Failed, "not_frozen", why.clone());
    }
    let mut checks = vec![match &seen.not_thawed {
        Some(why) => check("thawed", false, why.clone()),
        None => check("thawed", true, "frozen and thawed by the guest's daemon"),
    }];
    let frozen = seen.frozen_ms;
    match &seen.writes {
        None => checks.push(check_as(
            "writes",
            Outcome::Error,
            "the agent did not say what became of its writes",
        )),
        Some(writes) => {
            checks.push(check(
                "blocked",
                writes.longest_ms >= frozen && frozen > 0,
                format!(
                    "a write took {} ms while the file systems were frozen for {frozen} ms",
                    writes.longest_ms
                ),
            ));
            checks.push(check(
                "released",
                writes.after_longest > 0,
                format!("{} writes after it", writes.after_longest),
            ));
        }
    }
    let longest = seen.writes.as_ref().map_or(0, |writes| writes.longest_ms);
    let limit = Some((Comparator::AtLeast, number(frozen)));
    let measurement = measured("longest write", number(longest), "ms", limit);
    Finding::of_checks(checks, vec![measurement])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Freezing {
        Freezing {
            not_frozen: None,
            not_thawed: None,
            frozen_ms: 2000,
            writes: Some(Writes {
                count: 40,
                longest_ms: 2150,
                after_longest: 12,
            }),
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Freezing), outcome: Outcome) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = snp01(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn writes_that_wait_and_then_go_on_pass() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(
            |seen| seen.not_frozen = Some("no daemon".to_owned()),
            Outcome::Failed,
        );
        check(
            |seen| seen.not_thawed = Some("late".to_owned()),
            Outcome::Failed,
        );
        let writes = |longest_ms, after_longest| Writes {
            count: 40,
            longest_ms,
            after_longest,
        };
        check(|seen| seen.writes = Some(writes(90, 12)), Outcome::Failed);
        check(|seen| seen.writes = Some(writes(2150, 0)), Outcome::Failed);
    }

    #[test]
    fn writes_that_nobody_saw_are_an_error() {
        check(|seen| seen.writes = None, Outcome::Error);
    }
}
