//! NET-07: a network card is plugged in and taken away.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};
use crate::protocol::Card;

/// What was seen of a card that came and went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HotCard {
    /// When it was plugged in.
    pub up: Card,
    /// Whether the guest let go of it when it was asked to.
    pub let_go: bool,
    /// At last.
    pub gone: Card,
}

/// Judges it: the card is driven by `driver` and may take `limit_ms` to come up.
#[must_use]
pub fn net07(seen: &HotCard, driver: &str, limit_ms: u64) -> Finding {
    let Some(interface) = &seen.up.interface else {
        let message = format!("no such card after {} ms", seen.up.waited_ms);
        return Finding::of_checks(vec![check("appeared", false, message)], Vec::new());
    };
    let said = |holds: bool, yes: &str, no: &str| if holds { yes } else { no }.to_owned();
    let up = seen.up.came && seen.up.carrier == Some(true);
    let gone = seen.gone.interface.is_none();
    let checks = vec![
        check(
            "driver",
            seen.up.driver == driver,
            format!(
                "{interface} is driven by {} (wanted: {driver})",
                seen.up.driver
            ),
        ),
        check(
            "up",
            up,
            said(up, "it came up with a carrier", "it did not come up"),
        ),
        check(
            "let go",
            seen.let_go,
            said(
                seen.let_go,
                "the guest let go of it when it was taken away",
                "the guest did not let go of it when it was taken away",
            ),
        ),
        check(
            "gone",
            gone,
            said(
                gone,
                "it is gone from the guest",
                "it is still in the guest",
            ),
        ),
    ];
    let limit = Some((Comparator::AtMost, number(limit_ms)));
    let waited = measured("came up after", number(seen.up.waited_ms), "ms", limit);
    Finding::of_checks(checks, vec![waited])
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut HotCard), outcome: Outcome) {
        let mut seen = HotCard {
            up: Card {
                interface: Some("enp9s0".to_owned()),
                driver: "virtio_net".to_owned(),
                carrier: Some(true),
                came: true,
                waited_ms: 900,
            },
            let_go: true,
            gone: Card::default(),
        };
        spoil(&mut seen);
        let finding = net07(&seen, "virtio_net", 30_000);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_card_that_comes_up_and_goes_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.up.interface = None, Outcome::Failed);
        check(|seen| seen.up.driver = "e1000e".to_owned(), Outcome::Failed);
        check(|seen| seen.up.carrier = None, Outcome::Failed);
        check(|seen| seen.let_go = false, Outcome::Failed);
        check(
            |seen| seen.gone.interface = Some("enp9s0".to_owned()),
            Outcome::Failed,
        );
    }
}
