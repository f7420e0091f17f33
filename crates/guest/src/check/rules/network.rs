//! Connections that do not find their card on other hardware.

use super::ALL;
use crate::check::network_name::{Fate, cards, fate};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{BindBy, Connection, LinkKind, Method, NetworkSystem};

const BY_MAC: &str = "Bind the connection by MAC address and not by name (NetworkManager: \
                      `mac-address=` without `interface-name=`; netplan: `match: macaddress`), \
                      and give the new card the old address.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.network.interface-name",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: ALL,
        title: "every connection is bound to an interface name that this hardware does not give",
        consequence: "The card is there under another name and gets no address.",
        remedy: BY_MAC,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.net-naming-scheme(7): cards on Hyper-V's bus have no slot and stay ethN",
        look: |view| lost(view, Fate::NoSuchName, true),
    },
    Rule {
        id: "linux.network.interface-name-of-one",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a connection is bound to an interface name that this hardware does not give",
        consequence: "Another connection finds a card; what this one was for does not come up.",
        remedy: BY_MAC,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.net-naming-scheme(7)",
        look: |view| lost(view, Fate::NoSuchName, false),
    },
    Rule {
        id: "linux.network.driver-bound",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: ALL,
        title: "a connection is bound to the driver of other hardware",
        consequence: "The card has another driver and gets no address.",
        remedy: BY_MAC,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "netplan-yaml(5), match: driver; systemd.network(5), Driver=",
        look: |view| lost(view, Fate::OtherDriver, true).and(lost(view, Fate::OtherDriver, false)),
    },
    Rule {
        id: "linux.network.path-bound",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: ALL,
        title: "a connection is bound to a place on a bus that this hardware does not have",
        consequence: "The card is elsewhere and gets no address.",
        remedy: BY_MAC,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.network(5), Path=; NetworkManager's match.path",
        look: |view| lost(view, Fate::OtherPath, true).and(lost(view, Fate::OtherPath, false)),
    },
    Rule {
        id: "linux.network.slot-bound",
        aspect: Aspect::Names,
        severity: Severity::Note,
        profiles: ALL,
        title: "a connection is bound to a name that means a slot",
        consequence: "It comes up if the new machine has its card in that very slot.",
        remedy: BY_MAC,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.net-naming-scheme(7), enP…p…s…",
        look: slot_bound,
    },
    Rule {
        id: "linux.network.mac-bound",
        aspect: Aspect::Network,
        severity: Severity::Note,
        profiles: ALL,
        title: "a connection is bound to a MAC address",
        consequence: "It comes up if the new card has that address, and not otherwise.",
        remedy: "Give the new card this address (Hyper-V: a static MAC address).",
        by: By::Machine,
        basis: Basis::Documented,
        source: "Microsoft, Linux on Hyper-V has no network: the MAC address changed",
        look: mac_bound,
    },
    Rule {
        id: "linux.network.not-configured",
        aspect: Aspect::Network,
        severity: Severity::Note,
        profiles: ALL,
        title: "no connection of a network card was found",
        consequence: "The guest has a network only where something sets it up by itself: \
                      NetworkManager for any card, or cloud-init.",
        remedy: "Configure a connection that applies to any card, or bind one by MAC address.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "NetworkManager.conf(5), no-auto-default",
        look: not_configured,
    },
];

/// Connections with this fate: where no other one applies (`all`), or where one does.
fn lost(view: &View<'_>, wanted: Fate, all: bool) -> Looked {
    let works = |own: &&Connection| {
        matches!(fate(view, own), Fate::Applies | Fate::IfSlot) && has_address(own)
    };
    let none = cards(view).filter(works).count() == 0;
    if none != all {
        return Looked::fine();
    }
    let lost = cards(view).filter(|own| fate(view, own) == wanted);
    Looked::found(lost.map(|own| proof(own, &[BindBy::Name, BindBy::Driver, BindBy::Path])))
}

fn has_address(connection: &Connection) -> bool {
    let off = |method| method == Method::Disabled || method == Method::LinkLocal;
    connection.master.is_some() || !(off(connection.ipv4.method) && off(connection.ipv6.method))
}

fn slot_bound(view: &View<'_>) -> Looked {
    let bound = cards(view).filter(|own| fate(view, own) == Fate::IfSlot);
    Looked::found(bound.map(|own| proof(own, &[BindBy::Name])))
}

fn mac_bound(view: &View<'_>) -> Looked {
    let connections = cards(view)
        .filter(|own| own.binds.iter().any(|bind| bind.by == BindBy::Mac))
        .map(|own| proof(own, &[BindBy::Mac]));
    let rules = view.facts.network.names.iter().filter_map(|rule| {
        let bind = rule.binds.iter().find(|bind| bind.by == BindBy::Mac)?;
        let name = rule.name.as_deref().unwrap_or("a name");
        let text = format!("{} is to be called {name}", bind.value);
        Some(Proof::words(text).at(&bind.at).pair("mac", &bind.value))
    });
    Looked::found(connections.chain(rules))
}

fn not_configured(view: &View<'_>) -> Looked {
    let mut connections = view.facts.network.connections.iter();
    if connections.any(|own| own.on_boot && own.kind != LinkKind::Loopback) {
        return Looked::fine();
    }
    Looked::found([Proof::words("no configuration of a network card was found")])
}

fn proof(connection: &Connection, bound_by: &[BindBy]) -> Proof {
    let mut binds = connection.binds.iter();
    let bind = binds.find(|bind| bound_by.contains(&bind.by));
    let system = system(connection.system);
    let Some(bind) = bind else {
        let text = format!("{system} has {:?}", connection.name);
        return Proof::words(text).at(&connection.at);
    };
    let text = format!("{system} binds {:?} to {}", connection.name, bind.value);
    Proof::words(text)
        .at(&bind.at)
        .pair(&connection.name, &bind.value)
}

fn system(system: NetworkSystem) -> &'static str {
    match system {
        NetworkSystem::NetworkManager => "NetworkManager",
        NetworkSystem::NetworkScripts => "ifcfg",
        NetworkSystem::Netplan => "netplan",
        NetworkSystem::Networkd => "systemd-networkd",
        NetworkSystem::Ifupdown => "ifupdown",
        NetworkSystem::Wicked => "wicked",
        NetworkSystem::CloudInit => "cloud-init",
    }
}
