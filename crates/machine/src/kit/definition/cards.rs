//! Network cards: synthetic ones, plugged into the switches that were named.

use super::super::KitError;
use super::Writer;
use crate::hyperv_inventory::{AdapterVlan, NetworkAdapter, OnOff, VlanMode};
use crate::loss::Losses;
use crate::spec::{Link, NetworkKind, Nic, NicModel, Permission, Vlan};

/// Eight synthetic cards and four emulated ones; newer hosts take more of the first.
const CARDS: usize = 64;
const LEGACY_CARDS: usize = 4;

impl Writer<'_> {
    pub(super) fn cards(&self, losses: &mut Losses) -> Result<Vec<NetworkAdapter>, KitError> {
        let nics = &self.spec.nics;
        let legacy = nics.iter().filter(|nic| self.is_legacy(nic)).count();
        let rest = nics.len().saturating_sub(legacy);
        for (what, count, limit) in [
            ("network cards", rest, CARDS),
            ("emulated network cards", legacy, LEGACY_CARDS),
        ] {
            if count > limit {
                let generation = self.generation;
                return Err(KitError::TooMany {
                    what,
                    generation,
                    count,
                    limit,
                });
            }
        }
        let cards = nics.iter().enumerate();
        Ok(cards
            .map(|(index, nic)| self.card(index, nic, losses))
            .collect())
    }

    fn is_legacy(&self, nic: &Nic) -> bool {
        nic.model == NicModel::Legacy && self.generation == 1
    }

    fn card(&self, index: usize, nic: &Nic, losses: &mut Losses) -> NetworkAdapter {
        let field = |name: &str| format!("nics[{index}].{name}");
        match &nic.model {
            NicModel::Synthetic => {}
            NicModel::Legacy if self.generation == 1 => {}
            NicModel::Legacy => {
                losses.approximated(field("model"), "generation 2 has no emulated card")
            }
            NicModel::Virtio
            | NicModel::E1000e
            | NicModel::E1000
            | NicModel::Rtl8139
            | NicModel::Vmxnet3
            | NicModel::Other(_) => losses.approximated(
                field("model"),
                "Hyper-V's synthetic card takes its place, and the guest must have its driver",
            ),
        }
        if let Some(bytes) = nic.mtu_bytes {
            let why = format!("packets of {bytes} bytes are set in the guest and on the switch");
            losses.approximated(field("mtu_bytes"), why);
        }
        if nic.link == Link::Down {
            losses.approximated(field("link"), "the card is plugged into no switch");
        }
        if nic.guards.mac_spoofing == Permission::Refused {
            losses.kept(
                field("guards.mac_spoofing"),
                "Hyper-V keeps cards from it anyhow",
            );
        }
        NetworkAdapter {
            name: nic.name.clone().unwrap_or_else(|| match index {
                0 => "Network Adapter".to_owned(),
                more => format!("Network Adapter {}", more.saturating_add(1)),
            }),
            legacy: self.is_legacy(nic),
            mac: nic.mac,
            dynamic_mac: nic.mac.is_none(),
            switch: self.switch(&field("network"), nic, losses),
            vlan: vlan(&nic.vlan),
            mac_spoofing: on(nic.guards.mac_spoofing == Permission::Allowed),
            dhcp_guard: on(nic.guards.dhcp_server == Permission::Refused),
            router_guard: on(nic.guards.router == Permission::Refused),
        }
    }

    /// The switch that a network stands for: as it was said, or by its own name if it is one.
    fn switch(&self, field: &str, nic: &Nic, losses: &mut Losses) -> Option<String> {
        let network = nic.network.as_ref().filter(|_| nic.link == Link::Up)?;
        match (self.switches.0.get(&network.name), network.kind) {
            (Some(switch), kind) => {
                if kind != NetworkKind::Switch || *switch != network.name {
                    let why = format!("the switch {switch:?} stands for {:?}", network.name);
                    losses.approximated(field, why);
                }
                Some(switch.clone())
            }
            (None, NetworkKind::Switch) => Some(network.name.clone()),
            (
                None,
                NetworkKind::Network
                | NetworkKind::Bridge
                | NetworkKind::Direct
                | NetworkKind::Pod
                | NetworkKind::Attachment
                | NetworkKind::User
                | NetworkKind::Named,
            ) => {
                let why = format!(
                    "no switch stands for {:?}: say one with --map-network, or give the script one \
                     with -SwitchName",
                    network.name
                );
                losses.approximated(field, why);
                None
            }
        }
    }
}

fn on(on: bool) -> Option<OnOff> {
    Some(if on { OnOff::On } else { OnOff::Off })
}

fn vlan(own: &Vlan) -> Option<AdapterVlan> {
    match own {
        Vlan::Untagged => None,
        Vlan::Access { id } => Some(AdapterVlan {
            mode: VlanMode::Access,
            access_id: Some(*id),
            native_id: None,
            allowed_ids: Vec::new(),
        }),
        Vlan::Trunk { native, allowed } => Some(AdapterVlan {
            mode: VlanMode::Trunk,
            access_id: None,
            native_id: Some(native.unwrap_or_default()),
            allowed_ids: allowed.clone(),
        }),
    }
}
