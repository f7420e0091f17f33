//! How the guest sets up its network, and what binds each connection to an interface.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Evidence, Setting};

/// The network, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The connections of every system whose files are there, in the order of the files.
    pub connections: Vec<Connection>,
    /// What gives interfaces their names: udev rules, `.link` files, and settings that rename.
    pub names: Vec<NameRule>,
    /// Arguments of the default entry that decide on names (`net.ifnames`, `biosdevname`) or set up a
    /// network in the initramfs (`ip`).
    pub arguments: Vec<Setting>,
    /// Name servers of the guest as a whole: a plain `/etc/resolv.conf`, systemd-resolved, netconfig.
    #[serde(default)]
    pub resolvers: Vec<Setting>,
}

/// A configured connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Whose configuration it is.
    pub system: NetworkSystem,
    /// How that system names it: `Wired connection 1`, `eth0`.
    pub name: String,
    /// What kind of link it is.
    pub kind: LinkKind,
    /// Whether it comes up by itself when the guest boots.
    pub on_boot: bool,
    /// The interface's name, where the configuration gives one (no pattern).
    #[serde(default)]
    pub interface: Option<String>,
    /// What an interface must be like for this to apply to it: all must hold. Empty: any will do, or it
    /// is made, not found (a bond, a bridge, a VLAN).
    pub binds: Vec<Binding>,
    /// IPv4.
    pub ipv4: Protocol,
    /// IPv6.
    pub ipv6: Protocol,
    /// Name servers.
    pub dns: Vec<Setting>,
    /// The bond, bridge or team that it is a port of.
    #[serde(default)]
    pub master: Option<Setting>,
    /// The ports of a bond, bridge or team, where its own configuration names them.
    pub ports: Vec<Setting>,
    /// What a VLAN lies on.
    #[serde(default)]
    pub parent: Option<Setting>,
    /// The MAC address that the interface is given.
    #[serde(default)]
    pub mac: Option<Setting>,
    /// Where it begins.
    pub at: Evidence,
}

/// A system that sets up networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkSystem {
    /// NetworkManager's keyfiles.
    NetworkManager,
    /// `ifcfg-*` of the RHEL family.
    NetworkScripts,
    /// netplan.
    Netplan,
    /// systemd-networkd.
    Networkd,
    /// ifupdown and ifupdown-ng: `/etc/network/interfaces`.
    Ifupdown,
    /// wicked, and SUSE's `ifcfg-*` before it.
    Wicked,
    /// The network configuration that cloud-init was given or found.
    CloudInit,
}

/// What kind of link a connection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// A network card.
    Ethernet,
    /// A bond.
    Bond,
    /// A bridge.
    Bridge,
    /// A VLAN.
    Vlan,
    /// A team.
    Team,
    /// The loopback interface.
    Loopback,
    /// Something else, as the configuration calls it.
    Other(String),
}

/// A condition on an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// What is compared.
    pub by: BindBy,
    /// With what; may be a pattern where the system allows it.
    pub value: String,
    /// Where it is written.
    pub at: Evidence,
}

/// What of an interface is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindBy {
    /// Its name.
    Name,
    /// Its MAC address.
    Mac,
    /// Its driver.
    Driver,
    /// Its place: `ID_PATH`, PCI or VMBus address, bus id, port.
    Path,
    /// Its type: `ether`, `wlan`.
    Type,
    /// Something else: an alternative name, a property, the machine.
    Other,
}

/// How a protocol is set up on a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// Where addresses come from.
    pub method: Method,
    /// Static addresses.
    pub addresses: Vec<Address>,
    /// Gateways, each as written.
    pub gateways: Vec<Setting>,
}

/// Where addresses come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Nothing is said of it: what the system does by itself.
    #[default]
    Unset,
    /// The protocol is off.
    Disabled,
    /// DHCP (static addresses may be there as well).
    Dhcp,
    /// Router advertisements, and DHCP where they ask for it.
    Automatic,
    /// As written.
    Static,
    /// Link-local ones only.
    LinkLocal,
    /// Shared with others: the guest is their router.
    Shared,
}

/// A static address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// The length of its network's prefix; absent where none is written.
    #[serde(default)]
    pub prefix: Option<u8>,
    /// Where it is written.
    pub at: Evidence,
}

/// What gives an interface its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRule {
    /// What kind of rule it is.
    pub kind: NameRuleKind,
    /// The name that is given; absent where only a policy is.
    #[serde(default)]
    pub name: Option<String>,
    /// The naming policies of a `.link` file, in order.
    pub policies: Vec<String>,
    /// What an interface must be like: all must hold. Empty: any will do.
    pub binds: Vec<Binding>,
    /// Where it is written.
    pub at: Evidence,
}

/// A kind of rule that names interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameRuleKind {
    /// A udev rule with `NAME=`.
    Udev,
    /// A `.link` file of systemd.
    Link,
    /// `set-name` of netplan.
    Netplan,
    /// `HWADDR` beside `DEVICE` in an `ifcfg-*` file: initscripts rename the interface.
    NetworkScripts,
    /// A line of `/etc/mactab` or `/etc/iftab`.
    Table,
    /// The rules that make names persistent are switched off, by a link to `/dev/null`.
    SwitchedOff,
}
