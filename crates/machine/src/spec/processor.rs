//! Processors and NUMA nodes.

use serde::{Deserialize, Serialize};

/// The virtual processors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processors {
    /// How many there can be.
    pub count: u32,
    /// How many are there at the start, where that is fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<u32>,
    /// How they are arranged; without it the platform decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<ProcessorTopology>,
    /// Which processor the guest sees.
    #[serde(default)]
    pub model: ProcessorModel,
    /// Single features that are asked for or forbidden.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<ProcessorFeature>,
    /// How much of the host they may have.
    #[serde(default)]
    pub limits: ProcessorLimits,
    /// Whether the guest may run machines of its own.
    #[serde(default)]
    pub nested: bool,
}

impl Processors {
    /// So many processors, and nothing else said.
    #[must_use]
    pub fn new(count: u32) -> Self {
        Self {
            count,
            online: None,
            topology: None,
            model: ProcessorModel::default(),
            features: Vec::new(),
            limits: ProcessorLimits::default(),
            nested: false,
        }
    }
}

/// How processors are arranged. Licences are often counted by socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorTopology {
    /// Sockets.
    pub sockets: u32,
    /// Dies of a socket.
    #[serde(default = "one")]
    pub dies: u32,
    /// Cores of a die.
    pub cores: u32,
    /// Threads of a core.
    pub threads: u32,
}

fn one() -> u32 {
    1
}

impl ProcessorTopology {
    /// All processors, if they can be counted.
    #[must_use]
    pub fn count(self) -> Option<u32> {
        self.sockets
            .checked_mul(self.dies)?
            .checked_mul(self.cores)?
            .checked_mul(self.threads)
    }
}

/// Which processor the guest sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum ProcessorModel {
    /// What the platform shows unless told otherwise.
    #[default]
    PlatformDefault,
    /// The host's own, as it is.
    HostPassthrough,
    /// What the platform makes of the host's own, for hosts that are alike.
    HostModel,
    /// The most that the platform can show.
    Maximum,
    /// A model that libvirt and QEMU know by this name.
    Named(String),
    /// Fewer features, so that a running machine can move between processors of one vendor
    /// (Hyper-V's `CompatibilityForMigrationEnabled`).
    Migratable,
}

/// A feature of the processor that the guest is to see, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorFeature {
    /// Its name in libvirt and QEMU.
    pub name: String,
    /// What is asked.
    pub policy: FeaturePolicy,
}

/// What is asked of a processor's feature: libvirt's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeaturePolicy {
    /// It is shown, whatever the host has.
    Force,
    /// Without it the machine does not start.
    Require,
    /// It is shown where the host has it.
    Optional,
    /// It is not shown.
    Disable,
    /// Where the host has it the machine does not start.
    Forbid,
}

/// How much of the host the processors may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorLimits {
    /// What is set aside for each, in percent of a processor of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve_percent: Option<u32>,
    /// The most that each may use, in percent of a processor of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<u32>,
    /// Its share beside others', of which 100 is everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
}

/// A NUMA node as the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumaNode {
    /// Its processors: `0-3,8`.
    pub processors: String,
    /// Its memory.
    pub memory_bytes: u64,
}
