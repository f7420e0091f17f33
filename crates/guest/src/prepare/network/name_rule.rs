//! A card's name by its address: a `.link` file, or a rule of udev.

use detente_volume::FsError;

use crate::facts::{Family, Init};
use crate::prepare::draft::{Ask, Draft, Reason};
use crate::prepare::options::MacAddress;

/// The drivers of virtual cards. A second card with the same address, the virtual function behind
/// Hyper-V's, or a VLAN on the card, has another one and keeps its own name.
const DRIVERS: &[&str] = &[
    "virtio_net",
    "hv_netvsc",
    "e1000",
    "e1000e",
    "igb",
    "8139cp",
    "pcnet32",
    "rtl8139",
    "tulip",
    "vmxnet3",
    "xen_netfront",
];

pub(super) fn write(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    name: &str,
    mac: MacAddress,
    why: &Reason,
) -> Result<(), FsError> {
    if takes_lists(ask) {
        let drivers = DRIVERS.join(" ");
        let text = format!(
            "# Written by `detente prepare`: this card keeps its name on every hardware.\n\
             [Match]\nMACAddress={mac}\nDriver={drivers}\n\n[Link]\nName={name}\n"
        );
        // \[systemd.link(5)\] The first file that fits counts.
        let path = format!("/etc/systemd/network/10-detente-{name}.link");
        return draft.write(&path, text.into_bytes(), why);
    }
    let drivers = DRIVERS.join("|");
    let text = format!(
        "# Written by `detente prepare`: this card keeps its name on every hardware.\n\
         SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"{drivers}\", \
         ATTR{{address}}==\"{mac}\", ATTR{{type}}==\"1\", NAME=\"{name}\"\n"
    );
    let path = format!("/etc/udev/rules.d/70-detente-{name}.rules");
    draft.write(&path, text.into_bytes(), why)
}

/// Whether systemd's `.link` files take several drivers in a line: from version 243 on, by the
/// releases that have it.
fn takes_lists(ask: Ask<'_>) -> bool {
    match ask.facts.services.init {
        Init::Systemd => {}
        Init::Unknown | Init::Upstart | Init::SysV | Init::OpenRc => return false,
    }
    let system = &ask.facts.operating_system;
    let version = system.version_id.as_deref().unwrap_or_default();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let major = numbers.next().flatten();
    let minor = numbers.next().flatten().unwrap_or(0);
    match (system.family, system.id.as_str(), major) {
        (Family::Rhel, "fedora", Some(major)) => major >= 31,
        (Family::Rhel, "amzn" | "openEuler", Some(major)) => major >= 20,
        (Family::Rhel, _, Some(major)) => major >= 9,
        (Family::Debian, "ubuntu", Some(major)) => major >= 20,
        (Family::Debian, "debian", Some(major)) => major >= 11,
        // Tumbleweed counts days.
        (Family::Suse, _, Some(major)) => major > 15 || (major == 15 && minor >= 3),
        (Family::Arch | Family::Flatcar, _, _) => true,
        (Family::Rhel | Family::Debian | Family::Suse | Family::Alpine | Family::Other, _, _) => {
            false
        }
    }
}
