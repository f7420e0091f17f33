//! Connections are bound to their card's address, where a name cannot be kept.

use detente_volume::FsError;

use super::{Case, macs, unknown};
use crate::facts::{Connection, NetworkSystem};
use crate::prepare::draft::Draft;
use crate::prepare::edit::{ini, lines};
use crate::prepare::options::MacAddress;

/// Binds the connection of a file to an address.
type Editor = fn(&[u8], MacAddress) -> Vec<u8>;

/// Binds the connection that was found by its card's address, and by nothing else.
pub(super) fn by_mac(own: Case<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    let path = own.proof.file.as_deref().unwrap_or_default();
    let Some(connection) = connection(own) else {
        own.leave(draft, "the connection was not found again");
        return Ok(());
    };
    let name = connection.interface.as_deref().unwrap_or(&connection.name);
    let Some(mac) = macs::of(own.ask, name)? else {
        own.leave(draft, unknown(name));
        return Ok(());
    };
    let bound: Option<Editor> = match connection.system {
        NetworkSystem::NetworkManager => Some(key_file),
        NetworkSystem::Networkd => Some(network_file),
        NetworkSystem::NetworkScripts => Some(script),
        NetworkSystem::Netplan
        | NetworkSystem::Ifupdown
        | NetworkSystem::Wicked
        | NetworkSystem::CloudInit => None,
    };
    let Some(bound) = bound else {
        let why = format!(
            "several cards have names that the kernel itself gives, and {path} can bind {name} to \
             nothing but its name: give the cards names of their own"
        );
        own.leave(draft, why);
        return Ok(());
    };
    let why = own.why(format!(
        "{:?} is bound to the card with the address {mac}.",
        connection.name
    ));
    draft.edit(path, &why, |bytes| bound(bytes, mac))?;
    Ok(())
}

fn connection(own: Case<'_>) -> Option<&Connection> {
    let (path, line) = (own.proof.file.as_deref()?, own.proof.line);
    let title = own.proof.key.as_deref()?;
    let connections = own.ask.facts.network.connections.iter();
    let mut at_place = connections.filter(|connection| {
        connection.name == title
            && connection
                .binds
                .iter()
                .any(|bind| bind.at.path == path && bind.at.line == line)
    });
    at_place.next()
}

/// \[nm-settings-keyfile(5)\]
fn key_file(bytes: &[u8], mac: MacAddress) -> Vec<u8> {
    let bytes = ini::unset(bytes, "connection", "interface-name");
    let bytes = ini::unset(&bytes, "match", "interface-name");
    let bytes = ini::unset(&bytes, "match", "path");
    let bytes = ini::unset(&bytes, "match", "driver");
    ini::set(&bytes, "ethernet", "mac-address", &mac.to_string())
}

/// \[systemd.network(5)\]
fn network_file(bytes: &[u8], mac: MacAddress) -> Vec<u8> {
    let bytes = ini::unset(bytes, "Match", "Path");
    let bytes = ini::unset(&bytes, "Match", "Driver");
    let bytes = ini::unset(&bytes, "Match", "Name");
    ini::set(&bytes, "Match", "MACAddress", &mac.to_string())
}

/// initscripts and NetworkManager give the card with `HWADDR` the name in `DEVICE`; they do swap.
fn script(bytes: &[u8], mac: MacAddress) -> Vec<u8> {
    lines::append(bytes, &[format!("HWADDR={mac}")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_binds_by_address() {
        let mac: MacAddress = "52:54:00:12:34:56".parse().unwrap();
        let check = |new: Vec<u8>, expect: &str| {
            assert_eq!(String::from_utf8(new).unwrap(), expect);
        };
        check(
            key_file(
                b"[connection]\nid=a\ninterface-name=eth0\n\n[ipv4]\naddress1=10.0.0.2/24\n",
                mac,
            ),
            "[connection]\nid=a\n\n[ipv4]\naddress1=10.0.0.2/24\n\n[ethernet]\n\
             mac-address=52:54:00:12:34:56\n",
        );
        check(
            network_file(b"[Match]\nPath=pci-*\n[Network]\nDHCP=yes\n", mac),
            "[Match]\nMACAddress=52:54:00:12:34:56\n[Network]\nDHCP=yes\n",
        );
        check(
            script(b"DEVICE=eth0\nIPADDR=10.0.0.2\n", mac),
            "DEVICE=eth0\nIPADDR=10.0.0.2\nHWADDR=52:54:00:12:34:56\n",
        );
    }
}
