//! `ifcfg-*` of SUSE: [ifcfg(5)] and its relatives of wicked.

use std::net::IpAddr;

use detente_volume::FsError;

use super::address;
use super::draft::{bind, connection, is_dotted_vlan, is_made, kind_of_name};
use crate::facts::{BindBy, Connection, Evidence, LinkKind, Method, NetworkSystem, Setting};
use crate::files::Files;
use crate::settings::drop_ins::{self, name};
use crate::settings::{is_yes, lines, shell, words};

const FOLDER: &str = "/etc/sysconfig/network";

pub(super) fn gather(files: Files<'_>, all: &mut Vec<Connection>) -> Result<(), FsError> {
    let mut own = Vec::new();
    for path in drop_ins::folder(files, FOLDER, "")? {
        if name(&path).starts_with("ifcfg-")
            && let Some(text) = files.text(&path)?
        {
            parse(&path, &text, &mut own);
        }
    }
    let of_all = format!("{FOLDER}/routes");
    let shared = files.text(&of_all)?.unwrap_or_default();
    for connection in &mut own {
        let path = format!("{FOLDER}/ifroute-{}", connection.name);
        let text = files.text(&path)?.unwrap_or_default();
        routes(&path, &text, connection, Scope::Own);
        routes(&of_all, &shared, connection, Scope::All);
    }
    all.append(&mut own);
    Ok(())
}

pub(super) fn parse(path: &str, text: &str, all: &mut Vec<Connection>) {
    let interface = name(path);
    let interface = interface.strip_prefix("ifcfg-").unwrap_or(interface);
    // `ifcfg.template` and its like are no interface's.
    if interface.is_empty() || (interface.contains('.') && !is_dotted_vlan(interface)) {
        return;
    }
    let settings = shell::parse(path, text);
    let at = Evidence::path(path);
    let mut new = connection(NetworkSystem::Wicked, interface, at.clone());
    let value = |key: &str| shell::value(&settings, key).unwrap_or_default();
    new.kind = kind(&settings, interface);
    new.on_boot = matches!(
        value("STARTMODE"),
        "auto" | "onboot" | "boot" | "hotplug" | "nfsroot" | "ifplugd" | "on"
    );
    new.interface = Some(interface.to_owned());
    if !is_made(&new.kind) {
        new.binds.push(bind(BindBy::Name, interface, &at));
    }
    new.mac = shell::last(&settings, "LLADDR").cloned();
    new.parent = shell::last(&settings, "ETHERDEVICE").cloned();
    new.ports = ports(&settings);
    protocols(&settings, &mut new);
    all.push(new);
}

fn kind(settings: &[Setting], interface: &str) -> LinkKind {
    let has = |key: &str| shell::value(settings, key).is_some();
    let yes = |key: &str| shell::value(settings, key).is_some_and(is_yes);
    if yes("BONDING_MASTER") {
        LinkKind::Bond
    } else if yes("BRIDGE") {
        LinkKind::Bridge
    } else if has("TEAM_RUNNER") {
        LinkKind::Team
    } else if has("ETHERDEVICE") || has("VLAN_ID") {
        LinkKind::Vlan
    } else {
        kind_of_name(interface).unwrap_or(LinkKind::Ethernet)
    }
}

/// `BONDING_SLAVE_0`, `TEAM_PORT_DEVICE_0`, and all of `BRIDGE_PORTS`.
fn ports(settings: &[Setting]) -> Vec<Setting> {
    let is_ports = |own: &&Setting| {
        let stem = own
            .name
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        ["BONDING_SLAVE", "TEAM_PORT_DEVICE", "BRIDGE_PORTS"].contains(&stem)
    };
    let each = |own: &Setting| -> Vec<Setting> {
        words::list(&own.value)
            .map(|port| Setting::new(&own.name, port, own.at.clone()))
            .collect()
    };
    settings.iter().filter(is_ports).flat_map(each).collect()
}

fn protocols(settings: &[Setting], new: &mut Connection) {
    for own in settings {
        let Some(number) = own.name.strip_prefix("IPADDR") else {
            continue;
        };
        if let Some(mut address) = address::parse(&own.value, &own.at) {
            let prefix = ["PREFIXLEN", "NETMASK"]
                .iter()
                .find_map(|key| shell::value(settings, &format!("{key}{number}")));
            address.prefix = address.prefix.or(prefix.and_then(address::prefix_of));
            let protocol = address::protocol(new, &address.address);
            protocol.addresses.push(address);
        }
    }
    let boot = shell::value(settings, "BOOTPROTO").unwrap_or("static");
    let (mut v4, mut v6) = (Method::Unset, Method::Unset);
    for word in boot.split('+') {
        match word {
            "dhcp" => (v4, v6) = (Method::Dhcp, Method::Dhcp),
            "dhcp4" => v4 = Method::Dhcp,
            "dhcp6" => v6 = Method::Dhcp,
            "auto6" => v6 = Method::Automatic,
            "autoip" if v4 == Method::Unset => v4 = Method::LinkLocal,
            _ => (),
        }
    }
    for (protocol, method) in [(&mut new.ipv4, v4), (&mut new.ipv6, v6)] {
        protocol.method = match method {
            Method::Unset if boot == "none" => Method::Disabled,
            Method::Unset if !protocol.addresses.is_empty() => Method::Static,
            method => method,
        };
    }
}

/// Whose routes a file has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Own,
    All,
}

/// [routes(5)]: `default GATEWAY - [INTERFACE]`. Without an interface a route of all belongs to
/// the connection in whose network its gateway is.
fn routes(path: &str, text: &str, connection: &mut Connection, scope: Scope) {
    for (number, line) in lines(text, &['#']) {
        let fields: Vec<&str> = line.split_whitespace().take(4).collect();
        let (Some(destination), Some(gateway)) = (fields.first(), fields.get(1)) else {
            continue;
        };
        let interface = fields.get(3).copied().filter(|name| *name != "-");
        let is_ours = scope == Scope::Own
            || interface == Some(connection.name.as_str())
            || (interface.is_none() && is_near(connection, gateway));
        if address::is_default(destination) && is_ours {
            let at = Evidence::line(path, number);
            address::add_gateway(connection, &Setting::new("route", *gateway, at));
        }
    }
}

/// Whether an IPv4 gateway is in the network of a static address.
fn is_near(connection: &Connection, gateway: &str) -> bool {
    let Ok(IpAddr::V4(gateway)) = gateway.parse() else {
        return false;
    };
    connection.ipv4.addresses.iter().any(|own| {
        let IpAddr::V4(address) = own.address else {
            return false;
        };
        let host_bits = 32_u8.saturating_sub(own.prefix.unwrap_or(32));
        let mask = u32::MAX.checked_shl(u32::from(host_bits)).unwrap_or(0);
        (u32::from(address) ^ u32::from(gateway)) & mask == 0
    })
}
