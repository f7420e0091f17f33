//! Link, address and name of one card, as the guest has set them up.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use detente_plan::protocol::Network;

use super::{Limits, dns, ipv4_addresses, ping};
use crate::sysfs;
use crate::task_error::TaskError;

const PINGS: u16 = 3;
/// Kept back for three pings and three questions, one second and two each, and the report.
const RESERVE: Duration = Duration::from_secs(11);
const MAX_INTERFACES: usize = 4096;

/// Waits for an address, then tries the way to the host.
pub(super) fn run(
    mac: &str,
    to: [u8; 4],
    name: &str,
    limits: &Limits,
) -> Result<Network, TaskError> {
    let class = Path::new("/sys/class/net");
    let interface = loop {
        let found = find(class, mac);
        let ready = match &found {
            Some(interface) => !addresses(class, interface)?.is_empty(),
            None => false,
        };
        if ready || limits.left(RESERVE).is_zero() {
            break found.unwrap_or_default();
        }
        sleep(Duration::from_millis(250));
    };
    let addresses = addresses(class, &interface)?;
    let servers = dns::servers(&sysfs::text("/etc/resolv.conf"));
    let (mut pings_sent, mut pings_received, mut name_answer) = (0, 0, None);
    if !addresses.is_empty() {
        pings_sent = u32::from(PINGS);
        pings_received = ping::run(to, PINGS)?;
        name_answer = servers.first().and_then(|server| dns::ask(*server, name));
    }
    let device = class.join(&interface);
    Ok(Network {
        driver: sysfs::link_name(device.join("device/driver"))
            .unwrap_or_default()
            .replace('-', "_"),
        operstate: sysfs::text(device.join("operstate")),
        interface,
        addresses,
        nameservers: servers.iter().map(ToString::to_string).collect(),
        pings_sent,
        pings_received,
        name_answer,
    })
}

/// The interface with the card's address; a bridge or a bond may have borrowed it, so those that
/// stand for a device come first.
pub(super) fn find(class: &Path, mac: &str) -> Option<String> {
    let mut names = sysfs::names(class, MAX_INTERFACES);
    names.retain(|name| sysfs::text(class.join(name).join("address")).eq_ignore_ascii_case(mac));
    names.sort_by_key(|name| !class.join(name).join("device").exists());
    names.into_iter().next()
}

/// The addresses of an interface, or of what it is a part of (a bridge, a bond).
fn addresses(class: &Path, interface: &str) -> Result<Vec<String>, TaskError> {
    let device = class.join(interface);
    for device in [device.clone(), device.join("master")] {
        if let Ok(index) = sysfs::text(device.join("ifindex")).parse() {
            let found = ipv4_addresses::of_interface(index)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::find;

    #[test]
    fn the_card_comes_before_the_bridge_that_borrowed_its_address() {
        let class = tempfile::tempdir().unwrap();
        for (name, mac) in [
            ("br0", "52:54:00:aa:bb:cc"),
            ("enp1s0", "52:54:00:aa:bb:cc"),
            ("lo", "00:00:00:00:00:00"),
        ] {
            fs::create_dir(class.path().join(name)).unwrap();
            fs::write(class.path().join(name).join("address"), format!("{mac}\n")).unwrap();
        }
        fs::create_dir(class.path().join("enp1s0/device")).unwrap();
        assert_eq!(find(class.path(), "52:54:00:AA:BB:CC").unwrap(), "enp1s0");
        assert_eq!(find(class.path(), "52:54:00:00:00:00"), None);
    }
}
