//! systemd-networkd: [systemd.network(5)], [systemd.netdev(5)].

use std::collections::BTreeMap;

use detente_volume::FsError;

use super::address;
use super::draft::{bind, connection, is_made};
use crate::facts::{
    BindBy, Binding, Connection, Evidence, LinkKind, Method, Network, NetworkSystem, Setting,
};
use crate::files::Files;
use crate::settings::drop_ins::{self, name};
use crate::settings::ini::Ini;
use crate::settings::{is_no, is_yes, words};

/// The earlier hides a file of the same name in the later.
pub(super) const FOLDERS: [&str; 4] = [
    "/etc/systemd/network",
    "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network",
    "/lib/systemd/network",
];

/// Files that systemd brings for containers, virtual machines and the like.
const OF_SYSTEMD: [&str; 2] = ["80-", "89-"];

/// What a `.netdev` file makes.
struct Made {
    kind: LinkKind,
    mac: Option<Setting>,
}

pub(super) fn gather(files: Files<'_>, network: &mut Network) -> Result<(), FsError> {
    let mut made = BTreeMap::new();
    for file in read(files, ".netdev")? {
        netdev(&file.1, &mut made);
    }
    let all = read(files, ".network")?;
    let own: Vec<Connection> = all
        .iter()
        .filter_map(|(path, file)| parse(path, file, &made))
        .collect();
    network.connections.extend(own);
    Ok(())
}

/// The files of one kind with their drop-ins, without those that are switched off.
pub(super) fn read(files: Files<'_>, suffix: &str) -> Result<Vec<(String, Ini)>, FsError> {
    let mut all = Vec::new();
    for path in drop_ins::overridden(files, &FOLDERS, suffix)? {
        let file_name = name(&path);
        let is_etc = path.starts_with("/etc/");
        if !is_etc && suffix != ".link" && OF_SYSTEMD.iter().any(|own| file_name.starts_with(own)) {
            continue;
        }
        if drop_ins::is_masked(files, &path)? {
            continue;
        }
        let Some(text) = files.text(&path)? else {
            continue;
        };
        let mut file = Ini::systemd(&path, &text);
        let folders = FOLDERS.map(|folder| format!("{folder}/{file_name}.d"));
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        for drop_in in drop_ins::overridden(files, &folders, ".conf")? {
            let text = files.text(&drop_in)?.unwrap_or_default();
            file.extend(Ini::systemd(&drop_in, &text));
        }
        all.push((path, file));
    }
    Ok(all)
}

fn netdev(file: &Ini, made: &mut BTreeMap<String, Made>) {
    let Some(name) = file.value("NetDev", "Name") else {
        return;
    };
    let kind = match file.value("NetDev", "Kind").unwrap_or_default() {
        "bond" => LinkKind::Bond,
        "bridge" => LinkKind::Bridge,
        "vlan" => LinkKind::Vlan,
        other => LinkKind::Other(other.to_owned()),
    };
    let mac = file.last("NetDev", "MACAddress").cloned();
    made.insert(name.to_owned(), Made { kind, mac });
}

fn parse(path: &str, file: &Ini, made: &BTreeMap<String, Made>) -> Option<Connection> {
    let unmanaged = file.value("Link", "Unmanaged").is_some_and(is_yes);
    if file.sections.is_empty() || unmanaged {
        return None;
    }
    let title = name(path).trim_end_matches(".network");
    let mut new = connection(NetworkSystem::Networkd, title, Evidence::path(path));
    new.binds = binds(file);
    let is_plain = |name: &&str| !name.is_empty() && !name.contains(['*', '?', '[', ' ', '!']);
    new.interface = file
        .value("Match", "Name")
        .filter(is_plain)
        .map(str::to_owned);
    let own = new.interface.as_ref().and_then(|name| made.get(name));
    if let Some(own) = own {
        new.kind = own.kind.clone();
        new.mac = own.mac.clone();
        if is_made(&new.kind) {
            new.binds.retain(|bind| bind.by != BindBy::Name);
        }
    } else if file.value("Match", "Type") == Some("loopback")
        || new.interface.as_deref() == Some("lo")
    {
        new.kind = LinkKind::Loopback;
    }
    new.mac = file.last("Link", "MACAddress").cloned().or(new.mac);
    new.on_boot = !matches!(
        file.value("Link", "ActivationPolicy"),
        Some("manual" | "down" | "always-down")
    );
    for key in ["Bond", "Bridge", "VRF"] {
        new.master = new.master.or(file.last("Network", key).cloned());
    }
    protocols(file, &mut new);
    for own in file.all("Network", "DNS") {
        let server = |text: &str| Setting::new(&own.name, text, own.at.clone());
        new.dns.extend(words::list(&own.value).map(server));
    }
    Some(new)
}

/// The section `[Match]` of `.network` and `.link` files.
pub(super) fn binds(file: &Ini) -> Vec<Binding> {
    let bind = |entry: &Setting| {
        let by = match entry.name.as_str() {
            "Name" | "OriginalName" => BindBy::Name,
            "MACAddress" | "PermanentMACAddress" => BindBy::Mac,
            "Driver" => BindBy::Driver,
            "Path" => BindBy::Path,
            "Type" => BindBy::Type,
            _ => BindBy::Other,
        };
        bind(by, &entry.value, &entry.at)
    };
    let is_said = |entry: &&Setting| !entry.value.is_empty();
    file.entries("Match").filter(is_said).map(bind).collect()
}

fn protocols(file: &Ini, new: &mut Connection) {
    let addresses = file.all("Network", "Address");
    for own in addresses.chain(file.all("Address", "Address")) {
        address::add(new, &own.value, &own.at);
    }
    for own in file.all("Network", "Gateway") {
        address::add_gateway(new, own);
    }
    for section in file.sections.iter().filter(|own| own.name == "Route") {
        let entry = |key: &str| section.entries.iter().rfind(|own| own.name == key);
        let is_default = entry("Destination").is_none_or(|to| address::is_default(&to.value));
        if let (true, Some(gateway)) = (is_default, entry("Gateway")) {
            address::add_gateway(new, gateway);
        }
    }
    let dhcp = file.value("Network", "DHCP").unwrap_or("no");
    let all = is_yes(dhcp) || dhcp == "both";
    new.ipv4.method = if all || matches!(dhcp, "ipv4" | "v4") {
        Method::Dhcp
    } else if !new.ipv4.addresses.is_empty() {
        Method::Static
    } else {
        Method::Unset
    };
    let accepts = file.value("Network", "IPv6AcceptRA");
    new.ipv6.method = if all || matches!(dhcp, "ipv6" | "v6") {
        Method::Dhcp
    } else if !new.ipv6.addresses.is_empty() {
        Method::Static
    } else if accepts.is_some_and(is_yes) {
        Method::Automatic
    } else if accepts.is_some_and(is_no) {
        Method::LinkLocal
    } else {
        Method::Unset
    };
}

pub(super) fn exercise(text: &str) {
    let file = Ini::systemd("/x.network", text);
    let mut made = BTreeMap::new();
    netdev(&file, &mut made);
    parse("/x.network", &file, &made);
}
