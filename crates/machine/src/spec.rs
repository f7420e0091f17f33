//! [`MachineSpec`]: what a machine is, whoever runs it.
//!
//! Every reader of a definition yields one, with a report of what it could not carry over
//! ([`crate::loss`]); every writer takes one. What a source says and this has no word for is kept
//! under [`Extensions`], so that the way back to the same platform finds it.

mod device;
mod extension;
mod firmware;
mod identity;
mod json;
mod memory;
mod network;
mod policy;
mod processor;
mod rule;
mod storage;
mod validate;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use device::{IntegrationService, Passthrough, PassthroughKind, SerialBackend, SerialPort};
pub use extension::Extensions;
pub use firmware::{Firmware, SecureBoot, SecureBootKeys, Tpm, TpmInterface, TpmVersion};
pub use identity::{GenerationId, Identity, MacAddress, NotAnId, Uuid, UuidByteOrder};
pub use json::ReadSpecError;
pub use memory::{DynamicMemory, Memory, MemoryRange};
pub use network::{Link, NetworkKind, NetworkRef, Nic, NicGuards, NicModel, Permission, Vlan};
pub use policy::{
    CheckpointPolicy, Checkpoints, Clock, CrashAction, GuestFamily, GuestHint, Lifecycle, Sealing,
    StartPolicy, StopPolicy,
};
pub use processor::{
    FeaturePolicy, NumaNode, ProcessorFeature, ProcessorLimits, ProcessorModel, ProcessorTopology,
    Processors,
};
pub use rule::SpecError;
pub use storage::{
    Bus, Controller, ControllerModel, Disk, DiskAccess, DiskDevice, DiskFormat, DiskSource,
    Sectors, Slot,
};

/// A machine's definition, whoever runs it: `machine.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSpec {
    /// [`MachineSpec::SCHEMA`].
    pub schema: String,
    /// Its name on its host.
    pub name: String,
    /// What tells it from its copies.
    #[serde(default)]
    pub identity: Identity,
    /// What is known of the guest.
    #[serde(default)]
    pub guest: GuestHint,
    /// Processors.
    pub processors: Processors,
    /// Memory.
    pub memory: Memory,
    /// NUMA nodes, where the guest sees more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numa: Vec<NumaNode>,
    /// The board, where a source says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chipset: Option<Chipset>,
    /// What starts it.
    pub firmware: Firmware,
    /// A TPM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<Tpm>,
    /// Controllers that are more than the platform's usual kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controllers: Vec<Controller>,
    /// Disks and drives, in the order in which the guest finds them.
    #[serde(default)]
    pub disks: Vec<Disk>,
    /// Network cards, in the same order.
    #[serde(default)]
    pub nics: Vec<Nic>,
    /// Serial ports.
    #[serde(default)]
    pub serial_ports: Vec<SerialPort>,
    /// Whether there is a screen.
    #[serde(default)]
    pub display: Display,
    /// What the host offers beside hardware.
    #[serde(default)]
    pub integration: BTreeSet<IntegrationService>,
    /// Devices of the host that the guest has for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passthrough: Vec<Passthrough>,
    /// What its clock shows.
    #[serde(default)]
    pub clock: Clock,
    /// When it starts and stops.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// Checkpoints.
    #[serde(default)]
    pub checkpoints: Checkpoints,
    /// What its owner wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What a source says beyond.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl MachineSpec {
    /// The name of the document.
    pub const SCHEMA: &str = "detente/machine/1";

    /// A machine with a name, processors, memory and firmware, and nothing else.
    #[must_use]
    pub fn new(name: &str, processors: u32, memory_bytes: u64, firmware: Firmware) -> Self {
        Self {
            schema: Self::SCHEMA.to_owned(),
            name: name.to_owned(),
            identity: Identity::default(),
            guest: GuestHint::default(),
            processors: Processors::new(processors),
            memory: Memory {
                startup_bytes: memory_bytes,
                range: MemoryRange::Fixed,
            },
            numa: Vec::new(),
            chipset: None,
            firmware,
            tpm: None,
            controllers: Vec::new(),
            disks: Vec::new(),
            nics: Vec::new(),
            serial_ports: Vec::new(),
            display: Display::default(),
            integration: BTreeSet::new(),
            passthrough: Vec::new(),
            clock: Clock::default(),
            lifecycle: Lifecycle::default(),
            checkpoints: Checkpoints::default(),
            notes: None,
            extensions: Extensions::default(),
        }
    }
}

/// The board of a machine of QEMU's. Hyper-V's follows from the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chipset {
    /// Q35: PCI Express, SATA.
    Q35,
    /// i440FX: PCI, IDE.
    I440fx,
}

/// Whether a machine has a screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Display {
    /// It has none.
    #[default]
    Absent,
    /// It has one.
    Present,
}
