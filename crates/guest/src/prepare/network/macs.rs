//! Which address a card has: what the user says, what configuration says, what leases remember.

use detente_volume::FsError;

use crate::facts::{BindBy, Binding};
use crate::files::Files;
use crate::prepare::draft::Ask;
use crate::prepare::options::MacAddress;

/// Folders with leases.
const LEASES: &[&str] = &[
    "/var/lib/NetworkManager",
    "/var/lib/dhclient",
    "/var/lib/dhcp",
    "/var/lib/wicked",
];
/// More leases than any guest keeps.
const MAX_LEASES: usize = 64;
/// A longer lease has more than one card.
const MAX_LEASE_BYTES: u64 = 256 * 1024;

/// The address of the card of this name.
pub(super) fn of(ask: Ask<'_>, name: &str) -> Result<Option<MacAddress>, FsError> {
    let given = &ask.options.macs;
    if let Some(own) = given.iter().find(|own| own.name.as_deref() == Some(name)) {
        return Ok(Some(own.mac));
    }
    if let Some(mac) = configured(ask, name) {
        return Ok(Some(mac));
    }
    if let Some(mac) = leased(ask.files, name)? {
        return Ok(Some(mac));
    }
    // A machine with one card: whatever it is called.
    let cards = super::cards(ask);
    let only = cards.is_empty() || (cards.len() == 1 && cards.contains(name));
    Ok(match given.as_slice() {
        [own] if only && own.name.is_none() => Some(own.mac),
        _ => None,
    })
}

/// The address that a connection, or a rule that names interfaces, gives.
pub(super) fn configured(ask: Ask<'_>, name: &str) -> Option<MacAddress> {
    let network = &ask.facts.network;
    let of_binds = |binds: &[Binding]| {
        let mac = binds.iter().find(|own| own.by == BindBy::Mac)?;
        mac.value.trim_matches('"').parse().ok()
    };
    let connections = network.connections.iter();
    let mut connections = connections
        .filter(|own| own.interface.as_deref() == Some(name) || own.name == name)
        .filter_map(|own| of_binds(&own.binds));
    let names = network.names.iter();
    let mut names = names
        .filter(|own| own.name.as_deref() == Some(name))
        .filter_map(|own| of_binds(&own.binds));
    connections.next().or_else(|| names.next())
}

/// What a DHCP client told of itself: most send the address as their identity.
fn leased(files: Files<'_>, name: &str) -> Result<Option<MacAddress>, FsError> {
    for folder in LEASES {
        for file in files.list(folder)?.into_iter().take(MAX_LEASES) {
            if !file.contains("lease") {
                continue;
            }
            let bytes = files.read(&format!("{folder}/{file}"), MAX_LEASE_BYTES)?;
            let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            if let Some(mac) = of_lease(&file, &text, name) {
                return Ok(Some(mac));
            }
        }
    }
    Ok(None)
}

/// dhclient: `interface "eth0";` and `option dhcp-client-identifier 1:52:54:0:12:34:56;`.
/// NetworkManager: `internal-…-eth0.lease` with `CLIENTID=01525400123456`. wicked:
/// `lease-eth0-dhcp-ipv4.xml` with `<client-id>01:52:54:00:12:34:56</client-id>`.
fn of_lease(file: &str, text: &str, name: &str) -> Option<MacAddress> {
    let of_name = file.ends_with(&format!("-{name}.lease"))
        || file.starts_with(&format!("lease-{name}-dhcp"))
        || text.contains(&format!("interface \"{name}\";"));
    if !of_name {
        return None;
    }
    let keys = ["CLIENTID=", "<client-id>", "dhcp-client-identifier "];
    text.lines().find_map(|line| {
        let rest = keys.iter().find_map(|key| line.trim().split_once(key))?.1;
        let end = rest.find(|c: char| !c.is_ascii_hexdigit() && c != ':');
        identity(rest.get(..end.unwrap_or(rest.len()))?)
    })
}

/// Hardware type 1 is Ethernet; six bytes follow.
fn identity(text: &str) -> Option<MacAddress> {
    let bytes: Vec<u8> = match text.contains(':') {
        true => text
            .split(':')
            .map(|part| u8::from_str_radix(part, 16).ok())
            .collect::<Option<_>>()?,
        false => crate::prepare::digest::unhex(text)?,
    };
    let (first, mac) = bytes.split_first()?;
    let mac: [u8; 6] = mac.try_into().ok()?;
    (*first == 1).then_some(MacAddress(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_tell_the_address() {
        let check = |file: &str, text: &str, name: &str, expect: Option<&str>| {
            let found = of_lease(file, text, name).map(|mac| mac.to_string());
            assert_eq!(found.as_deref(), expect, "{file}");
        };
        let dhclient = "lease {\n  interface \"eth0\";\n  option dhcp-client-identifier \
                        1:52:54:0:12:34:56;\n}\n";
        check(
            "dhclient.leases",
            dhclient,
            "eth0",
            Some("52:54:00:12:34:56"),
        );
        check("dhclient.leases", dhclient, "eth1", None);
        let manager = "ADDRESS=10.0.0.2\nCLIENTID=01525400123457\n";
        check(
            "internal-6f-ens3.lease",
            manager,
            "ens3",
            Some("52:54:00:12:34:57"),
        );
        let wicked = "<lease>\n <client-id>01:52:54:00:12:34:58</client-id>\n";
        check(
            "lease-eth0-dhcp-ipv4.xml",
            wicked,
            "eth0",
            Some("52:54:00:12:34:58"),
        );
        // A DUID tells nothing.
        check(
            "internal-6f-ens3.lease",
            "CLIENTID=ff12345678\n",
            "ens3",
            None,
        );
    }
}
