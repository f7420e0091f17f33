//! Hardware profiles: the virtual hardware that a guest meets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The virtual hardware that a guest meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// q35 with virtio devices: what KVM guests are meant to run on.
    Kvm,
    /// q35 with SATA and e1000e: devices that need no virtio driver.
    KvmLegacy,
    /// Hyper-V's synthetic hardware as our own machine shows it, booted directly.
    HypervVmbus,
}

/// What a guest finds on a profile, by the names that Linux gives the drivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardware {
    /// The driver of the disk controller or disk.
    pub storage_driver: &'static str,
    /// Kernel modules that must be reachable before the root is mounted, in loading order.
    pub storage_modules: &'static [&'static str],
    /// The driver of the network card.
    pub network_driver: &'static str,
    /// Kernel modules of the network card.
    pub network_modules: &'static [&'static str],
    /// How the hypervisor makes itself known.
    pub discovery: Discovery,
    /// Clock sources that a guest is meant to use.
    pub clock_sources: &'static [&'static str],
    /// Whether there is a virtio entropy device.
    pub entropy: bool,
    /// Whether there is a virtio serial port for the agent's fast path.
    pub virtio_port: bool,
}

/// How a hypervisor makes itself known to its guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discovery {
    /// The vendor of CPUID leaf 0x40000000, without zeroes at its end.
    pub vendor: &'static str,
    /// The interface of leaf 0x40000001, where the platform has one.
    pub interface: Option<&'static str>,
    /// What Linux says of it: `Hypervisor detected: …`.
    pub kernel_name: &'static str,
    /// Whether leaves and clock are shown even where a translator executes the guest.
    pub in_emulation: bool,
}

impl Discovery {
    /// Linux, arch/x86/kernel/kvm.c.
    const KVM: Self = Self {
        vendor: "KVMKVMKVM",
        interface: None,
        kernel_name: "KVM",
        in_emulation: false,
    };

    /// Hypervisor Top Level Functional Specification, section 2.4; Linux,
    /// arch/x86/kernel/cpu/mshyperv.c. Our machine shows them by KVM, nested or not.
    const HYPERV: Self = Self {
        vendor: "Microsoft Hv",
        interface: Some("Hv#1"),
        kernel_name: "Microsoft Hyper-V",
        in_emulation: true,
    };
}

/// Clock sources of a guest on KVM.
const KVM_CLOCKS: &[&str] = &["kvm-clock", "tsc"];

/// Clock sources of a guest on Hyper-V: Linux, drivers/clocksource/hyperv_timer.c.
const HYPERV_CLOCKS: &[&str] = &[
    "hyperv_clocksource_tsc_page",
    "hyperv_clocksource_msr",
    "hyperv_clocksource",
    "tsc",
];

impl Profile {
    /// Every profile, in the order of the reports.
    pub const ALL: [Self; 3] = [Self::Kvm, Self::KvmLegacy, Self::HypervVmbus];

    /// Those whose hardware QEMU shows.
    pub const QEMU: [Self; 2] = [Self::Kvm, Self::KvmLegacy];

    /// One of each side of the divide: what a guest is validated on unless told otherwise.
    pub const DEFAULT: [Self; 2] = [Self::Kvm, Self::HypervVmbus];

    /// The name on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::KvmLegacy => "kvm-legacy",
            Self::HypervVmbus => "hyperv-vmbus",
        }
    }

    /// The profile of the other side of the divide, on which a failure is reproduced.
    #[must_use]
    pub fn counterpart(self) -> Self {
        match self {
            Self::Kvm | Self::KvmLegacy => Self::HypervVmbus,
            Self::HypervVmbus => Self::Kvm,
        }
    }

    /// The most processors that a guest was seen with, where the machine is our own: nobody else
    /// has tried it with more. `None` where it is others' and widely used.
    #[must_use]
    pub fn most_processors_seen(self) -> Option<u32> {
        match self {
            Self::Kvm | Self::KvmLegacy => None,
            // docs/guide/hyperv-vmbus.md: the system test's guests have 1 and 4.
            Self::HypervVmbus => Some(4),
        }
    }

    /// What a guest finds on it.
    #[must_use]
    pub fn hardware(self) -> Hardware {
        match self {
            Self::Kvm => Hardware {
                storage_driver: "virtio_blk",
                storage_modules: &["virtio_pci", "virtio_blk"],
                network_driver: "virtio_net",
                network_modules: &["virtio_pci", "virtio_net"],
                discovery: Discovery::KVM,
                clock_sources: KVM_CLOCKS,
                entropy: true,
                virtio_port: true,
            },
            Self::KvmLegacy => Hardware {
                storage_driver: "ahci",
                storage_modules: &["ahci", "sd_mod"],
                network_driver: "e1000e",
                network_modules: &["e1000e"],
                discovery: Discovery::KVM,
                clock_sources: KVM_CLOCKS,
                entropy: false,
                virtio_port: false,
            },
            Self::HypervVmbus => Hardware {
                storage_driver: "hv_storvsc",
                storage_modules: &["hv_vmbus", "hv_storvsc", "sd_mod"],
                network_driver: "hv_netvsc",
                network_modules: &["hv_vmbus", "hv_netvsc"],
                discovery: Discovery::HYPERV,
                clock_sources: HYPERV_CLOCKS,
                entropy: false,
                virtio_port: false,
            },
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No profile has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown hardware profile {name:?}; the profiles are kvm, kvm-legacy and hyperv-vmbus")]
pub struct UnknownProfile {
    /// The name that was given.
    pub name: String,
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name() == name)
            .ok_or_else(|| UnknownProfile {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn the_counterpart_is_on_the_other_side() {
        for profile in Profile::ALL {
            let is_qemus = Profile::QEMU.contains(&profile);
            let other = profile.counterpart();
            assert_ne!(is_qemus, Profile::QEMU.contains(&other), "{profile}");
        }
    }
}
