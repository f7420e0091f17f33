//! A machine as Hyper-V's cmdlets show it.

use serde::{Deserialize, Serialize};

use super::lenient::{list, or_default, parsed, said};
use super::values::{
    BootDevice, BootSourceType, CheckpointType, ControllerType, OnOff, StartAction, State,
    StopAction, VhdType, VlanMode,
};
use crate::spec::{MacAddress, Uuid};

/// A machine of a Hyper-V host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualMachine {
    /// Its name; several may have the same.
    pub name: String,
    /// Its id (`VMId`), which no other has.
    #[serde(default, deserialize_with = "parsed")]
    pub id: Option<Uuid>,
    /// 1 or 2; it never changes.
    pub generation: u8,
    /// The version of its configuration: `9.0`.
    #[serde(default, deserialize_with = "said")]
    pub version: Option<String>,
    /// What it does.
    #[serde(default)]
    pub state: Option<State>,
    /// What its owner wrote.
    #[serde(default, deserialize_with = "said")]
    pub notes: Option<String>,
    /// The UUID of its SMBIOS (`BIOSGUID`).
    #[serde(default, deserialize_with = "parsed")]
    pub bios_guid: Option<Uuid>,
    /// Processors.
    pub processor: Processor,
    /// Memory.
    pub memory: Memory,
    /// Firmware of generation 2.
    #[serde(default)]
    pub firmware: Option<Firmware>,
    /// Order of boot devices of generation 1.
    #[serde(default, deserialize_with = "list")]
    pub startup_order: Vec<BootDevice>,
    /// TPM and shielding.
    #[serde(default, deserialize_with = "or_default")]
    pub security: Security,
    /// Disks.
    #[serde(default, deserialize_with = "list")]
    pub hard_disk_drives: Vec<HardDiskDrive>,
    /// Drives for CD and DVD.
    #[serde(default, deserialize_with = "list")]
    pub dvd_drives: Vec<DvdDrive>,
    /// The image in the floppy drive of generation 1.
    #[serde(default, deserialize_with = "said")]
    pub floppy_path: Option<String>,
    /// Network cards.
    #[serde(default, deserialize_with = "list")]
    pub network_adapters: Vec<NetworkAdapter>,
    /// Serial ports that are connected.
    #[serde(default, deserialize_with = "list")]
    pub com_ports: Vec<ComPort>,
    /// Integration services.
    #[serde(default, deserialize_with = "list")]
    pub integration_services: Vec<Service>,
    /// Checkpoints.
    #[serde(default, deserialize_with = "or_default")]
    pub checkpoints: Checkpoints,
    /// What happens when the host starts.
    #[serde(default)]
    pub automatic_start_action: Option<StartAction>,
    /// How long it waits before that, in seconds.
    #[serde(default, deserialize_with = "or_default")]
    pub automatic_start_delay_s: u32,
    /// What happens when the host stops.
    #[serde(default)]
    pub automatic_stop_action: Option<StopAction>,
    /// Devices of the host that the guest has for itself.
    #[serde(default, deserialize_with = "list")]
    pub assigned_devices: Vec<AssignedDevice>,
    /// Whether a cluster looks after it.
    #[serde(default, deserialize_with = "or_default")]
    pub clustered: bool,
}

/// Processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// How many.
    pub count: u32,
    /// Threads of a core; 0 is as the host has it.
    #[serde(default, deserialize_with = "or_default")]
    pub threads_per_core: u32,
    /// What it is promised, in percent.
    #[serde(default, deserialize_with = "or_default")]
    pub reserve_percent: u8,
    /// What it may have, in percent.
    #[serde(default = "hundred")]
    pub maximum_percent: u8,
    /// Its share beside others.
    #[serde(default = "share")]
    pub relative_weight: u32,
    /// Whether the guest may run machines.
    #[serde(default, deserialize_with = "or_default")]
    pub nested: bool,
    /// Whether it can move between processors of one vendor while it runs.
    #[serde(default, deserialize_with = "or_default")]
    pub compatible_for_migration: bool,
    /// Whether old systems see a processor that they know.
    #[serde(default, deserialize_with = "or_default")]
    pub compatible_for_old_systems: bool,
}

fn hundred() -> u8 {
    100
}

fn share() -> u32 {
    100
}

/// Memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// At the start.
    pub startup_bytes: u64,
    /// Whether the host gives and takes.
    #[serde(default, deserialize_with = "or_default")]
    pub dynamic: bool,
    /// The least, if it does.
    #[serde(default)]
    pub minimum_bytes: Option<u64>,
    /// The most, if it does.
    #[serde(default)]
    pub maximum_bytes: Option<u64>,
    /// What is kept ready, in percent.
    #[serde(default)]
    pub buffer_percent: Option<u32>,
    /// Who comes first where memory is short, from 0 to 100.
    #[serde(default)]
    pub priority: Option<u32>,
}

/// Firmware of generation 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firmware {
    /// Whether only signed loaders are started.
    pub secure_boot: OnOff,
    /// Whose signatures count.
    #[serde(default, deserialize_with = "said")]
    pub secure_boot_template: Option<String>,
    /// What it is started from, the first first.
    #[serde(default, deserialize_with = "list")]
    pub boot_order: Vec<BootSource>,
}

/// An entry of a boot order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootSource {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: BootSourceType,
    /// Of a drive: its controller.
    #[serde(default)]
    pub controller_number: Option<u32>,
    /// Of a drive: its place.
    #[serde(default)]
    pub controller_location: Option<u32>,
    /// Of the network: the card, counted from 0.
    #[serde(default)]
    pub network_adapter: Option<u32>,
}

/// TPM and shielding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// Whether there is a TPM.
    #[serde(default, deserialize_with = "or_default")]
    pub tpm: bool,
    /// Whether only hosts that are attested can start it.
    #[serde(default, deserialize_with = "or_default")]
    pub shielded: bool,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardDiskDrive {
    /// What it is attached to.
    pub controller_type: ControllerType,
    /// Which of them.
    pub controller_number: u32,
    /// Where on it.
    pub controller_location: u32,
    /// Its file; passed through disks have none.
    #[serde(default, deserialize_with = "said")]
    pub path: Option<String>,
    /// The host's disk that is passed through, by its number.
    #[serde(default)]
    pub disk_number: Option<u32>,
    /// Whether other machines use it too.
    #[serde(default, deserialize_with = "or_default")]
    pub shared: bool,
    /// How large the guest's disk is.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// The sectors that the guest sees.
    #[serde(default)]
    pub logical_sector_bytes: Option<u32>,
    /// The sectors that it had better use.
    #[serde(default)]
    pub physical_sector_bytes: Option<u32>,
    /// How the file is laid out.
    #[serde(default)]
    pub vhd_type: Option<VhdType>,
    /// The file that it rests on.
    #[serde(default, deserialize_with = "said")]
    pub parent_path: Option<String>,
}

/// A drive for CD and DVD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DvdDrive {
    /// What it is attached to.
    pub controller_type: ControllerType,
    /// Which of them.
    pub controller_number: u32,
    /// Where on it.
    pub controller_location: u32,
    /// What is in it.
    #[serde(default, deserialize_with = "said")]
    pub path: Option<String>,
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAdapter {
    /// Its name; several may have the same.
    pub name: String,
    /// Whether it is the emulated one.
    #[serde(default, deserialize_with = "or_default")]
    pub legacy: bool,
    /// Its address, unless the host makes it up.
    #[serde(default, deserialize_with = "parsed")]
    pub mac: Option<MacAddress>,
    /// Whether the host makes the address up.
    #[serde(default, deserialize_with = "or_default")]
    pub dynamic_mac: bool,
    /// The switch that it is plugged into.
    #[serde(default, deserialize_with = "said")]
    pub switch: Option<String>,
    /// Networks within the network.
    #[serde(default)]
    pub vlan: Option<AdapterVlan>,
    /// Whether it may send from other addresses.
    #[serde(default)]
    pub mac_spoofing: Option<OnOff>,
    /// Whether it is kept from answering DHCP requests.
    #[serde(default)]
    pub dhcp_guard: Option<OnOff>,
    /// Whether it is kept from announcing itself as a router.
    #[serde(default)]
    pub router_guard: Option<OnOff>,
}

/// Networks within a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterVlan {
    /// Which pass.
    pub mode: VlanMode,
    /// The one, in mode `Access`.
    #[serde(default)]
    pub access_id: Option<u16>,
    /// The one without a tag, in mode `Trunk`; 0 is none.
    #[serde(default)]
    pub native_id: Option<u16>,
    /// Those that pass, in mode `Trunk`.
    #[serde(default, deserialize_with = "list")]
    pub allowed_ids: Vec<u16>,
}

/// A serial port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComPort {
    /// 1 or 2.
    pub number: u32,
    /// The named pipe on the host.
    #[serde(default, deserialize_with = "said")]
    pub path: Option<String>,
}

/// An integration service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id: names are in the host's language.
    pub id: Uuid,
    /// Whether it is offered.
    #[serde(default, deserialize_with = "or_default")]
    pub enabled: bool,
}

/// Checkpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoints {
    /// Which are made.
    #[serde(default, rename = "type")]
    pub kind: Option<CheckpointType>,
    /// Whether the host makes one at each start.
    #[serde(default, deserialize_with = "or_default")]
    pub automatic: bool,
    /// How many there are.
    #[serde(default, deserialize_with = "or_default")]
    pub existing: u32,
}

/// A device of the host that the guest has for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedDevice {
    /// `Dda` or `GpuPartition`.
    pub kind: String,
    /// How the host names it.
    pub name: String,
}
