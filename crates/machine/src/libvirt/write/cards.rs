//! Network cards.

use super::Writing;
use super::fragments::put_into;
use crate::kvm::{network, nic_model, nic_name};
use crate::spec::{Link, NetworkKind, NetworkRef, Nic, Vlan};
use crate::xml::Element;

/// The network that libvirt has from the start.
const DEFAULT_NETWORK: &str = "default";

impl Writing<'_> {
    pub(super) fn cards(&mut self, devices: &mut Element) {
        for (index, nic) in self.spec.nics.iter().enumerate() {
            let own = self.card(index, nic);
            devices.push(own);
        }
    }

    fn card(&mut self, index: usize, nic: &Nic) -> Element {
        let field = format!("nics[{index}]");
        let mut own = Element::new("interface");
        self.plug(&field, nic, &mut own);
        if let Some(mac) = nic.mac {
            own.push(Element::new("mac").with("address", mac.to_string()));
        } else if nic.name.is_some() {
            let why = "libvirt's cards have no names, and without an address this one cannot be \
                       told from others";
            self.losses.dropped(format!("{field}.name"), why);
        }
        let model = nic_model(nic, self.options.devices);
        own.push(Element::new("model").with("type", nic_name(&model)));
        self.vlan(&field, nic, &mut own);
        let hangs_free = network(nic, &self.options.networks).is_none();
        if hangs_free && nic.link == Link::Up {
            let why = "the guest sees no link where there is no network";
            self.losses.approximated(format!("{field}.link"), why);
        }
        if hangs_free || nic.link == Link::Down {
            own.push(Element::new("link").with("state", "down"));
        }
        if let Some(bytes) = nic.mtu_bytes {
            own.push(Element::new("mtu").with("size", bytes.to_string()));
        }
        if let Some(order) = nic.boot_order {
            own.push(Element::new("boot").with("order", order.to_string()));
        }
        put_into(&mut own, &nic.extensions);
        own
    }

    fn plug(&mut self, field: &str, nic: &Nic, own: &mut Element) {
        let field = format!("{field}.network");
        let target = network(nic, &self.options.networks);
        let is_mapped = target != nic.network.as_ref();
        if is_mapped {
            self.losses.approximated(field.as_str(), "as the map says");
        }
        let (kind, source) = match target {
            None => {
                // libvirt has a type for it, `null`, and libvirtd 9.0 dies of it when the domain
                // starts.
                own.attributes.push(("type".to_owned(), "user".to_owned()));
                let why = "a plug that hangs free is a network of QEMU's own without a link";
                self.losses.approximated(field, why);
                return;
            }
            Some(NetworkRef { kind, name }) => match kind {
                NetworkKind::Network => ("network", Some(("network", name.as_str()))),
                NetworkKind::Bridge => ("bridge", Some(("bridge", name.as_str()))),
                NetworkKind::Direct => ("direct", Some(("dev", name.as_str()))),
                NetworkKind::User => ("user", None),
                NetworkKind::Switch
                | NetworkKind::Pod
                | NetworkKind::Attachment
                | NetworkKind::Named => {
                    let name = if name.is_empty() {
                        DEFAULT_NETWORK
                    } else {
                        name
                    };
                    let why = format!(
                        "nothing was said of where {name:?} is on this host: a network of \
                         libvirt's with this name must be there (--map)"
                    );
                    self.losses.approximated(field.as_str(), why);
                    ("network", Some(("network", name)))
                }
            },
        };
        own.attributes.push(("type".to_owned(), kind.to_owned()));
        if let Some((attribute, name)) = source {
            let mut source = Element::new("source").with(attribute, name);
            if kind == "direct" {
                source = source.with("mode", "bridge");
            }
            own.push(source);
        }
    }

    fn vlan(&mut self, field: &str, nic: &Nic, own: &mut Element) {
        let tag = |id: u16| Element::new("tag").with("id", id.to_string());
        let element = match &nic.vlan {
            Vlan::Untagged => return,
            Vlan::Access { id } => Element::new("vlan").holding(tag(*id)),
            Vlan::Trunk { native, allowed } => {
                let mut element = Element::new("vlan").with("trunk", "yes");
                let mut all = allowed.clone();
                all.extend(native);
                all.sort_unstable();
                all.dedup();
                if all != *allowed {
                    let why = "the network without tags is among those that pass";
                    self.losses.approximated(format!("{field}.vlan"), why);
                }
                for id in all {
                    let tag = tag(id);
                    element.push(if *native == Some(id) {
                        tag.with("nativeMode", "untagged")
                    } else {
                        tag
                    });
                }
                element
            }
        };
        // Whoever says which kind of bridge it is knows that it tags.
        let kept = nic.extensions.get(super::super::SOURCE, "interface");
        if !kept.is_some_and(|own| own.to_string().contains("virtualport")) {
            let why = "libvirt tags frames on bridges of Open vSwitch and on SR-IOV; on others the \
                       domain does not start: use a bridge that is in the VLAN";
            self.losses.approximated(format!("{field}.vlan"), why);
        }
        own.push(element);
    }
}
