//! SNP-05: the machine's state is kept, and it goes back to it.

use super::finding::{Finding, check, measured, number};

/// What was seen of a machine that went back. Times are the guest's own, since its boot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// When the state was kept, at the latest.
    pub kept_ms: u64,
    /// Before it went back.
    pub later_ms: u64,
    /// After it went back.
    pub back_ms: u64,
    /// How long keeping it took, on the host.
    pub save_ms: u64,
    /// How long going back took, on the host.
    pub restore_ms: u64,
    /// Why the root disk could not be written and read back afterwards, if it could not.
    pub not_written: Option<String>,
}

/// Judges it.
#[must_use]
pub fn snp05(seen: &Restored) -> Finding {
    let (kept, later, back) = (seen.kept_ms, seen.later_ms, seen.back_ms);
    let went_on = later > kept;
    let went_back = back < later;
    let checks = vec![
        check(
            "went on",
            went_on,
            if went_on {
                "the guest went on after its state was kept"
            } else {
                "the guest did not go on after its state was kept"
            },
        ),
        check(
            "went back",
            went_back,
            if went_back {
                format!("it went back from {later} to {back} ms since its boot, and on from there")
            } else {
                format!("it did not go back: {back} ms since its boot, {later} before")
            },
        ),
        match &seen.not_written {
            None => check("disk", true, "its root disk can be written and read back"),
            Some(why) => check(
                "disk",
                false,
                format!("its root disk cannot be used: {why}"),
            ),
        },
    ];
    let measurements = vec![
        measured("kept in", number(seen.save_ms), "ms", None),
        measured("restored in", number(seen.restore_ms), "ms", None),
    ];
    Finding::of_checks(checks, measurements)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Restored), outcome: Outcome) {
        let mut seen = Restored {
            kept_ms: 60_000,
            later_ms: 64_000,
            back_ms: 60_500,
            ..Restored::default()
        };
        spoil(&mut seen);
        let finding = snp05(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_machine_that_goes_back_and_on_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.later_ms = 60_000, Outcome::Failed);
        check(|seen| seen.back_ms = 64_500, Outcome::Failed);
        let broken = Some("an error".to_owned());
        check(|seen| seen.not_written = broken, Outcome::Failed);
    }
}
