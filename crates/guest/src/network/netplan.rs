//! netplan: its YAML reference. Files are laid over each other in the order of their names.

use detente_volume::FsError;

use super::address;
use super::draft::{bind, connection, is_made};
use crate::facts::{
    BindBy, Binding, Connection, LinkKind, Method, NameRule, NameRuleKind, Network, NetworkSystem,
    Setting,
};
use crate::files::Files;
use crate::settings::yaml::{self, Node};
use crate::settings::{drop_ins, is_no, is_yes};

/// The earlier hides a file of the same name in the later.
const FOLDERS: [&str; 3] = ["/etc/netplan", "/usr/lib/netplan", "/lib/netplan"];

pub(super) fn gather(
    files: Files<'_>,
    network: &mut Network,
    notes: &mut Vec<String>,
) -> Result<(), FsError> {
    let mut tree: Option<Node> = None;
    for path in drop_ins::overridden(files, &FOLDERS, ".yaml")? {
        let Some(text) = files.text(&path)? else {
            continue;
        };
        match yaml::parse(&path, &text) {
            Ok(Some(new)) => match &mut tree {
                Some(tree) => tree.merge(new),
                None => tree = Some(new),
            },
            Ok(None) => (),
            Err(error) => notes.push(format!("{path} was not read: {error}")),
        }
    }
    if let Some(own) = tree.as_ref().and_then(|tree| tree.get("network")) {
        version_2(own, NetworkSystem::Netplan, network);
    }
    Ok(())
}

/// What stands below `network:` in version 2, which cloud-init shares.
pub(super) fn version_2(tree: &Node, system: NetworkSystem, network: &mut Network) {
    for (group, definitions) in tree.members() {
        let Some(kind) = kind(group) else {
            continue;
        };
        for (id, node) in definitions.members() {
            let new = definition(system, id, &kind, node);
            rename(node, &new, network);
            network.connections.push(new);
        }
    }
}

fn kind(group: &str) -> Option<LinkKind> {
    match group {
        "ethernets" => Some(LinkKind::Ethernet),
        "bonds" => Some(LinkKind::Bond),
        "bridges" => Some(LinkKind::Bridge),
        "vlans" => Some(LinkKind::Vlan),
        "wifis" | "modems" | "tunnels" | "vrfs" | "dummy-devices" | "virtual-ethernets" => {
            Some(LinkKind::Other(group.trim_end_matches('s').to_owned()))
        }
        _ => None,
    }
}

fn definition(system: NetworkSystem, id: &str, kind: &LinkKind, node: &Node) -> Connection {
    let mut new = connection(system, id, node.at());
    new.kind = kind.clone();
    let made =
        is_made(kind) || matches!(kind, LinkKind::Other(name) if name != "wifi" && name != "modem");
    match node.get("match") {
        Some(conditions) => new.binds = binds(conditions),
        None if !made => new.binds.push(bind(BindBy::Name, id, &node.at())),
        None => (),
    }
    // With a match, the id is only a label; set-name makes a name known again.
    new.interface = match (node.get("match"), node.member_text("set-name")) {
        (_, Some(name)) => Some(name.to_owned()),
        (None, None) => Some(id.to_owned()),
        (Some(conditions), None) => conditions
            .member_text("name")
            .filter(|name| !name.contains(['*', '?', '[']))
            .map(str::to_owned),
    };
    new.on_boot = !node
        .member_text("activation-mode")
        .is_some_and(|mode| mode == "manual" || mode == "off");
    new.mac = node
        .get("macaddress")
        .and_then(|mac| mac.setting("macaddress"));
    new.parent = node.get("link").and_then(|link| link.setting("link"));
    let ports = node.get("interfaces");
    new.ports = ports.map_or_else(Vec::new, |ports| ports.settings("interfaces"));
    protocols(node, &mut new);
    let servers = node
        .get("nameservers")
        .and_then(|servers| servers.get("addresses"));
    new.dns = servers.map_or_else(Vec::new, |servers| servers.settings("nameservers"));
    new
}

fn binds(conditions: &Node) -> Vec<Binding> {
    let bind = |(name, node): (&str, &Node)| {
        let by = match name {
            "name" => BindBy::Name,
            "macaddress" => BindBy::Mac,
            "driver" => BindBy::Driver,
            _ => BindBy::Other,
        };
        let values: Vec<String> = node
            .settings(name)
            .into_iter()
            .map(|own| own.value)
            .collect();
        bind(by, &values.join(" "), &node.at())
    };
    conditions.members().map(bind).collect()
}

fn protocols(node: &Node, new: &mut Connection) {
    for item in node.get("addresses").map_or(&[][..], Node::items) {
        // `10.0.0.1/24`, or the same with a mapping of options behind it.
        let text = item
            .text()
            .or_else(|| item.members().next().map(|(name, _)| name));
        address::add(new, text.unwrap_or_default(), &item.at());
    }
    for key in ["gateway4", "gateway6"] {
        if let Some(gateway) = node.get(key).and_then(|own| own.setting(key)) {
            address::add_gateway(new, &gateway);
        }
    }
    for route in node.get("routes").map_or(&[][..], Node::items) {
        if route.member_text("to").is_some_and(address::is_default)
            && let Some(via) = route.member_text("via")
        {
            address::add_gateway(new, &Setting::new("routes", via, route.at()));
        }
    }
    let says = |key: &str| node.member_text(key);
    let by_dhcp = |value: Option<&str>, family: &str| match value {
        // The form of old: one key for both.
        Some(value) => is_yes(value) || value == family,
        None => false,
    };
    let (v4, v6) = (
        by_dhcp(says("dhcp4"), "ipv4"),
        by_dhcp(says("dhcp6"), "ipv6"),
    );
    new.ipv4.method = if v4 {
        Method::Dhcp
    } else if !new.ipv4.addresses.is_empty() {
        Method::Static
    } else {
        Method::Unset
    };
    new.ipv6.method = if v6 {
        Method::Dhcp
    } else if !new.ipv6.addresses.is_empty() {
        Method::Static
    } else {
        match says("accept-ra") {
            Some(value) if is_yes(value) => Method::Automatic,
            Some(value) if is_no(value) => Method::LinkLocal,
            Some(_) | None => Method::Unset,
        }
    };
}

fn rename(node: &Node, new: &Connection, network: &mut Network) {
    let Some(name) = node.get("set-name") else {
        return;
    };
    network.names.push(NameRule {
        kind: NameRuleKind::Netplan,
        name: name.text().map(str::to_owned),
        policies: Vec::new(),
        binds: new.binds.clone(),
        at: name.at(),
    });
}

pub(super) fn exercise(text: &str, notes: &mut Vec<String>) {
    match yaml::parse("/x", text) {
        Ok(Some(mut tree)) => {
            tree.merge(tree.clone());
            let own = tree.get("network").unwrap_or(&tree);
            version_2(own, NetworkSystem::Netplan, &mut Network::default());
        }
        Ok(None) => (),
        Err(error) => notes.push(error.to_string()),
    }
}
