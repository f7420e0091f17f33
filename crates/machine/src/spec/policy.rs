//! What the host does with the machine: clock, starting and stopping, checkpoints.

use serde::{Deserialize, Serialize};

/// What the machine's clock shows at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clock {
    /// Universal time: what Linux wants.
    #[default]
    Utc,
    /// The host's local time: what Windows wants, and what Hyper-V shows.
    LocalTime,
    /// The local time of a place.
    Timezone {
        /// Its name in the time zone database.
        name: String,
    },
}

/// When the host starts and stops the machine by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Whether it starts with its host.
    #[serde(default)]
    pub start: StartPolicy,
    /// How long it waits before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_delay_s: Option<u32>,
    /// What happens to it when its host stops.
    #[serde(default)]
    pub stop: StopPolicy,
    /// What happens when the guest crashes.
    #[serde(default)]
    pub on_crash: CrashAction,
}

/// Whether a machine starts with its host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartPolicy {
    /// Nothing is said.
    #[default]
    Unspecified,
    /// It does not.
    Never,
    /// It does where it ran when the host stopped.
    IfItRan,
    /// It does.
    Always,
}

/// What happens to a machine when its host stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopPolicy {
    /// Nothing is said.
    #[default]
    Unspecified,
    /// Its state is saved.
    Save,
    /// It is turned off.
    TurnOff,
    /// The guest is asked to shut down.
    ShutDown,
}

/// What happens when a guest crashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashAction {
    /// The machine stops.
    #[default]
    Stop,
    /// It starts again.
    Restart,
    /// It stays as it is, for whoever looks into it.
    Preserve,
}

/// Checkpoints, also called snapshots. They never move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoints {
    /// What kind is made.
    #[serde(default)]
    pub policy: CheckpointPolicy,
    /// Whether the host makes them by itself.
    #[serde(default)]
    pub automatic: bool,
    /// How many there are.
    #[serde(default)]
    pub existing: u32,
}

/// What kind of checkpoints a platform makes: Hyper-V's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointPolicy {
    /// Nothing is said.
    #[default]
    Unspecified,
    /// None.
    Disabled,
    /// With the guest's help; else the state of memory.
    Production,
    /// With the guest's help, or none.
    ProductionOnly,
    /// The state of memory.
    Standard,
}

/// What is known of the guest, for what depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestHint {
    /// What it is.
    #[serde(default)]
    pub family: GuestFamily,
    /// Its release, by the identifier of the libosinfo database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_id: Option<String>,
    /// Whether its disks need what its TPM holds.
    #[serde(default)]
    pub sealed_disks: Sealing,
}

/// What a guest is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestFamily {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// Another.
    Other,
}

/// Whether a guest's disks need what its TPM holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sealing {
    /// Nobody looked.
    #[default]
    Unknown,
    /// They do not.
    None,
    /// They do: BitLocker or LUKS with a key that only the TPM gives out.
    Tpm,
}
