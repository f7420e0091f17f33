//! The network configuration that cloud-init was given: its network-config formats 1 and 2.

use detente_volume::FsError;

use super::address;
use super::draft::{bind, connection, is_made};
use super::netplan::version_2;
use crate::facts::{BindBy, Connection, LinkKind, Method, Network, NetworkSystem};
use crate::files::Files;
use crate::settings::drop_ins;
use crate::settings::yaml::{self, Node};

const FOLDER: &str = "/etc/cloud/cloud.cfg.d";
const MAIN: &str = "/etc/cloud/cloud.cfg";
/// Given with an image or a disk; the whole file is the configuration.
const SEEDS: [&str; 2] = [
    "/var/lib/cloud/seed/nocloud-net/network-config",
    "/var/lib/cloud/seed/nocloud/network-config",
];

pub(super) fn gather(
    files: Files<'_>,
    network: &mut Network,
    notes: &mut Vec<String>,
) -> Result<(), FsError> {
    let mut paths = vec![MAIN.to_owned()];
    paths.extend(drop_ins::folder(files, FOLDER, ".cfg")?);
    paths.extend(SEEDS.map(str::to_owned));
    // The last file that says something counts.
    let mut last = None;
    for path in paths {
        let Some(text) = files.text(&path)? else {
            continue;
        };
        match yaml::parse(&path, &text) {
            Ok(tree) => last = tree.and_then(own).or(last),
            Err(error) => notes.push(format!("{path} was not read: {error}")),
        }
    }
    if let Some(own) = last {
        configuration(&own, network);
    }
    Ok(())
}

/// What stands below `network:`, or a file that is the configuration as a whole.
fn own(tree: Node) -> Option<Node> {
    let own = match tree.get("network") {
        Some(own) => own.clone(),
        None => tree,
    };
    own.get("version").is_some().then_some(own)
}

fn configuration(tree: &Node, network: &mut Network) {
    match tree.member_text("version") {
        Some("2") => version_2(tree, NetworkSystem::CloudInit, network),
        Some("1") => {
            for item in tree.get("config").map_or(&[][..], Node::items) {
                network.connections.extend(version_1(item));
            }
        }
        Some(_) | None => (),
    }
}

fn version_1(item: &Node) -> Option<Connection> {
    let name = item.member_text("name")?;
    let kind = match item.member_text("type")? {
        "physical" => LinkKind::Ethernet,
        "bond" => LinkKind::Bond,
        "bridge" => LinkKind::Bridge,
        "vlan" => LinkKind::Vlan,
        "loopback" => LinkKind::Loopback,
        _ => return None,
    };
    let mut new = connection(NetworkSystem::CloudInit, name, item.at());
    new.interface = Some(name.to_owned());
    let mac = item.get("mac_address");
    if let Some((mac, text)) = mac.and_then(|mac| Some((mac, mac.text()?))) {
        if is_made(&kind) {
            new.mac = mac.setting("mac_address");
        } else {
            // The interface of this address is given the name.
            new.binds.push(bind(BindBy::Mac, text, &mac.at()));
        }
    } else if !is_made(&kind) {
        new.binds.push(bind(BindBy::Name, name, &item.at()));
    }
    for key in ["bond_interfaces", "bridge_interfaces"] {
        let ports = item
            .get(key)
            .map_or_else(Vec::new, |ports| ports.settings(key));
        new.ports.extend(ports);
    }
    new.parent = item
        .get("vlan_link")
        .and_then(|link| link.setting("vlan_link"));
    new.kind = kind;
    for subnet in item.get("subnets").map_or(&[][..], Node::items) {
        self::subnet(subnet, &mut new);
    }
    Some(new)
}

fn subnet(subnet: &Node, new: &mut Connection) {
    let kind = subnet.member_text("type").unwrap_or_default();
    if let Some(node) = subnet.get("address")
        && let Some(mut address) = node
            .text()
            .and_then(|text| address::parse(text, &node.at()))
    {
        let mask = subnet.member_text("netmask").and_then(address::prefix_of);
        address.prefix = address.prefix.or(mask);
        let protocol = address::protocol(new, &address.address);
        protocol.method = Method::Static;
        protocol.addresses.push(address);
    }
    match kind {
        "dhcp" | "dhcp4" => new.ipv4.method = Method::Dhcp,
        "dhcp6" | "ipv6_dhcpv6-stateful" => new.ipv6.method = Method::Dhcp,
        "ipv6_slaac" | "ipv6_dhcpv6-stateless" => new.ipv6.method = Method::Automatic,
        "manual" => new.ipv4.method = Method::Disabled,
        _ => (),
    }
    if let Some(gateway) = subnet.get("gateway").and_then(|own| own.setting("gateway")) {
        address::add_gateway(new, &gateway);
    }
    let servers = subnet.get("dns_nameservers");
    new.dns
        .extend(servers.map_or_else(Vec::new, |own| own.settings("dns_nameservers")));
}

pub(super) fn exercise(text: &str, notes: &mut Vec<String>) {
    match yaml::parse("/x", text) {
        Ok(Some(tree)) => {
            if let Some(own) = own(tree) {
                configuration(&own, &mut Network::default());
            }
        }
        Ok(None) => (),
        Err(error) => notes.push(error.to_string()),
    }
}
