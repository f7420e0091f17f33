//! NET-14: the network's cable is pulled out and put back.

use super::finding::{Finding, check};
use crate::protocol::{Card, Network};

/// What was seen of the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cable {
    /// When the cable was out.
    pub out: Card,
    /// When it was in again.
    pub back: Card,
    /// What the agent saw of the network then.
    pub network: Network,
}

/// Judges it.
#[must_use]
pub fn net14(seen: &Cable) -> Finding {
    let lost = seen.out.came && seen.out.carrier != Some(true) && seen.out.interface.is_some();
    let back = seen.back.came && seen.back.carrier == Some(true);
    let network = &seen.network;
    let works = !network.addresses.is_empty() && network.pings_received > 0;
    let checks = vec![
        check(
            "carrier lost",
            lost,
            if lost {
                format!("the carrier was lost after {} ms", seen.out.waited_ms)
            } else {
                "the carrier stayed when the cable was pulled out".to_owned()
            },
        ),
        check(
            "carrier back",
            back,
            if back {
                format!("it was back {} ms after the cable was", seen.back.waited_ms)
            } else {
                "it did not come back with the cable".to_owned()
            },
        ),
        check(
            "address",
            works,
            format!(
                "then {} of {} pings were answered, from {}",
                network.pings_received,
                network.pings_sent,
                super::finding::listed(&network.addresses)
            ),
        ),
    ];
    Finding::of_checks(checks, Vec::new())
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    fn card(carrier: bool) -> Card {
        Card {
            interface: Some("eth0".to_owned()),
            driver: "virtio_net".to_owned(),
            carrier: Some(carrier),
            came: true,
            waited_ms: 200,
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Cable), outcome: Outcome) {
        let mut seen = Cable {
            out: card(false),
            back: card(true),
            network: Network {
                interface: "eth0".to_owned(),
                driver: "virtio_net".to_owned(),
                operstate: "up".to_owned(),
                addresses: vec!["10.0.2.15/24".to_owned()],
                nameservers: Vec::new(),
                pings_sent: 3,
                pings_received: 3,
                name_answer: None,
            },
        };
        spoil(&mut seen);
        let finding = net14(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_carrier_that_follows_the_cable_passes() {
        check(|_| {}, Outcome::Passed);
        check(|seen| seen.out.carrier = None, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.out = Card::default(), Outcome::Failed);
        check(|seen| seen.out.came = false, Outcome::Failed);
        check(|seen| seen.back = card(false), Outcome::Failed);
        check(|seen| seen.network.addresses.clear(), Outcome::Failed);
        check(|seen| seen.network.pings_received = 0, Outcome::Failed);
    }
}
