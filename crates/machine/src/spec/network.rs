//! Network cards and what they are plugged into.

use serde::{Deserialize, Serialize};

use super::{Extensions, MacAddress};

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Its name on the platform, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address; without one the host makes it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// What the guest sees.
    pub model: NicModel,
    /// What it is plugged into; `None` where the plug hangs free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkRef>,
    /// The networks within the network.
    #[serde(default)]
    pub vlan: Vlan,
    /// What the guest may say in the network.
    #[serde(default)]
    pub guards: NicGuards,
    /// Whether the guest sees a link.
    #[serde(default)]
    pub link: Link,
    /// The largest packet, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu_bytes: Option<u32>,
    /// Its rank among what the machine is started from: 1 is first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_order: Option<u32>,
    /// What a source says beyond.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl Nic {
    /// A card that is plugged into a network.
    #[must_use]
    pub fn new(model: NicModel, network: Option<NetworkRef>) -> Self {
        Self {
            name: None,
            mac: None,
            model,
            network,
            vlan: Vlan::default(),
            guards: NicGuards::default(),
            link: Link::default(),
            mtu_bytes: None,
            boot_order: None,
            extensions: Extensions::default(),
        }
    }
}

/// What kind of card the guest sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum NicModel {
    /// virtio-net.
    Virtio,
    /// Intel 82574L.
    E1000e,
    /// Intel 82540EM.
    E1000,
    /// Realtek 8139.
    Rtl8139,
    /// Hyper-V's synthetic card.
    Synthetic,
    /// Hyper-V's emulated DEC 21140, in generation 1 only.
    Legacy,
    /// VMware's.
    Vmxnet3,
    /// Another, by its name on the platform that it comes from.
    Other(String),
}

/// A network of a host, by the name that it has there. Names mean nothing elsewhere: they are mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRef {
    /// What it is.
    pub kind: NetworkKind,
    /// Its name.
    pub name: String,
}

/// What a network is on its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// A network of libvirt's.
    Network,
    /// A bridge.
    Bridge,
    /// A card of the host that the machine sits on (macvtap).
    Direct,
    /// A virtual switch of Hyper-V's.
    Switch,
    /// The pod's own network in Kubernetes.
    Pod,
    /// A network attachment in Kubernetes.
    Attachment,
    /// What QEMU itself answers; it has no name.
    User,
    /// A network that only a definition names, as OVF does.
    Named,
}

/// Which networks within a network a card is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Vlan {
    /// Frames pass as they are.
    #[default]
    Untagged,
    /// In one; the guest sees no tags.
    Access {
        /// Which.
        id: u16,
    },
    /// In several; the guest sees tags.
    Trunk {
        /// The one whose frames have no tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        native: Option<u16>,
        /// Those that pass, in order.
        allowed: Vec<u16>,
    },
}

/// What a guest may say in the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicGuards {
    /// Whether it may send from other addresses than its own.
    #[serde(default)]
    pub mac_spoofing: Permission,
    /// Whether it may answer DHCP requests.
    #[serde(default)]
    pub dhcp_server: Permission,
    /// Whether it may announce itself as a router.
    #[serde(default)]
    pub router: Permission,
}

/// What a platform does about something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// What it does unless told otherwise.
    #[default]
    PlatformDefault,
    /// It lets it pass.
    Allowed,
    /// It keeps it from happening.
    Refused,
}

/// Whether a guest sees a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// It does.
    #[default]
    Up,
    /// It does not.
    Down,
}
