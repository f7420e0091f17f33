//! HB-02: QEMU's guest agent is alive.

use detente_evidence::{Comparator, Outcome};

use super::finding::{Finding, check, measured, number};

/// What the guest agent said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentAlive {
    /// Why it did not repeat the numbers that it was told, if it did not.
    pub not_synced: Option<String>,
    /// Its version, if it said one.
    pub version: Option<String>,
    /// How many commands it says that it obeys.
    pub commands: u64,
    /// How long the first answer took.
    pub answered_ms: u64,
}

/// Judges it.
#[must_use]
pub fn hb02(seen: &AgentAlive, limit_ms: u64) -> Finding {
    if let Some(why) = &seen.not_synced {
        return Finding::plain(Outcome::Failed, "not_synced", why.clone());
    }
    let version = seen.version.as_deref().unwrap_or("none");
    let checks = vec![
        check("sync", true, "the guest agent repeats what it is told"),
        check(
            "version",
            seen.version.is_some() && seen.commands > 0,
            format!("its version is {version}, with {} commands", seen.commands),
        ),
    ];
    let limit = Some((Comparator::AtMost, number(limit_ms)));
    let answered = measured("answered after", number(seen.answered_ms), "ms", limit);
    Finding::of_checks(checks, vec![answered])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut AgentAlive), outcome: Outcome) {
        let mut seen = AgentAlive {
            version: Some("7.2.0".to_owned()),
            commands: 60,
            ..AgentAlive::default()
        };
        spoil(&mut seen);
        assert_eq!(hb02(&seen, 10_000).outcome, outcome);
    }

    #[test]
    fn an_agent_that_answers_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        let silent = Some("it did not answer".to_owned());
        check(|seen| seen.not_synced = silent, Outcome::Failed);
        check(|seen| seen.version = None, Outcome::Failed);
        check(|seen| seen.commands = 0, Outcome::Failed);
    }
}
