//! Connections and names of network cards.

use crate::machine::Machine;
use crate::seed::{Seed, seed};
use crate::shapes::{arch, debian, rhel, ubuntu};

const INTERFACES: &str = "etc/network/interfaces";
const NETPLAN: &str = "etc/netplan/50-cloud-init.yaml";
const WIRED: &str = "etc/NetworkManager/system-connections/wired.nmconnection";

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.network.interface-name",
        debian,
        "/etc/network/interfaces:4 enp1s0=enp1s0",
        |own| {
            let text = "auto lo\niface lo inet loopback\nauto enp1s0\niface enp1s0 inet dhcp\n";
            own.put(INTERFACES, text);
        },
    ),
    seed(
        "linux.network.interface-name-of-one",
        debian,
        "/etc/network/interfaces:6 ens4=ens4",
        |own| own.append(INTERFACES, "auto ens4\niface ens4 inet dhcp\n"),
    ),
    seed(
        "linux.network.driver-bound",
        ubuntu,
        "/etc/netplan/50-cloud-init.yaml:6 any=virtio_net",
        |own| own.replace(NETPLAN, "name: \"e*\"", "driver: virtio_net"),
    ),
    seed(
        "linux.network.path-bound",
        arch,
        "/etc/systemd/network/20-wired.network:2 …",
        |own| {
            let path = "etc/systemd/network/20-wired.network";
            own.replace(path, "Name=en* eth*", "Path=pci-0000:01:00.0");
        },
    ),
    // Where cards have no slots, no card has such a name.
    seed(
        "linux.network.slot-bound",
        ubuntu,
        "/etc/netplan/50-cloud-init.yaml:6 any=enp1s0",
        |own| own.replace(NETPLAN, "\"e*\"", "enp1s0"),
    )
    .also(&["linux.network.interface-name"]),
    seed(
        "linux.network.mac-bound",
        rhel,
        "/etc/NetworkManager/system-connections/wired.nmconnection:6 wired=52:54:00:12:34:56",
        |own| {
            own.replace(
                WIRED,
                "[ethernet]\n",
                "[ethernet]\nmac-address=52:54:00:12:34:56\n",
            )
        },
    ),
    seed(
        "linux.network.not-configured",
        debian,
        "no configuration of a network card was found",
        |own| own.put(INTERFACES, "auto lo\niface lo inet loopback\n"),
    ),
    seed(
        "linux.network.name-rule-bound",
        debian,
        "/etc/systemd/network/10-lan.link:2 lan0=virtio_net",
        |own| {
            let link = "[Match]\nDriver=virtio_net\n\n[Link]\nName=lan0\n";
            own.put("etc/systemd/network/10-lan.link", link);
        },
    ),
    seed(
        "linux.network.port-name",
        with_bridge,
        "/etc/network/interfaces:7 bridge_ports=enp1s0",
        |own| own.replace(INTERFACES, "bridge_ports eth0", "bridge_ports enp1s0"),
    ),
    seed(
        "linux.arguments.interface-name",
        debian,
        "/boot/grub/grub.cfg ip=ens3:dhcp",
        |own| own.argument("ip=ens3:dhcp"),
    ),
];

/// A bridge beside the card's own connection.
fn with_bridge() -> Machine {
    let mut own = debian();
    own.append(
        INTERFACES,
        "auto br0\niface br0 inet dhcp\n\tbridge_ports eth0\n",
    );
    own
}
