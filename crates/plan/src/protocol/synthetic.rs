//! What the agent saw of the hypervisor and of its synthetic devices.

use serde::{Deserialize, Serialize};

/// The hypervisor, as the processor and the kernel name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hypervisor {
    /// Whether the processor says that there is one (CPUID leaf 1, ECX bit 31).
    pub present: bool,
    /// The vendor of CPUID leaf 0x40000000, as text.
    pub vendor: String,
    /// The highest leaf that it names.
    pub max_leaf: u32,
    /// EAX of leaf 0x40000001, as text: `Hv#1` where Microsoft's interface is spoken.
    pub interface: String,
    /// What follows `Hypervisor detected:` in the kernel's log, if it is there.
    pub detected: Option<String>,
    /// SMBIOS: system vendor and product.
    pub system: String,
}

/// The synthetic bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vmbus {
    /// Every device, at most 256.
    pub devices: Vec<VmbusDevice>,
    /// Interrupts of the hypervisor (`HYP` in `/proc/interrupts`), a number for each processor.
    pub interrupts: Vec<u64>,
    /// What follows `Vmbus version:` in the kernel's log, if it is there.
    pub version: Option<String>,
}

/// A device of the synthetic bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmbusDevice {
    /// Its name in sysfs: the instance's GUID.
    pub instance: String,
    /// The class's GUID, without braces.
    pub class: String,
    /// The driver that has taken it, `_` for `-`.
    pub driver: Option<String>,
    /// Its channels.
    pub channels: u32,
    /// Interrupts of all its channels.
    pub interrupts: u64,
}

/// Key-value pairs, as the guest's daemon keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValues {
    /// Processes of the daemon.
    pub daemons: u32,
    /// The pools that there are.
    pub pools: Vec<KeyValuePool>,
    /// The value of the key that was asked for, if the pool has it.
    pub value: Option<String>,
}

/// One pool's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValuePool {
    /// Its number.
    pub pool: u8,
    /// Permissions, as `chmod` takes them: 0o644 is 420.
    pub mode: u32,
    /// Pairs in it.
    pub records: u64,
}

/// Writes to the root file system while it may be frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writes {
    /// Writes that came through to the disk.
    pub count: u64,
    /// Those that took longest, at most 16, in their order.
    pub longest: Vec<Write>,
}

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Counts up from 1.
    pub number: u64,
    /// When it was begun, since boot.
    pub from_ms: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// Keys that came from keyboards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Names of the keyboards that were listened to.
    pub keyboards: Vec<String>,
    /// Drivers below them, `_` for `-`.
    pub drivers: Vec<String>,
    /// Linux's codes of the keys that were pressed, in order, at most 256.
    pub pressed: Vec<u16>,
}
