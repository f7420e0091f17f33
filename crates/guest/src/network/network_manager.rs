//! NetworkManager's key files: [nm-settings-keyfile(5)].

use detente_volume::FsError;

use super::address;
use super::draft::{bind, connection, is_made};
use crate::facts::{
    BindBy, Connection, Evidence, LinkKind, Method, NetworkSystem, Protocol, Setting,
};
use crate::files::Files;
use crate::settings::drop_ins::{self, name};
use crate::settings::ini::Ini;
use crate::settings::{is_no, words};

const FOLDERS: [&str; 2] = [
    "/etc/NetworkManager/system-connections",
    "/usr/lib/NetworkManager/system-connections",
];

pub(super) fn gather(files: Files<'_>, all: &mut Vec<Connection>) -> Result<(), FsError> {
    for path in drop_ins::overridden(files, &FOLDERS, "")? {
        if !drop_ins::is_leftover(name(&path))
            && let Some(text) = files.text(&path)?
        {
            parse(&path, &text, all);
        }
    }
    Ok(())
}

/// The profile in a file, if it is one.
pub(super) fn parse(path: &str, text: &str, all: &mut Vec<Connection>) {
    let file = Ini::key_file(path, text);
    // A file without this section is no profile.
    let Some(first) = file.entries("connection").next() else {
        return;
    };
    let own_name = name(path);
    let own_name = own_name.strip_suffix(".nmconnection").unwrap_or(own_name);
    let id = file.value("connection", "id").unwrap_or(own_name);
    let mut new = connection(NetworkSystem::NetworkManager, id, first.at.clone());
    new.kind = link_kind(file.value("connection", "type").unwrap_or("ethernet"));
    new.on_boot = !file.value("connection", "autoconnect").is_some_and(is_no);
    let interface = file.last("connection", "interface-name");
    if let Some(interface) = interface.filter(|own| !own.value.is_empty()) {
        new.interface = Some(interface.value.clone());
        if !is_made(&new.kind) {
            new.binds
                .push(bind(BindBy::Name, &interface.value, &interface.at));
        }
    }
    for name in ["master", "controller"] {
        new.master = file.last("connection", name).cloned().or(new.master);
    }
    new.parent = file.last("vlan", "parent").cloned();
    hardware(&file, &mut new);
    matches(&file, &mut new);
    new.ipv4 = protocol(&file, "ipv4", Method::Dhcp, &mut new.dns);
    new.ipv6 = protocol(&file, "ipv6", Method::Automatic, &mut new.dns);
    all.push(new);
}

fn link_kind(kind: &str) -> LinkKind {
    match kind {
        "ethernet" | "802-3-ethernet" => LinkKind::Ethernet,
        "bond" => LinkKind::Bond,
        "bridge" => LinkKind::Bridge,
        "vlan" => LinkKind::Vlan,
        "team" => LinkKind::Team,
        "loopback" => LinkKind::Loopback,
        other => LinkKind::Other(other.to_owned()),
    }
}

fn hardware(file: &Ini, new: &mut Connection) {
    let sections = [
        "ethernet",
        "802-3-ethernet",
        "infiniband",
        "wifi",
        "802-11-wireless",
    ];
    for section in sections {
        if let Some(mac) = file.last(section, "mac-address") {
            let value = mac_of_bytes(&mac.value).unwrap_or_else(|| mac.value.clone());
            new.binds.push(bind(BindBy::Mac, &value, &mac.at));
        }
        let mac = file.last(section, "cloned-mac-address").cloned();
        new.mac = mac.or(new.mac.take());
    }
}

/// The old form of a MAC address, six numbers: `82;84;0;18;52;86;`.
fn mac_of_bytes(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = words::list(text).map(|own| own.parse().ok()).collect();
    let bytes = bytes.filter(|bytes| bytes.len() == 6)?;
    let pairs: Vec<String> = bytes.iter().map(|own| format!("{own:02x}")).collect();
    Some(pairs.join(":"))
}

/// The section `[match]`: each key is a list of which one must fit.
fn matches(file: &Ini, new: &mut Connection) {
    for entry in file.entries("match") {
        let by = match entry.name.as_str() {
            "interface-name" => BindBy::Name,
            "driver" => BindBy::Driver,
            "path" => BindBy::Path,
            _ => BindBy::Other,
        };
        let value = entry.value.trim_end_matches(';');
        new.binds.push(bind(by, value, &entry.at));
    }
}

fn protocol(file: &Ini, section: &str, auto: Method, dns: &mut Vec<Setting>) -> Protocol {
    let method = match file.value(section, "method").unwrap_or_default() {
        "auto" => auto,
        "dhcp" => Method::Dhcp,
        "manual" => Method::Static,
        "link-local" => Method::LinkLocal,
        "shared" => Method::Shared,
        "disabled" | "ignore" => Method::Disabled,
        _ => Method::Unset,
    };
    let mut own = Protocol {
        method,
        ..Protocol::default()
    };
    for entry in file.entries(section) {
        // Each may have a number: address1, route2.
        match entry.name.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "address" | "addresses" => addresses(entry, &mut own),
            "gateway" => own.gateways.push(entry.clone()),
            "route" | "routes" => route(entry, &mut own),
            "dns" => dns.extend(servers(entry)),
            _ => (),
        }
    }
    own
}

/// `192.0.2.1/24,192.0.2.254`: an address, and a gateway behind it. The old form parts them by `;`.
fn addresses(entry: &Setting, own: &mut Protocol) {
    let mut parts = entry.value.split([',', ';']).map(str::trim);
    let Some(mut address) = parts
        .next()
        .and_then(|text| address::parse(text, &entry.at))
    else {
        return;
    };
    if address.prefix.is_none() {
        address.prefix = parts.next().and_then(address::prefix_of);
    }
    own.addresses.push(address);
    gateway(entry, parts.next(), own);
}

/// `0.0.0.0/0,192.0.2.254,5`: where to, by which gateway, a metric. The old form has the prefix
/// behind a `;` too.
fn route(entry: &Setting, own: &mut Protocol) {
    let mut parts = words::list(&entry.value);
    let Some(to) = parts.next() else {
        return;
    };
    let is_default = match to.contains('/') {
        true => address::is_default(to),
        false => address::is_default(to) && parts.next() == Some("0"),
    };
    if is_default {
        gateway(entry, parts.next(), own);
    }
}

fn gateway(entry: &Setting, text: Option<&str>, own: &mut Protocol) {
    let is_one = |text: &&str| {
        address::parse(text, &Evidence::path(""))
            .is_some_and(|gateway| !gateway.address.is_unspecified())
    };
    own.gateways.extend(
        text.filter(is_one)
            .map(|gateway| Setting::new(&entry.name, gateway, entry.at.clone())),
    );
}

fn servers(entry: &Setting) -> impl Iterator<Item = Setting> {
    words::list(&entry.value).map(|server| Setting::new(&entry.name, server, entry.at.clone()))
}
