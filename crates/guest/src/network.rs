//! How the guest sets up its network: every system whose files are there.

mod address;
mod cloud_init;
mod draft;
mod ifcfg;
mod ifupdown;
mod names;
mod netplan;
mod network_manager;
mod networkd;
mod resolvers;
mod wicked;

use std::collections::BTreeMap;

use detente_volume::FsError;

use crate::facts::{Connection, Network, NetworkSystem, Setting};
use crate::files::Files;
use crate::settings::arguments::Arguments;

/// More connections than any machine has.
const MAX_CONNECTIONS: usize = 1024;

/// Arguments that decide on the names of interfaces, or set up a network before the root is there.
const ARGUMENTS: [&str; 6] = [
    "net.ifnames",
    "biosdevname",
    "net.naming-scheme",
    "ifname",
    "ip",
    "bootdev",
];

/// The network. What cannot be read becomes a note.
pub(crate) fn gather(
    files: Files<'_>,
    arguments: &Arguments,
    notes: &mut Vec<String>,
) -> Result<Network, FsError> {
    let mut network = Network {
        arguments: arguments.named(&ARGUMENTS),
        ..Network::default()
    };
    names::gather(files, &mut network.names)?;
    network_manager::gather(files, &mut network.connections)?;
    ifcfg::gather(files, &mut network)?;
    netplan::gather(files, &mut network, notes)?;
    networkd::gather(files, &mut network)?;
    ifupdown::gather(files, &mut network.connections)?;
    wicked::gather(files, &mut network.connections)?;
    cloud_init::gather(files, &mut network, notes)?;
    resolvers::gather(files, &mut network.resolvers)?;
    network.connections.truncate(MAX_CONNECTIONS);
    join_ports(&mut network.connections);
    Ok(network)
}

/// A bond that names its ports says whose ports they are.
fn join_ports(connections: &mut [Connection]) {
    let mut masters: BTreeMap<(NetworkSystem, String), Setting> = BTreeMap::new();
    for connection in connections.iter() {
        for port in &connection.ports {
            let master = Setting::new(&port.name, &connection.name, port.at.clone());
            masters.insert((connection.system, port.value.clone()), master);
        }
    }
    for connection in connections {
        if connection.master.is_none() {
            let key = (connection.system, connection.name.clone());
            connection.master = masters.get(&key).cloned();
        }
    }
}

/// The text parsers, for the exerciser.
pub(crate) fn exercise(text: &str) {
    let (mut network, mut notes) = (Network::default(), Vec::new());
    network_manager::parse("/x", text, &mut network.connections);
    ifcfg::parse("/x/ifcfg-eth0", text, &mut network);
    wicked::parse("/x/ifcfg-eth0", text, &mut network.connections);
    ifupdown::exercise(text);
    networkd::exercise(text);
    names::exercise(text);
    netplan::exercise(text, &mut notes);
    cloud_init::exercise(text, &mut notes);
    address::exercise(text);
    join_ports(&mut network.connections);
}

#[cfg(test)]
mod beside_tools;
#[cfg(test)]
mod tests;
