//! NET-01: link, address, name.

use detente_machine::Hardware;

use super::finding::{Finding, check, listed, measured};
use crate::protocol::Network;

/// How many pings the plan wants answered.
const WANTED_PINGS: u32 = 3;

/// States of a link that carries. A driver that does not watch its link leaves it `unknown`
/// (Linux, Documentation/networking/operstates.rst).
const CARRYING: &[&str] = &["up", "unknown"];

/// Addresses that a host gives itself when nobody gave it one: loopback (RFC 1122, 3.2.1.3),
/// link-local (RFC 3927), none (RFC 1122).
const OWN_PREFIXES: &[&str] = &["127.", "169.254.", "0."];

/// What the network service offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkExpected {
    /// The name that the guest's name server was asked for.
    pub name: String,
    /// The address that the name has.
    pub address: [u8; 4],
}

/// Judges link, address and name.
#[must_use]
pub fn net01(seen: &Network, hardware: &Hardware, expected: &NetworkExpected) -> Finding {
    if seen.interface.is_empty() {
        let missing = check(
            "link",
            false,
            "the guest has no interface for the network card",
        );
        return Finding::of_checks(vec![missing], Vec::new());
    }
    let driver = hardware.network_driver;
    let answered = seen.pings_received >= WANTED_PINGS && seen.pings_received == seen.pings_sent;
    let resolved = seen.name_answer == Some(expected.address);
    let checks = vec![
        check(
            "driver",
            seen.driver.replace('-', "_") == driver,
            format!(
                "{} is driven by {} (wanted: {driver})",
                seen.interface,
                named(&seen.driver)
            ),
        ),
        check(
            "link",
            CARRYING.contains(&seen.operstate.as_str()),
            format!(
                "the link of {} is {}",
                seen.interface,
                named(&seen.operstate)
            ),
        ),
        check(
            "address",
            seen.addresses.iter().any(|address| was_given(address)),
            address(seen),
        ),
        check(
            "ping",
            answered,
            format!(
                "{} of {} pings answered (wanted: {WANTED_PINGS})",
                seen.pings_received, seen.pings_sent
            ),
        ),
        check("name", resolved, name(seen, expected)),
    ];
    let measurements = vec![
        measured("pings sent", f64::from(seen.pings_sent), "count", None),
        measured(
            "pings answered",
            f64::from(seen.pings_received),
            "count",
            None,
        ),
    ];
    Finding::of_checks(checks, measurements)
}

/// Whether somebody else gave the address.
fn was_given(address: &str) -> bool {
    !address.is_empty()
        && !OWN_PREFIXES
            .iter()
            .any(|prefix| address.starts_with(prefix))
}

fn named(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

fn address(seen: &Network) -> String {
    if seen.addresses.is_empty() {
        let Network {
            interface,
            operstate,
            ..
        } = seen;
        return format!("the guest's own set-up gave {interface} ({operstate}) no address");
    }
    let (interface, addresses) = (&seen.interface, seen.addresses.join(", "));
    if !seen.addresses.iter().any(|address| was_given(address)) {
        return format!("{interface} has {addresses}, which nobody gave it");
    }
    format!("{interface} has {addresses}")
}

fn name(seen: &Network, expected: &NetworkExpected) -> String {
    let name = &expected.name;
    let dotted = |address: [u8; 4]| address.map(|byte| byte.to_string()).join(".");
    match seen.name_answer {
        Some(answer) => format!(
            "{name} is {} (wanted: {})",
            dotted(answer),
            dotted(expected.address)
        ),
        None => format!(
            "nothing answered for {name} (name servers: {})",
            listed(&seen.nameservers)
        ),
    }
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;
    use detente_machine::Profile;

    use super::*;

    fn sound() -> Network {
        Network {
            interface: "enp1s0".to_owned(),
            driver: "virtio_net".to_owned(),
            operstate: "up".to_owned(),
            addresses: vec!["10.0.2.15/24".to_owned()],
            nameservers: vec!["10.0.2.3".to_owned()],
            pings_sent: 3,
            pings_received: 3,
            name_answer: Some([10, 0, 2, 2]),
        }
    }

    #[track_caller]
    fn check(seen: &Network, outcome: Outcome, message: &str) {
        let expected = NetworkExpected {
            name: "gateway.test".to_owned(),
            address: [10, 0, 2, 2],
        };
        let finding = net01(seen, &Profile::Kvm.hardware(), &expected);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn a_network_that_works_passes() {
        check(
            &sound(),
            Outcome::Passed,
            "enp1s0 is driven by virtio_net (wanted: virtio_net); the link of enp1s0 is up; \
             enp1s0 has 10.0.2.15/24; 3 of 3 pings answered (wanted: 3); \
             gateway.test is 10.0.2.2 (wanted: 10.0.2.2)",
        );
    }

    #[test]
    fn no_interface_fails() {
        let seen = Network {
            interface: String::new(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the guest has no interface for the network card",
        );
    }

    #[test]
    fn another_driver_fails() {
        let seen = Network {
            driver: "e1000e".to_owned(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "enp1s0 is driven by e1000e (wanted: virtio_net)",
        );
    }

    #[test]
    fn no_driver_fails() {
        let seen = Network {
            driver: String::new(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "enp1s0 is driven by nothing (wanted: virtio_net)",
        );
    }

    #[test]
    fn a_link_that_is_down_fails() {
        let seen = Network {
            operstate: "down".to_owned(),
            ..sound()
        };
        check(&seen, Outcome::Failed, "the link of enp1s0 is down");
    }

    #[test]
    fn no_address_fails() {
        let seen = Network {
            addresses: Vec::new(),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the guest's own set-up gave enp1s0 (up) no address",
        );
    }

    #[test]
    fn an_address_that_the_guest_gave_itself_fails() {
        for address in ["169.254.7.1/16", "127.0.0.2/8", "0.0.0.0/0"] {
            let seen = Network {
                addresses: vec![address.to_owned()],
                ..sound()
            };
            let message = format!("enp1s0 has {address}, which nobody gave it");
            check(&seen, Outcome::Failed, &message);
        }
    }

    #[test]
    fn a_lost_ping_fails() {
        let seen = Network {
            pings_received: 2,
            ..sound()
        };
        check(&seen, Outcome::Failed, "2 of 3 pings answered (wanted: 3)");
    }

    #[test]
    fn fewer_pings_than_the_plan_wants_fail() {
        let none = Network {
            pings_sent: 0,
            pings_received: 0,
            ..sound()
        };
        check(&none, Outcome::Failed, "0 of 0 pings answered (wanted: 3)");
        let one = Network {
            pings_sent: 1,
            pings_received: 1,
            ..sound()
        };
        check(&one, Outcome::Failed, "1 of 1 pings answered (wanted: 3)");
    }

    #[test]
    fn a_name_without_an_answer_fails() {
        let seen = Network {
            name_answer: None,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "nothing answered for gateway.test (name servers: 10.0.2.3)",
        );
        let without_server = Network {
            nameservers: Vec::new(),
            ..seen
        };
        check(
            &without_server,
            Outcome::Failed,
            "nothing answered for gateway.test (name servers: none)",
        );
    }

    #[test]
    fn a_wrong_answer_fails() {
        let seen = Network {
            name_answer: Some([10, 0, 2, 9]),
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "gateway.test is 10.0.2.9 (wanted: 10.0.2.2)",
        );
    }
}
