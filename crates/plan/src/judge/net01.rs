//! NET-01: link, address, name.

use detente_machine::Hardware;

use super::finding::{Finding, check, measured};
use crate::protocol::Network;

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
    let answered = seen.pings_received > 0 && seen.pings_received == seen.pings_sent;
    let resolved = seen.name_answer == Some(expected.address);
    let checks = vec![
        check(
            "driver",
            seen.driver.replace('-', "_") == driver,
            format!(
                "{} is driven by {} (wanted: {driver})",
                seen.interface, seen.driver
            ),
        ),
        check("address", !seen.addresses.is_empty(), address(seen)),
        check(
            "ping",
            answered,
            format!(
                "{} of {} pings answered",
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

fn address(seen: &Network) -> String {
    if seen.addresses.is_empty() {
        let Network {
            interface,
            operstate,
            ..
        } = seen;
        return format!("the guest's own set-up gave {interface} ({operstate}) no address");
    }
    format!("{} has {}", seen.interface, seen.addresses.join(", "))
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
            seen.nameservers.join(", ")
        ),
    }
}
