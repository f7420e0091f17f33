//! Network cards.

use super::{Writing, escaped, is_word};
use crate::kvm::{network, nic_model, nic_name};
use crate::spec::{Link, NetworkKind, Nic, NicModel, Vlan};

impl Writing<'_> {
    pub(super) fn cards(&mut self) {
        for (index, nic) in self.spec.nics.iter().enumerate() {
            let is_plugged = self.plug(index, nic);
            let device = self.card(index, nic, is_plugged);
            self.pair("-device", device);
        }
    }

    /// What the card is plugged into; says whether it is.
    fn plug(&mut self, index: usize, nic: &Nic) -> bool {
        let field = format!("nics[{index}].network");
        if nic.link == Link::Down {
            let why = "the plug hangs free, so that the guest sees no link";
            self.losses.approximated(format!("nics[{index}].link"), why);
            return false;
        }
        let Some(target) = network(nic, &self.options.networks) else {
            return false;
        };
        let netdev = match target.kind {
            NetworkKind::Bridge => {
                format!("bridge,id=net{index},br={}", escaped(&target.name))
            }
            NetworkKind::User => format!("user,id=net{index}"),
            NetworkKind::Network
            | NetworkKind::Direct
            | NetworkKind::Switch
            | NetworkKind::Pod
            | NetworkKind::Attachment
            | NetworkKind::Named => {
                let why = format!(
                    "QEMU by itself knows nothing of {:?}: the guest reaches out through QEMU, and \
                     nobody reaches in; or map it (`bridge:NAME`)",
                    target.name
                );
                self.losses.approximated(field, why);
                format!("user,id=net{index}")
            }
        };
        self.pair("-netdev", netdev);
        true
    }

    fn card(&mut self, index: usize, nic: &Nic, is_plugged: bool) -> String {
        let field = format!("nics[{index}]");
        let model = nic_model(nic, self.options.devices);
        let mut device = match nic_name(&model) {
            "virtio" => "virtio-net-pci".to_owned(),
            name if is_word(name) => name.to_owned(),
            _ => {
                let why = "QEMU has no such card: it is virtio";
                self.losses.approximated(format!("{field}.model"), why);
                "virtio-net-pci".to_owned()
            }
        };
        if is_plugged {
            device.push_str(&format!(",netdev=net{index}"));
        }
        if let Some(mac) = nic.mac {
            device.push_str(&format!(",mac={mac}"));
        }
        match (nic.mtu_bytes, model) {
            (Some(bytes), NicModel::Virtio) => device.push_str(&format!(",host_mtu={bytes}")),
            (Some(_), _) => {
                let why = "only virtio tells the guest how large packets are";
                self.losses.dropped(format!("{field}.mtu_bytes"), why);
            }
            (None, _) => {}
        }
        if let Some(order) = nic.boot_order {
            device.push_str(&format!(",bootindex={order}"));
        }
        if nic.vlan != Vlan::Untagged {
            let why = "the host's bridge says which VLAN it is";
            self.losses.dropped(format!("{field}.vlan"), why);
        }
        if nic.name.is_some() {
            self.losses
                .dropped(format!("{field}.name"), "cards are numbered here");
        }
        device
    }
}
