//! `ifcfg-*` of the RHEL family: initscripts' sysconfig.txt, [nm-settings-ifcfg-rh(5)].

use detente_volume::FsError;

use super::address;
use super::draft::{bind, connection, is_made, kind_of_name};
use crate::facts::{
    BindBy, Connection, Evidence, LinkKind, Method, NameRule, NameRuleKind, Network, NetworkSystem,
    Setting,
};
use crate::files::Files;
use crate::settings::drop_ins::{self, name};
use crate::settings::{is_no, is_yes, shell, words};

const FOLDER: &str = "/etc/sysconfig/network-scripts";

/// What makes a connection a port of another.
const MASTERS: [&str; 6] = [
    "MASTER",
    "MASTER_UUID",
    "BRIDGE",
    "BRIDGE_UUID",
    "TEAM_MASTER",
    "TEAM_MASTER_UUID",
];

pub(super) fn gather(files: Files<'_>, network: &mut Network) -> Result<(), FsError> {
    for path in drop_ins::folder(files, FOLDER, "")? {
        if name(&path).starts_with("ifcfg-")
            && let Some(text) = files.text(&path)?
        {
            parse(&path, &text, network);
        }
    }
    gateway_of_all(files, network)
}

/// `GATEWAY` of `/etc/sysconfig/network` counts for every static connection without one.
fn gateway_of_all(files: Files<'_>, network: &mut Network) -> Result<(), FsError> {
    let path = "/etc/sysconfig/network";
    let settings = shell::parse(path, &files.text(path)?.unwrap_or_default());
    let Some(gateway) = shell::last(&settings, "GATEWAY") else {
        return Ok(());
    };
    for own in &mut network.connections {
        if own.system == NetworkSystem::NetworkScripts
            && own.ipv4.gateways.is_empty()
            && own.ipv4.method == Method::Static
            && own.kind != LinkKind::Loopback
        {
            address::add_gateway(own, gateway);
        }
    }
    Ok(())
}

pub(super) fn parse(path: &str, text: &str, network: &mut Network) {
    let settings = shell::parse(path, text);
    if settings.is_empty() {
        return;
    }
    let value = |key: &str| shell::value(&settings, key);
    let file_name = name(path);
    let file_name = file_name.strip_prefix("ifcfg-").unwrap_or(file_name);
    let title = value("NAME").or(value("DEVICE")).unwrap_or(file_name);
    let mut new = connection(NetworkSystem::NetworkScripts, title, Evidence::path(path));
    new.kind = kind(&settings, value("DEVICE").unwrap_or_default());
    new.on_boot = !value("ONBOOT").is_some_and(is_no);
    new.interface = value("DEVICE").map(str::to_owned);
    new.mac = shell::last(&settings, "MACADDR").cloned();
    new.parent = shell::last(&settings, "PHYSDEV").cloned();
    let master = MASTERS.iter().find_map(|key| shell::last(&settings, key));
    new.master = master.cloned();
    binds(&settings, &mut new);
    ipv4(&settings, &mut new);
    ipv6(&settings, &mut new);
    let is_server = |own: &&Setting| {
        let number = own.name.strip_prefix("DNS");
        number.is_some_and(|number| number.parse::<u8>().is_ok()) && !own.value.is_empty()
    };
    new.dns = settings.iter().filter(is_server).cloned().collect();
    rename(&new, network);
    network.connections.push(new);
}

fn kind(settings: &[Setting], device: &str) -> LinkKind {
    let value = |key: &str| shell::value(settings, key).unwrap_or_default();
    let named = value("TYPE").to_ascii_lowercase();
    match named.as_str() {
        "bond" => return LinkKind::Bond,
        "bridge" => return LinkKind::Bridge,
        "vlan" => return LinkKind::Vlan,
        "team" => return LinkKind::Team,
        "" | "ethernet" => (),
        other => return LinkKind::Other(other.to_owned()),
    }
    if value("DEVICETYPE").eq_ignore_ascii_case("team") {
        LinkKind::Team
    } else if is_yes(value("VLAN")) {
        LinkKind::Vlan
    } else if !value("BONDING_OPTS").is_empty() || is_yes(value("BONDING_MASTER")) {
        LinkKind::Bond
    } else {
        kind_of_name(device).unwrap_or(LinkKind::Ethernet)
    }
}

fn binds(settings: &[Setting], new: &mut Connection) {
    let keys = [
        ("DEVICE", BindBy::Name),
        ("HWADDR", BindBy::Mac),
        ("SUBCHANNELS", BindBy::Path),
    ];
    for (key, by) in keys {
        let setting = shell::last(settings, key).filter(|own| !own.value.is_empty());
        if let Some(setting) = setting
            && !(by == BindBy::Name && is_made(&new.kind))
        {
            new.binds.push(bind(by, &setting.value, &setting.at));
        }
    }
}

fn ipv4(settings: &[Setting], new: &mut Connection) {
    let mut addresses = Vec::new();
    // IPADDR, IPADDR0, IPADDR1, …: each with a PREFIX or NETMASK of the same number.
    for own in settings {
        let Some(number) = own.name.strip_prefix("IPADDR") else {
            continue;
        };
        let Some(mut address) = address::parse(&own.value, &own.at) else {
            continue;
        };
        let prefix = ["PREFIX", "NETMASK"]
            .iter()
            .find_map(|key| shell::value(settings, &format!("{key}{number}")));
        address.prefix = address.prefix.or(prefix.and_then(address::prefix_of));
        addresses.push(address);
    }
    let protocol = shell::value(settings, "BOOTPROTO").unwrap_or("none");
    new.ipv4.method = match protocol.to_ascii_lowercase().as_str() {
        "dhcp" | "bootp" => Method::Dhcp,
        "autoip" => Method::LinkLocal,
        "shared" => Method::Shared,
        _ if addresses.is_empty() => Method::Disabled,
        _ => Method::Static,
    };
    new.ipv4.addresses = addresses;
    let is_gateway = |own: &&Setting| {
        let number = own.name.strip_prefix("GATEWAY");
        number.is_some_and(|number| number.is_empty() || number.parse::<u8>().is_ok())
    };
    for own in settings.iter().filter(is_gateway) {
        address::add_gateway(new, own);
    }
}

fn ipv6(settings: &[Setting], new: &mut Connection) {
    for key in ["IPV6ADDR", "IPV6ADDR_SECONDARIES"] {
        if let Some(own) = shell::last(settings, key) {
            for address in words::list(&own.value) {
                address::add(new, address, &own.at);
            }
        }
    }
    if let Some(gateway) = shell::last(settings, "IPV6_DEFAULTGW") {
        address::add_gateway(new, gateway);
    }
    let yes = |key: &str| shell::value(settings, key).map(is_yes);
    new.ipv6.method = if yes("IPV6INIT") == Some(false) || yes("IPV6_DISABLED") == Some(true) {
        Method::Disabled
    } else if !new.ipv6.addresses.is_empty() {
        Method::Static
    } else if yes("DHCPV6C") == Some(true) {
        Method::Dhcp
    } else if yes("IPV6_AUTOCONF") == Some(false) {
        Method::LinkLocal
    } else if yes("IPV6INIT") == Some(true) {
        Method::Automatic
    } else {
        Method::Unset
    };
}

/// initscripts' rename_device gives the interface with the address of `HWADDR` the name in `DEVICE`.
fn rename(new: &Connection, network: &mut Network) {
    let is_mac = |bind: &&crate::facts::Binding| bind.by == BindBy::Mac;
    let macs: Vec<_> = new.binds.iter().filter(is_mac).cloned().collect();
    if let (Some(name), Some(first)) = (&new.interface, macs.first())
        && !is_made(&new.kind)
    {
        network.names.push(NameRule {
            kind: NameRuleKind::NetworkScripts,
            name: Some(name.clone()),
            policies: Vec::new(),
            at: first.at.clone(),
            binds: macs,
        });
    }
}
