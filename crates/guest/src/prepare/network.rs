//! Interfaces keep their names, and connections find their cards, on every hardware.
//!
//! Cards on Hyper-V's bus have no slot, so that `enp1s0` of a KVM guest is `eth0` there, and the other
//! way round. What holds on both is the card's address: the machine's definition keeps it. A card
//! gets its old name by its address (a `.link` file where systemd takes a list of drivers in it, else
//! a rule of udev), so that nothing that counts on the name has to be found and changed: connections,
//! their static addresses, ports of bonds, firewall zones, arguments.
//!
//! One trap is left: names that the kernel itself gives. With several cards, `eth0` may be taken when
//! the card that is to have it comes up, and udev does not swap names. There the connections are
//! bound by address instead, where their system can do that.

mod bind;
mod macs;
mod name_rule;
mod rules;

use std::collections::BTreeSet;

use detente_volume::FsError;

use super::draft::{Ask, Draft, Reason};
use crate::check::{By, Finding, Proof};
use crate::facts::{Connection, LinkKind};

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.network.interface-name",
    "linux.network.interface-name-of-one",
    "linux.network.slot-bound",
    "linux.network.port-name",
    "linux.arguments.interface-name",
    "linux.network.driver-bound",
    "linux.network.path-bound",
    "linux.network.name-rule-bound",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        for proof in &finding.evidence {
            let own = Case {
                ask,
                finding,
                proof,
            };
            match finding.rule {
                "linux.network.driver-bound" => rules::drivers(own, draft)?,
                "linux.network.path-bound" => bind::by_mac(own, draft)?,
                "linux.network.name-rule-bound" => rules::name_rule(own, draft)?,
                "linux.arguments.interface-name" => {
                    for name in of_argument(proof) {
                        keep(own, draft, name)?;
                    }
                }
                _ => keep(own, draft, proof.value.as_deref().unwrap_or_default())?,
            }
        }
    }
    Ok(())
}

/// One thing that was found.
#[derive(Clone, Copy)]
struct Case<'a> {
    ask: Ask<'a>,
    finding: &'a Finding,
    proof: &'a Proof,
}

impl Case<'_> {
    fn why(&self, text: impl Into<String>) -> Reason {
        Reason::new(self.finding.rule, text)
    }

    fn leave(&self, draft: &mut Draft<'_>, why: impl Into<String>) {
        draft.leave(self.finding.rule, By::Hand, why);
    }
}

/// The cards that an argument names.
fn of_argument(proof: &Proof) -> Vec<&str> {
    let value = proof.value.as_deref().unwrap_or_default();
    let parts: Vec<&str> = value.split(':').collect();
    let at = |index: usize| parts.get(index).copied().filter(|name| !name.is_empty());
    match proof.key.as_deref() {
        Some("ip") if parts.len() >= 6 => at(5).into_iter().collect(),
        Some("ip") => at(0).into_iter().collect(),
        Some("bond" | "bridge" | "team") => {
            at(1).into_iter().flat_map(|own| own.split(',')).collect()
        }
        Some("vlan") => at(1).into_iter().collect(),
        Some(_) | None => Vec::new(),
    }
}

/// Has the card keep its name.
fn keep(own: Case<'_>, draft: &mut Draft<'_>, name: &str) -> Result<(), FsError> {
    if name.contains(['*', '?', '[']) {
        return rules::pattern(own, draft, name);
    }
    if !is_name(name) {
        own.leave(draft, format!("{name:?} is no name of an interface"));
        return Ok(());
    }
    if is_of_kernel(name) && cards(own.ask).len() > 1 {
        return bind::by_mac(own, draft);
    }
    let Some(mac) = macs::of(own.ask, name)? else {
        own.leave(draft, unknown(name));
        return Ok(());
    };
    let why = own.why(format!(
        "The card with the address {mac} is called {name} on every hardware."
    ));
    name_rule::write(own.ask, draft, name, mac, &why)
}

fn unknown(name: &str) -> String {
    format!(
        "nothing says which address the card {name} has: give it with --mac {name}=52:54:00:12:34:56"
    )
}

/// \[Linux, `dev_valid_name`\] What an interface can be called; nothing in it means anything to udev.
fn is_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    (1..16).contains(&name.len()) && name.bytes().all(plain) && name != "." && name != ".."
}

/// A name that the kernel itself may give to another card first.
fn is_of_kernel(name: &str) -> bool {
    let number = name.strip_prefix("eth");
    number.is_some_and(|own| !own.is_empty() && own.bytes().all(|c| c.is_ascii_digit()))
}

/// The names of all cards that the configuration speaks of.
fn cards(ask: Ask<'_>) -> BTreeSet<&str> {
    let connections = ask.facts.network.connections.iter();
    let card = |own: &&Connection| own.kind == LinkKind::Ethernet;
    let own = connections
        .clone()
        .filter(card)
        .map(|own| own.interface.as_deref().unwrap_or(&own.name));
    let ports = connections.flat_map(|own| own.ports.iter().map(|port| port.value.as_str()));
    own.chain(ports).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_kernel_gives_are_told() {
        assert!(is_of_kernel("eth0") && is_of_kernel("eth12"));
        assert!(!is_of_kernel("eth") && !is_of_kernel("ens3") && !is_of_kernel("ethx"));
        assert!(is_name("enp1s0") && is_name("a-b.c_1"));
        for wrong in ["", "a\"b", "a b", "..", "0123456789abcdef", "a/b", "a*"] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
