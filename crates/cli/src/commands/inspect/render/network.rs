//! The network on the page: a row for each connection, then what names interfaces.

use detente_guest::facts::{
    BindBy, Binding, Connection, Facts, LinkKind, Method, NameRule, NameRuleKind, NetworkSystem,
    Protocol,
};

use crate::page::Page;

/// Rows shown; the rest is counted. `--format json` has all.
const ROWS: usize = 16;

pub(super) fn network(page: &mut Page, facts: &Facts) {
    let network = &facts.network;
    let is_shown = |own: &&Connection| own.kind != LinkKind::Loopback;
    let all: Vec<&Connection> = network.connections.iter().filter(is_shown).collect();
    let rules: Vec<&NameRule> = network.names.iter().filter(|own| is_own(own)).collect();
    if all.is_empty() && rules.is_empty() && network.arguments.is_empty() {
        return;
    }
    page.heading("Network");
    let rows: Vec<Vec<String>> = all.iter().take(ROWS).map(|own| row(own)).collect();
    page.table(&rows);
    if let Some(more) = all.len().checked_sub(ROWS).filter(|&more| more > 0) {
        page.item("", &format!("and {more} more"));
    }
    for (index, rule) in rules.iter().take(ROWS).enumerate() {
        page.line(if index == 0 { "names" } else { "" }, &rule_text(rule));
    }
    let servers: Vec<&str> = network
        .resolvers
        .iter()
        .map(|own| own.value.as_str())
        .collect();
    if !servers.is_empty() {
        page.line("name servers", &servers.join(", "));
    }
    let arguments = network.arguments.iter();
    let arguments: Vec<String> = arguments
        .map(|own| format!("{}={}", own.name, own.value))
        .collect();
    if !arguments.is_empty() {
        page.line("arguments", &arguments.join(" "));
    }
}

/// Of the rules that come with a distribution, none says anything about this guest.
fn is_own(rule: &NameRule) -> bool {
    rule.name.is_some()
        || rule.kind == NameRuleKind::SwitchedOff
        || rule.at.path.starts_with("/etc/")
}

fn row(own: &Connection) -> Vec<String> {
    let mut addresses: Vec<String> = [(&own.ipv4, "DHCP"), (&own.ipv6, "DHCPv6")]
        .into_iter()
        .flat_map(|(protocol, dhcp)| words(protocol, dhcp))
        .collect();
    if let Some(master) = &own.master {
        addresses.push(format!("port of {}", master.value));
    }
    if let Some(parent) = &own.parent {
        addresses.push(format!("on {}", parent.value));
    }
    if addresses.is_empty() {
        addresses.push("no address".to_owned());
    }
    let manual = if own.on_boot { "" } else { ", not at boot" };
    vec![
        system(own.system).to_owned(),
        own.name.clone(),
        format!("{}{manual}", addresses.join(", ")),
        binding(own),
    ]
}

fn system(system: NetworkSystem) -> &'static str {
    match system {
        NetworkSystem::NetworkManager => "NetworkManager",
        NetworkSystem::NetworkScripts => "ifcfg",
        NetworkSystem::Netplan => "netplan",
        NetworkSystem::Networkd => "networkd",
        NetworkSystem::Ifupdown => "ifupdown",
        NetworkSystem::Wicked => "wicked",
        NetworkSystem::CloudInit => "cloud-init",
    }
}

fn words(protocol: &Protocol, dhcp: &str) -> Vec<String> {
    let mut words = Vec::new();
    match protocol.method {
        Method::Dhcp => words.push(dhcp.to_owned()),
        Method::Shared => words.push("shared".to_owned()),
        Method::Unset
        | Method::Disabled
        | Method::Automatic
        | Method::Static
        | Method::LinkLocal => (),
    }
    for own in &protocol.addresses {
        let prefix = own.prefix.map_or(String::new(), |own| format!("/{own}"));
        words.push(format!("{}{prefix}", own.address));
    }
    words.extend(
        protocol
            .gateways
            .iter()
            .map(|own| format!("via {}", own.value)),
    );
    words
}

fn binding(own: &Connection) -> String {
    let kind = match &own.kind {
        LinkKind::Bond => "bond",
        LinkKind::Bridge => "bridge",
        LinkKind::Vlan => "VLAN",
        LinkKind::Team => "team",
        LinkKind::Other(name) => name,
        LinkKind::Ethernet | LinkKind::Loopback => "",
    };
    match (kind, own.binds.as_slice()) {
        ("", []) => "any interface".to_owned(),
        (kind, []) => kind.to_owned(),
        (_, all) => format!("by {}", conditions(all)),
    }
}

fn conditions(all: &[Binding]) -> String {
    let word = |bind: &Binding| {
        let by = match bind.by {
            BindBy::Name => "name",
            BindBy::Mac => "MAC",
            BindBy::Driver => "driver",
            BindBy::Path => "path",
            BindBy::Type => "type",
            BindBy::Other => "condition",
        };
        format!("{by} {}", bind.value)
    };
    all.iter().map(word).collect::<Vec<_>>().join(" and ")
}

fn rule_text(rule: &NameRule) -> String {
    let name = match (&rule.name, rule.kind) {
        (Some(name), _) => name.clone(),
        (None, NameRuleKind::SwitchedOff) => return format!("switched off: {}", rule.at),
        (None, _) => rule.policies.join(" "),
    };
    format!("{name} by {}, {}", conditions(&rule.binds), rule.at)
}
