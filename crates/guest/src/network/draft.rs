//! A connection in the making.

use crate::facts::{BindBy, Binding, Connection, Evidence, LinkKind, NetworkSystem, Protocol};

/// A connection of which only its name is known.
pub(super) fn connection(system: NetworkSystem, name: &str, at: Evidence) -> Connection {
    Connection {
        system,
        name: name.to_owned(),
        kind: LinkKind::Ethernet,
        on_boot: true,
        interface: None,
        binds: Vec::new(),
        ipv4: Protocol::default(),
        ipv6: Protocol::default(),
        dns: Vec::new(),
        master: None,
        ports: Vec::new(),
        parent: None,
        mac: None,
        at,
    }
}

/// A condition.
pub(super) fn bind(by: BindBy, value: &str, at: &Evidence) -> Binding {
    Binding {
        by,
        value: value.to_owned(),
        at: at.clone(),
    }
}

/// What an interface of this name is, where its name alone says it.
pub(super) fn kind_of_name(name: &str) -> Option<LinkKind> {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
    };
    if name == "lo" {
        Some(LinkKind::Loopback)
    } else if numbered("bond") {
        Some(LinkKind::Bond)
    } else if numbered("br") || numbered("virbr") || numbered("vmbr") {
        Some(LinkKind::Bridge)
    } else if numbered("team") {
        Some(LinkKind::Team)
    } else if numbered("vlan") || is_dotted_vlan(name) {
        Some(LinkKind::Vlan)
    } else {
        None
    }
}

/// `eth0.100`.
pub(super) fn is_dotted_vlan(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(below, id)| !below.is_empty() && id.parse::<u16>().is_ok_and(|id| id < 4096))
}

/// Whether something of this kind is made by its configuration, not found by it.
pub(super) fn is_made(kind: &LinkKind) -> bool {
    match kind {
        LinkKind::Bond | LinkKind::Bridge | LinkKind::Vlan | LinkKind::Team => true,
        LinkKind::Ethernet | LinkKind::Loopback => false,
        LinkKind::Other(name) => [
            "dummy",
            "tun",
            "vrf",
            "vxlan",
            "wireguard",
            "veth",
            "macvlan",
            "ipvlan",
        ]
        .iter()
        .any(|made| name.starts_with(made)),
    }
}
