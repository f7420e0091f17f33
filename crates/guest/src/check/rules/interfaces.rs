//! Names of interfaces: rules that give them, and what else counts on them.

use super::ALL;
use crate::check::network_name::{Fate, name_fate, rule_applies};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{BindBy, Connection, LinkKind, NameRule, Setting};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.network.name-rule-bound",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a rule names the card by a driver or a place that this hardware does not have",
        consequence: "The card keeps another name than the rest of the configuration may expect.",
        remedy: "Match by MAC address alone in the udev rule or .link file.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.link(5), Driver=, Path=; udev(7), DRIVERS, KERNELS",
        look: name_rules,
    },
    Rule {
        id: "linux.network.port-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a bond, bridge or VLAN counts on an interface that this hardware does not give",
        consequence: "It comes up without that port, or not at all.",
        remedy: "Name the ports by MAC address, or give the card its old name by a .link file.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.net-naming-scheme(7)",
        look: ports,
    },
];

fn name_rules(view: &View<'_>) -> Looked {
    let bound = |rule: &&NameRule| {
        rule.name.is_some()
            && rule
                .binds
                .iter()
                .any(|bind| matches!(bind.by, BindBy::Driver | BindBy::Path))
            && !rule_applies(view, rule)
    };
    let rules = view.facts.network.names.iter().filter(bound);
    Looked::found(rules.flat_map(|rule| {
        let name = rule.name.as_deref().unwrap_or_default();
        let binds = rule.binds.iter();
        let binds = binds.filter(|bind| matches!(bind.by, BindBy::Driver | BindBy::Path));
        binds.map(move |bind| {
            let text = format!("{name} is given to a card with {}", bind.value);
            Proof::words(text).at(&bind.at).pair(name, &bind.value)
        })
    }))
}

fn ports(view: &View<'_>) -> Looked {
    let connections = &view.facts.network.connections;
    let own_name = |name: &str| {
        connections.iter().any(|own| {
            own.name == name
                || (own.kind != LinkKind::Ethernet && own.interface.as_deref() == Some(name))
        })
    };
    let missing = |setting: &&Setting| {
        !own_name(&setting.value) && name_fate(view, &setting.value) == Fate::NoSuchName
    };
    let on_boot = connections.iter().filter(|own| own.on_boot);
    let settings = on_boot.flat_map(|own: &Connection| own.ports.iter().chain(own.parent.iter()));
    Looked::found(settings.filter(missing).map(Proof::setting))
}
