//! KVP-02: a value is changed, a key is deleted, and a missing key is asked for.

use detente_evidence::Check;

use super::finding::{Finding, check};

/// What was seen of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairSeen {
    /// The value that the daemon gave; `None` if it gave none.
    pub told: Option<String>,
    /// The value in the guest's file.
    pub in_file: Option<String>,
}

/// What was seen of a key that was set, set again, and deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairChanged {
    /// The first value.
    pub first: String,
    /// The second.
    pub second: String,
    /// After the first was set.
    pub set: PairSeen,
    /// After the second was set.
    pub changed: PairSeen,
    /// After the key was deleted.
    pub deleted: PairSeen,
    /// The value of a key that was never set, if the daemon gave one.
    pub never_set: Option<String>,
    /// What the daemon refused that it should do, with its words.
    pub refused: Option<String>,
}

/// Judges them.
#[must_use]
pub fn kvp02(seen: &PairChanged) -> Finding {
    let mut checks = Vec::new();
    if let Some(refused) = &seen.refused {
        checks.push(check("asked", false, refused.clone()));
        return Finding::of_checks(checks, Vec::new());
    }
    checks.extend(has("set", &seen.set, &seen.first));
    checks.extend(has("changed", &seen.changed, &seen.second));
    checks.extend(gone(&seen.deleted));
    let message = match &seen.never_set {
        Some(value) => format!("a key that was never set has the value {value:?}"),
        None => "a key that was never set has no value".to_owned(),
    };
    checks.push(check("never_set", seen.never_set.is_none(), message));
    Finding::of_checks(checks, Vec::new())
}

fn has(name: &str, seen: &PairSeen, wanted: &str) -> [Check; 2] {
    let said = |value: &Option<String>| match value {
        Some(value) => format!("{value:?}"),
        None => "nothing".to_owned(),
    };
    let is = |value: &Option<String>| value.as_deref() == Some(wanted);
    [
        check(
            name,
            is(&seen.told),
            format!("{name} to {wanted:?} the daemon gives {}", said(&seen.told)),
        ),
        check(
            name,
            is(&seen.in_file),
            format!(
                "{name} to {wanted:?} the guest's pool holds {}",
                said(&seen.in_file)
            ),
        ),
    ]
}

fn gone(seen: &PairSeen) -> [Check; 2] {
    let said = |who: &str, value: &Option<String>| match value {
        Some(value) => format!("deleted, {who} still {value:?}"),
        None => format!("deleted, {who} nothing"),
    };
    [
        check(
            "deleted",
            seen.told.is_none(),
            said("the daemon gives", &seen.told),
        ),
        check(
            "deleted",
            seen.in_file.is_none(),
            said("the guest's pool holds", &seen.in_file),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    fn pair(value: &str) -> PairSeen {
        PairSeen {
            told: Some(value.to_owned()),
            in_file: Some(value.to_owned()),
        }
    }

    fn sound() -> PairChanged {
        PairChanged {
            first: "one".to_owned(),
            second: "two".to_owned(),
            set: pair("one"),
            changed: pair("two"),
            ..PairChanged::default()
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut PairChanged), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = kvp02(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn a_key_that_is_changed_and_goes_passes() {
        verdict(
            |_| (),
            Outcome::Passed,
            "changed to \"two\" the guest's pool holds \"two\"",
        );
    }

    #[test]
    fn each_spoiled_sign_fails() {
        verdict(
            |seen| seen.changed = pair("one"),
            Outcome::Failed,
            "changed to \"two\" the daemon gives \"one\"",
        );
        verdict(
            |seen| seen.set.in_file = None,
            Outcome::Failed,
            "set to \"one\" the guest's pool holds nothing",
        );
        verdict(
            |seen| seen.deleted = pair("two"),
            Outcome::Failed,
            "deleted, the daemon gives still \"two\"; deleted, the guest's pool holds still \"two\"",
        );
        verdict(
            |seen| seen.never_set = Some(String::new()),
            Outcome::Failed,
            "a key that was never set has the value \"\"",
        );
        verdict(
            |seen| seen.refused = Some("no answer within 9 s".to_owned()),
            Outcome::Failed,
            "no answer within 9 s",
        );
    }
}
