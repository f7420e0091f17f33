//! The rules of network cards.

use std::collections::BTreeSet;

use super::super::{MachineSpec, NetworkKind, Nic, NicModel, Vlan};
use super::{Checked, SpecError, WORD_BYTES, at_most, range, text, word};

/// Hyper-V gives a machine 68 cards, libvirt as many as there are places on its buses.
const CARDS: usize = 256;

pub(super) fn check(spec: &MachineSpec) -> Checked {
    at_most("network cards", spec.nics.len(), CARDS)?;
    let mut addresses = BTreeSet::new();
    for (index, own) in spec.nics.iter().enumerate() {
        card(&format!("nics[{index}]"), own)?;
        let Some(mac) = own.mac else {
            continue;
        };
        if mac.is_multicast() {
            return Err(SpecError::MacMulticast { mac });
        }
        if !addresses.insert(mac) {
            return Err(SpecError::MacTwice { mac });
        }
    }
    Ok(())
}

fn card(field: &str, own: &Nic) -> Checked {
    if let Some(name) = &own.name {
        word(&format!("{field}.name"), name, WORD_BYTES)?;
    }
    if let NicModel::Other(name) = &own.model {
        word(&format!("{field}.model"), name, WORD_BYTES)?;
    }
    if let Some(network) = &own.network {
        let field = format!("{field}.network.name");
        match network.kind {
            NetworkKind::User | NetworkKind::Pod => text(&field, &network.name, WORD_BYTES)?,
            NetworkKind::Network
            | NetworkKind::Bridge
            | NetworkKind::Direct
            | NetworkKind::Switch
            | NetworkKind::Attachment
            | NetworkKind::Named => word(&field, &network.name, WORD_BYTES)?,
        }
    }
    if let Some(bytes) = own.mtu_bytes {
        range(&format!("{field}.mtu_bytes"), bytes.into(), 68, 65_535)?;
    }
    vlan(&format!("{field}.vlan"), &own.vlan)
}

fn vlan(field: &str, own: &Vlan) -> Checked {
    let id = |id: u16| range(field, id.into(), 1, 4094);
    match own {
        Vlan::Untagged => Ok(()),
        Vlan::Access { id: own } => id(*own),
        Vlan::Trunk { native, allowed } => {
            // IEEE 802.1Q has 4,094 of them; Hyper-V's native one may be 0, which is none.
            for own in native.iter().chain(allowed) {
                id(*own)?;
            }
            if allowed.is_empty() {
                let field = field.to_owned();
                return Err(SpecError::Empty { field });
            }
            let ordered = allowed
                .iter()
                .zip(allowed.iter().skip(1))
                .all(|(a, b)| a < b);
            if ordered {
                return Ok(());
            }
            let field = field.to_owned();
            Err(SpecError::TrunkOrder { field })
        }
    }
}
