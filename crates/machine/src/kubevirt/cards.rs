//! Network cards, and the networks that they are plugged into.

use serde_json::{Map, Value, json};

use super::{Writing, label};
use crate::kvm::{network, nic_model};
use crate::spec::{Link, NetworkKind, Nic, NicModel, Vlan};

impl Writing<'_> {
    /// The interfaces and the networks of the manifest.
    pub(super) fn cards(&mut self) -> (Vec<Value>, Vec<Value>) {
        let mut interfaces = Vec::new();
        let mut networks = Vec::new();
        let mut has_pod = false;
        for (index, nic) in self.spec.nics.iter().enumerate() {
            let name = format!("net{index}");
            let field = format!("nics[{index}]");
            let Some((attachment, is_pod)) = self.plug(nic, &field, &name, has_pod) else {
                continue;
            };
            has_pod |= is_pod;
            networks.push(attachment);
            interfaces.push(self.card(nic, &field, &name, is_pod));
        }
        (interfaces, networks)
    }

    /// The network, and whether it is the pod's own.
    fn plug(&mut self, nic: &Nic, field: &str, name: &str, has_pod: bool) -> Option<(Value, bool)> {
        let field = format!("{field}.network");
        let Some(target) = network(nic, &self.options.networks) else {
            let why = "a card that is plugged into nothing is left out";
            self.losses.dropped(field.as_str(), why);
            return None;
        };
        let is_pod = matches!(target.kind, NetworkKind::Pod | NetworkKind::User);
        if is_pod && !has_pod {
            return Some((json!({ "name": name, "pod": {} }), true));
        }
        let attachment = match target.kind {
            NetworkKind::Attachment => target.name.clone(),
            NetworkKind::Network
            | NetworkKind::Bridge
            | NetworkKind::Direct
            | NetworkKind::Switch
            | NetworkKind::Pod
            | NetworkKind::User
            | NetworkKind::Named => {
                let attachment = label(&target.name);
                let why = format!(
                    "a NetworkAttachmentDefinition {attachment:?} must be there; or map it \
                     (`attachment:NAME`, `pod:`)"
                );
                self.losses.approximated(field, why);
                attachment
            }
        };
        let own = json!({ "name": name, "multus": { "networkName": attachment } });
        Some((own, false))
    }

    fn card(&mut self, nic: &Nic, field: &str, name: &str, is_pod: bool) -> Value {
        let mut own = Map::new();
        own.insert("name".to_owned(), json!(name));
        let binding = if is_pod { "masquerade" } else { "bridge" };
        own.insert(binding.to_owned(), json!({}));
        if let Some(mac) = nic.mac {
            own.insert("macAddress".to_owned(), json!(mac.to_string()));
        }
        let model = match nic_model(nic, self.options.devices) {
            NicModel::E1000e => "e1000e",
            NicModel::E1000 => "e1000",
            NicModel::Rtl8139 => "rtl8139",
            NicModel::Virtio | NicModel::Synthetic | NicModel::Legacy => "virtio",
            NicModel::Vmxnet3 | NicModel::Other(_) => {
                let why = "KubeVirt has no such card: it is virtio";
                self.losses.approximated(format!("{field}.model"), why);
                "virtio"
            }
        };
        own.insert("model".to_owned(), json!(model));
        if let Some(order) = nic.boot_order {
            own.insert("bootOrder".to_owned(), json!(order));
        }
        if nic.link == Link::Down {
            own.insert("state".to_owned(), json!("down"));
        }
        if nic.vlan != Vlan::Untagged {
            let why = "the NetworkAttachmentDefinition says which VLAN it is";
            self.losses.dropped(format!("{field}.vlan"), why);
        }
        if nic.mtu_bytes.is_some() {
            let why = "the NetworkAttachmentDefinition says how large packets are";
            self.losses.dropped(format!("{field}.mtu_bytes"), why);
        }
        if nic.name.is_some() {
            let why = "interfaces are numbered here";
            self.losses.dropped(format!("{field}.name"), why);
        }
        Value::Object(own)
    }
}
