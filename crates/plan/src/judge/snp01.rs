//! SNP-01: freeze and thaw.

use std::fmt;

use detente_evidence::{Check, Comparator, Outcome};

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::{Write, Writes};

/// How far a stall's ends may lie from those of the freeze: the agent writes ten times a second,
/// and each side hears late of the other on a busy host.
const SLACK_MS: u64 = 1000;

/// A stretch of time on the host's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Its begin.
    pub from_ms: u64,
    /// Its end.
    pub until_ms: u64,
}

impl Span {
    /// How long it is.
    #[must_use]
    pub fn len_ms(self) -> u64 {
        self.until_ms.saturating_sub(self.from_ms)
    }

    /// Whether it takes in all of another, but for [`SLACK_MS`] at each end.
    fn covers(self, other: Self) -> bool {
        self.from_ms <= other.from_ms.saturating_add(SLACK_MS)
            && self.until_ms.saturating_add(SLACK_MS) >= other.until_ms
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (length, from, until) = (self.len_ms(), self.from_ms, self.until_ms);
        write!(f, "{length} ms, from {from} to {until} ms")
    }
}

/// What came of freezing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freezing {
    /// Why the guest did not freeze, if it did not.
    pub not_frozen: Option<String>,
    /// Why it did not thaw, if it did not.
    pub not_thawed: Option<String>,
    /// From the guest's word that it is frozen until it was told to thaw, on the host's clock.
    pub frozen: Span,
    /// What the agent saw of its own writes meanwhile.
    pub writes: Option<Writes>,
    /// Where the agent's clock was zero on the host's; `None` where the agent has not told its
    /// clock.
    pub agent_began_ms: Option<i64>,
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
    match &seen.writes {
        None => checks.push(check_as(
            "writes",
            Outcome::Error,
            "the agent did not say what became of its writes",
        )),
        Some(writes) => checks.extend(watched(seen, writes)),
    }
    let writes = seen.writes.iter().flat_map(|writes| &writes.longest);
    let longest = writes.map(|write| write.took_ms).max().unwrap_or(0);
    let limit = Some((Comparator::AtLeast, number(seen.frozen.len_ms())));
    let measurement = measured("longest write", number(longest), "ms", limit);
    Finding::of_checks(checks, vec![measurement])
}

/// A write must have waited for the thaw, and others must have come after it. A disk that is slow
/// at another time proves nothing.
fn watched(seen: &Freezing, writes: &Writes) -> Vec<Check> {
    let Some(began_ms) = seen.agent_began_ms else {
        let message = "the agent has not told its clock: when a write waited is not known";
        return vec![check_as("blocked", Outcome::Error, message)];
    };
    let frozen = seen.frozen;
    let stall = |write: &Write| {
        let from_ms = began_ms.saturating_add_unsigned(write.from_ms);
        let from_ms = u64::try_from(from_ms).unwrap_or(0);
        let until_ms = from_ms.saturating_add(write.took_ms);
        Span { from_ms, until_ms }
    };
    let waited = |write: &&Write| {
        let long_enough = write.took_ms >= frozen.len_ms() && frozen.len_ms() > 0;
        long_enough && stall(write).covers(frozen)
    };
    let Some(write) = writes.longest.iter().find(waited) else {
        let longest = writes.longest.iter().max_by_key(|write| write.took_ms);
        let longest = longest.map_or("there was none".to_owned(), |write| {
            format!("the longest one's time was {}", stall(write))
        });
        let message =
            format!("no write waited while the file systems were frozen ({frozen}); {longest}");
        return vec![check("blocked", false, message)];
    };
    let after = writes.count.saturating_sub(write.number);
    vec![
        check(
            "blocked",
            true,
            format!(
                "a write waited ({}) while the file systems were frozen ({frozen})",
                stall(write)
            ),
        ),
        check("released", after > 0, format!("{after} writes after it")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Freezing {
        Freezing {
            not_frozen: None,
            not_thawed: None,
            frozen: Span {
                from_ms: 60_000,
                until_ms: 62_000,
            },
            writes: Some(Writes {
                count: 40,
                longest: vec![write(3, 9_000, 90), write(20, 50_050, 2150)],
            }),
            agent_began_ms: Some(10_000),
        }
    }

    fn write(number: u64, from_ms: u64, took_ms: u64) -> Write {
        Write {
            number,
            from_ms,
            took_ms,
        }
    }

    fn longest(writes: &[Write]) -> impl FnOnce(&mut Freezing) {
        let longest = writes.to_vec();
        |seen| seen.writes = Some(Writes { count: 40, longest })
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
        // A write that was under way when the guest froze waits too, and so does one after
        // another that was slow by itself.
        check(longest(&[write(20, 49_900, 2200)]), Outcome::Passed);
        let two = [write(2, 41_000, 4000), write(20, 50_050, 2150)];
        check(longest(&two), Outcome::Passed);
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
        check(|seen| seen.frozen = Span::default(), Outcome::Failed);
        check(longest(&[]), Outcome::Failed);
        check(longest(&[write(20, 50_050, 90)]), Outcome::Failed);
        check(longest(&[write(40, 50_050, 2150)]), Outcome::Failed);
    }

    #[test]
    fn a_stall_outside_the_freeze_fails() {
        // As long as the freeze, but over before it, half in it, or begun too late.
        for from_ms in [30_000, 47_800, 48_800, 51_100, 53_000] {
            check(longest(&[write(20, from_ms, 2150)]), Outcome::Failed);
        }
    }

    #[test]
    fn a_stall_of_nobody_knows_when_is_an_error() {
        check(|seen| seen.agent_began_ms = None, Outcome::Error);
    }

    #[test]
    fn writes_that_nobody_saw_are_an_error() {
        check(|seen| seen.writes = None, Outcome::Error);
    }
}
