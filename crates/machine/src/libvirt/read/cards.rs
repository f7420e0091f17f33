//! Network cards.

use super::super::SOURCE;
use super::values::{number, take_number, wrong};
use super::{ReadError, Reading};
use crate::spec::{
    Extensions, Link, MacAddress, NetworkKind, NetworkRef, Nic, NicModel, Passthrough,
    PassthroughKind, Permission, Vlan,
};
use crate::xml::Element;

impl Reading {
    pub(super) fn cards(&mut self, devices: &mut Element) -> Result<(), ReadError> {
        for own in devices.take_children("interface") {
            let own = self.addressed(own);
            match own.attribute("type") {
                Some("hostdev" | "vdpa" | "vhostuser") => self.passed_through_card(&own),
                Some(_) | None => {
                    let nic = self.card(own)?;
                    self.spec.nics.push(nic);
                }
            }
        }
        Ok(())
    }

    fn passed_through_card(&mut self, own: &Element) {
        let mac = own.child("mac").and_then(|mac| mac.attribute("address"));
        let name = format!("network card {}", mac.unwrap_or("without an address"));
        let kind = PassthroughKind::Pci;
        self.pass_through(kind, &name, own);
    }

    /// Keeps a device of the host's, for whoever looks; no writer writes it.
    pub(super) fn pass_through(&mut self, kind: PassthroughKind, name: &str, own: &Element) {
        let field = format!("passthrough[{}]", self.spec.passthrough.len());
        let mut extensions = Extensions::default();
        extensions.insert(SOURCE, own.name.as_str(), own.clone().kept());
        let why = "a device of the host's: other hosts have not this one";
        self.losses.kept(field, why);
        self.spec.passthrough.push(Passthrough {
            kind,
            name: name.chars().take(200).collect(),
            extensions,
        });
    }

    fn card(&mut self, mut own: Element) -> Result<Nic, ReadError> {
        let field = format!("nics[{}]", self.spec.nics.len());
        let model = own.take_of("model", "type");
        let mut nic = Nic::new(model_of(model.as_deref()), network(&mut own)?);
        if let Some(text) = own.take_of("mac", "address") {
            let mac: Result<MacAddress, _> = text.parse();
            nic.mac = Some(mac.map_err(|_| wrong("mac@address", &text, "hardware address"))?);
        }
        nic.link = match own.take_of("link", "state").as_deref() {
            Some("down") => Link::Down,
            Some(_) | None => Link::Up,
        };
        let mtu = own.edit("mtu", |mtu| take_number(mtu, "size"));
        nic.mtu_bytes = mtu.transpose()?.flatten();
        let order = own.edit("boot", |boot| take_number(boot, "order"));
        nic.boot_order = order.transpose()?.flatten();
        if let Some(mut tags) = own.take_child("vlan") {
            nic.vlan = vlan(&mut tags)?;
        }
        let filter = own
            .child("filterref")
            .and_then(|own| own.attribute("filter"));
        if matches!(
            filter,
            Some("clean-traffic" | "clean-traffic-gateway" | "no-mac-spoofing")
        ) {
            nic.guards.mac_spoofing = Permission::Refused;
        }
        // Of a domain that runs: what libvirt called the other end.
        own.edit("target", |target| {
            let is_ours = target.attribute("dev").is_some_and(is_made_up);
            is_ours.then(|| target.take("dev"))
        });
        if !own.is_spent() {
            let why = "libvirt's own words on this card (filters, queues, bandwidth and such)";
            self.losses.kept(format!("{field}.extensions"), why);
            nic.extensions.insert(SOURCE, "interface", own.kept());
        }
        Ok(nic)
    }
}

/// The names that libvirt gives to its end of a card.
fn is_made_up(name: &str) -> bool {
    ["vnet", "macvtap"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn model_of(name: Option<&str>) -> NicModel {
    match name {
        Some("virtio" | "virtio-transitional" | "virtio-non-transitional") => NicModel::Virtio,
        Some("e1000e") => NicModel::E1000e,
        Some("e1000") => NicModel::E1000,
        // libvirt, src/qemu/qemu_domain.c, qemuDomainDefaultNetModel.
        Some("rtl8139") | None => NicModel::Rtl8139,
        Some("vmxnet3") => NicModel::Vmxnet3,
        Some(other) => NicModel::Other(other.to_owned()),
    }
}

fn network(own: &mut Element) -> Result<Option<NetworkRef>, ReadError> {
    let kind = own.take("type").unwrap_or_default();
    let (kind, name) = match kind.as_str() {
        "network" => (NetworkKind::Network, own.take_of("source", "network")),
        "bridge" => (NetworkKind::Bridge, own.take_of("source", "bridge")),
        "direct" => (NetworkKind::Direct, own.take_of("source", "dev")),
        "user" => (NetworkKind::User, Some(String::new())),
        "null" => return Ok(None),
        other => {
            return Err(ReadError::Unsupported {
                what: "a network card that is plugged into this",
                text: other.chars().take(64).collect(),
            });
        }
    };
    // Of a domain that runs: which port of the network it has, and on which bridge that is.
    own.edit("source", |source| {
        source.take("portid");
        source.take_if("mode", "bridge");
        if kind == NetworkKind::Network {
            source.take("bridge");
        }
    });
    let name = name.unwrap_or_default();
    Ok(Some(NetworkRef { kind, name }))
}

/// libvirt, formatdomain.html, "Setting VLAN tag".
fn vlan(own: &mut Element) -> Result<Vlan, ReadError> {
    let is_trunk = own.take("trunk").as_deref() == Some("yes");
    let mut native = None;
    let mut allowed = Vec::new();
    for tag in own.children.iter().filter(|tag| tag.name == "tag") {
        let text = tag.attribute("id").unwrap_or_default();
        let id: u16 = number("vlan/tag@id", text)?;
        if tag.attribute("nativeMode").is_some() {
            native = Some(id);
        }
        allowed.push(id);
    }
    match (allowed.as_slice(), is_trunk, native) {
        ([id], false, None) => Ok(Vlan::Access { id: *id }),
        ([], _, _) => Ok(Vlan::Untagged),
        (_, _, native) => {
            allowed.sort_unstable();
            allowed.dedup();
            Ok(Vlan::Trunk { native, allowed })
        }
    }
}
