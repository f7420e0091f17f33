//! What a definition says and libvirt has no place for: it stands in the domain's metadata, so that
//! the way back finds it.
//!
//! The XML counts: what was changed there since is not overwritten by what was written down.

use serde::{Deserialize, Serialize};

use crate::kvm::{ceiling_bytes, image};
use crate::loss::Losses;
use crate::spec::{
    Checkpoints, DiskSource, DynamicMemory, Extensions, GuestHint, IntegrationService, MacAddress,
    MachineSpec, MemoryRange, NicGuards, StartPolicy, StopPolicy, Uuid, UuidByteOrder,
};
use crate::xml::Element;

use super::SOURCE;

/// The namespace of our element in `<metadata>`.
const NAMESPACE: &str = "urn:detente:machine:1";
/// Its name.
const ELEMENT: &str = "machine";

/// What stands in the metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Remainder {
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_id: Option<Uuid>,
    byte_order: UuidByteOrder,
    guest: GuestHint,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserve_percent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dynamic_memory: Option<DynamicMemory>,
    integration: Vec<IntegrationService>,
    start: StartPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_delay_s: Option<u32>,
    stop: StopPolicy,
    checkpoints: Checkpoints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cards: Vec<Card>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sizes: Vec<Size>,
    #[serde(skip_serializing_if = "Extensions::is_empty")]
    extensions: Extensions,
}

/// What libvirt has no place for on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Card {
    mac: MacAddress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default)]
    guards: NicGuards,
}

/// How large a disk is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Size {
    source: DiskSource,
    size_bytes: u64,
}

impl Remainder {
    /// What libvirt has no place for in a definition, and a word in the report for each.
    pub(super) fn of(spec: &MachineSpec, losses: &mut Losses) -> Self {
        let dynamic_memory = match spec.memory.range {
            MemoryRange::Dynamic(dynamic) => Some(dynamic),
            MemoryRange::Fixed | MemoryRange::Balloon { .. } => None,
        };
        let own = Self {
            platform_id: spec.identity.platform_id,
            byte_order: spec.identity.byte_order,
            guest: spec.guest.clone(),
            reserve_percent: spec.processors.limits.reserve_percent,
            dynamic_memory,
            integration: spec.integration.iter().copied().collect(),
            start: spec.lifecycle.start,
            start_delay_s: spec.lifecycle.start_delay_s,
            stop: spec.lifecycle.stop,
            checkpoints: Checkpoints {
                existing: 0,
                ..spec.checkpoints
            },
            cards: cards(spec),
            sizes: sizes(spec),
            extensions: others(spec),
        };
        own.report(losses);
        for (index, nic) in spec.nics.iter().enumerate() {
            if nic.name.is_some() && nic.mac.is_some() {
                let why = "libvirt's cards have no names; it stands in the domain's metadata";
                losses.kept(format!("nics[{index}].name"), why);
            }
        }
        own
    }

    fn report(&self, losses: &mut Losses) {
        let mut kept = |is_there: bool, field: &str, why: &str| {
            if is_there {
                losses.kept(field, format!("{why}; it stands in the domain's metadata"));
            }
        };
        kept(
            self.platform_id.is_some(),
            "identity.platform_id",
            "libvirt knows a machine by its UUID",
        );
        kept(
            self.reserve_percent.is_some(),
            "processors.limits.reserve_percent",
            "KVM sets no processor time aside",
        );
        let start = self.start != StartPolicy::Unspecified || self.start_delay_s.is_some();
        kept(
            start,
            "lifecycle",
            "whether a domain starts with its host is not in its XML: `virsh autostart`",
        );
        kept(
            self.stop != StopPolicy::Unspecified,
            "lifecycle.stop",
            "what happens to domains when their host stops is a setting of the host",
        );
        kept(
            self.checkpoints != Checkpoints::default(),
            "checkpoints",
            "snapshots are made when somebody asks for one",
        );
        kept(
            !self.extensions.is_empty(),
            "extensions",
            "words of other platforms",
        );
    }

    /// Whether there is nothing to write down beside what the XML says.
    pub(super) fn is_needless(&self, read_back: &MachineSpec) -> bool {
        *self == Self::of(read_back, &mut Losses::new())
    }

    /// Our element.
    pub(super) fn element(&self) -> Element {
        let text = serde_json::to_string(self).expect("strings and numbers are JSON");
        let mut own = Element::new(ELEMENT).saying(text);
        own.namespace = NAMESPACE.to_owned();
        own
    }

    /// Takes our element out of a domain's metadata.
    pub(super) fn take(domain: &mut Element, losses: &mut Losses) -> Option<Self> {
        let own = domain.edit("metadata", |metadata| {
            let ours = |own: &Element| own.name == ELEMENT && own.namespace == NAMESPACE;
            let index = metadata.children.iter().position(ours)?;
            Some(metadata.children.remove(index))
        });
        let own = own.flatten()?;
        match serde_json::from_str(&own.text) {
            Ok(remainder) => Some(remainder),
            Err(error) => {
                let why = format!("our own notes in the metadata cannot be read: {error}");
                losses.dropped("metadata.machine", why);
                None
            }
        }
    }

    /// Puts back what still fits the XML.
    pub(super) fn restore(self, spec: &mut MachineSpec, losses: &mut Losses) {
        spec.identity.platform_id = self.platform_id;
        if self.byte_order == UuidByteOrder::AsWritten {
            spec.identity.byte_order = self.byte_order;
            spec.identity.uuid = spec.identity.uuid.map(Uuid::swapped);
        }
        if spec.guest.os_id == self.guest.os_id {
            spec.guest = self.guest;
        }
        spec.processors.limits.reserve_percent = self.reserve_percent;
        if let Some(dynamic) = self.dynamic_memory {
            restore_memory(spec, dynamic, losses);
        }
        restore_integration(spec, &self.integration);
        spec.lifecycle.start = self.start;
        spec.lifecycle.start_delay_s = self.start_delay_s;
        spec.lifecycle.stop = self.stop;
        spec.checkpoints = self.checkpoints;
        for card in self.cards {
            let mut cards = spec.nics.iter_mut();
            if let Some(nic) = cards.find(|nic| nic.mac == Some(card.mac)) {
                nic.name = card.name;
                nic.guards = card.guards;
            }
        }
        for size in self.sizes {
            for disk in &mut spec.disks {
                if disk.source.as_ref() == Some(&size.source) {
                    disk.size_bytes = Some(size.size_bytes);
                }
            }
        }
        for (source, name, value) in self.extensions.iter() {
            if source != SOURCE {
                spec.extensions.insert(source, name, value.clone());
            }
        }
    }
}

fn cards(spec: &MachineSpec) -> Vec<Card> {
    let says = |nic: &&crate::spec::Nic| nic.name.is_some() || nic.guards != NicGuards::default();
    let own = spec.nics.iter().filter(says);
    own.filter_map(|nic| {
        Some(Card {
            mac: nic.mac?,
            name: nic.name.clone(),
            guards: nic.guards,
        })
    })
    .collect()
}

fn sizes(spec: &MachineSpec) -> Vec<Size> {
    let own = spec.disks.iter();
    own.filter_map(|disk| {
        // As it is written: another host may have it elsewhere.
        let (source, _) = image(disk, "", &mut Losses::new())?;
        Some(Size {
            source,
            size_bytes: disk.size_bytes?,
        })
    })
    .collect()
}

/// What other sources say; libvirt's own is put into the XML.
fn others(spec: &MachineSpec) -> Extensions {
    let mut own = Extensions::default();
    for (source, name, value) in spec.extensions.iter() {
        if source != SOURCE {
            own.insert(source, name, value.clone());
        }
    }
    own
}

/// Only where nobody changed the memory since.
fn restore_memory(spec: &mut MachineSpec, dynamic: DynamicMemory, losses: &mut Losses) {
    let startup_bytes = spec.memory.startup_bytes;
    let range = MemoryRange::Dynamic(dynamic);
    if spec.memory.maximum_bytes() == ceiling_bytes(startup_bytes, range)
        && dynamic.minimum_bytes <= startup_bytes
    {
        spec.memory.range = range;
    } else {
        let why = "the memory was changed in the XML: what stood in the metadata no longer fits";
        losses.dropped("memory.range", why);
    }
}

/// Hyper-V's services come back; of KVM's own the XML says which there are. Those that the writer
/// added for Hyper-V's go again.
fn restore_integration(spec: &mut MachineSpec, written: &[IntegrationService]) {
    let is_hypervs = written.iter().any(|own| own.is_hypervs());
    let added: &[IntegrationService] = if is_hypervs {
        &[
            IntegrationService::QemuGuestAgent,
            IntegrationService::Entropy,
            IntegrationService::Balloon,
        ]
    } else {
        &[]
    };
    let enlightened = IntegrationService::HypervEnlightenments;
    let windows = spec.guest.family == crate::spec::GuestFamily::Windows;
    spec.integration.retain(|own| {
        let was_added = added.contains(own) || (windows && *own == enlightened);
        !was_added || written.contains(own)
    });
    let hypervs = written.iter().copied().filter(|own| own.is_hypervs());
    spec.integration.extend(hypervs);
}
