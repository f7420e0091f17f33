//! The virtual hardware that a guest is checked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Firmware};

/// The virtual hardware that a guest would meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// q35 with virtio devices: what KVM guests are meant to run on.
    Kvm,
    /// q35 with SATA and e1000e: devices that need no virtio driver.
    KvmLegacy,
    /// Hyper-V, generation 1: BIOS, boots from an IDE disk.
    HypervGen1,
    /// Hyper-V, generation 2: UEFI, boots from a SCSI disk.
    HypervGen2,
    /// Hyper-V's synthetic hardware as our own machine shows it, booted directly.
    HypervVmbus,
}

impl Profile {
    /// Every profile, in the order of the reports.
    pub const ALL: [Self; 5] = [
        Self::Kvm,
        Self::KvmLegacy,
        Self::HypervGen1,
        Self::HypervGen2,
        Self::HypervVmbus,
    ];

    /// The name on the command line and in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::KvmLegacy => "kvm-legacy",
            Self::HypervGen1 => "hyperv-gen1",
            Self::HypervGen2 => "hyperv-gen2",
            Self::HypervVmbus => "hyperv-vmbus",
        }
    }

    /// Whether its devices are those of Hyper-V.
    #[must_use]
    pub fn is_hyperv(self) -> bool {
        match self {
            Self::Kvm | Self::KvmLegacy => false,
            Self::HypervGen1 | Self::HypervGen2 | Self::HypervVmbus => true,
        }
    }

    /// What is known of this hardware only from documents, because no such host was at hand; empty
    /// where a guest was really run on it here.
    #[must_use]
    pub fn not_shown(self) -> &'static str {
        match self {
            Self::Kvm | Self::KvmLegacy => "",
            Self::HypervGen1 => {
                "firmware and emulated devices are known from documents; \
                 only a real Hyper-V host shows them"
            }
            Self::HypervGen2 => {
                "firmware and Secure Boot are known from documents; \
                 only a real Hyper-V host shows them"
            }
            Self::HypervVmbus => "our own machine, not Microsoft Hyper-V",
        }
    }

    /// The module that drives its network card.
    pub(crate) fn network_driver(self) -> &'static str {
        match self {
            Self::Kvm => "virtio_net",
            Self::KvmLegacy => "e1000e",
            Self::HypervGen1 | Self::HypervGen2 | Self::HypervVmbus => "hv_netvsc",
        }
    }

    /// The modules without which its disk is not seen.
    pub(crate) fn disk_modules(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["virtio_pci", "virtio_blk"],
            Self::KvmLegacy => &["ahci", "sd_mod"],
            Self::HypervGen1 | Self::HypervGen2 | Self::HypervVmbus => {
                &["hv_vmbus", "hv_storvsc", "sd_mod"]
            }
        }
    }

    /// The modules without which its network card is not seen.
    pub(crate) fn network_modules(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["virtio_pci", "virtio_net"],
            Self::KvmLegacy => &["e1000e"],
            Self::HypervGen1 | Self::HypervGen2 | Self::HypervVmbus => &["hv_vmbus", "hv_netvsc"],
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
#[error(
    "unknown hardware profile {name:?}; the profiles are kvm, kvm-legacy, hyperv-gen1, \
     hyperv-gen2 and hyperv-vmbus"
)]
pub struct UnknownProfile {
    /// The name that was given.
    pub name: String,
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == name);
        found.ok_or_else(|| UnknownProfile {
            name: name.to_owned(),
        })
    }
}

/// A profile that was not checked, because nobody would choose it for this guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The profile.
    pub profile: Profile,
    /// Why.
    pub why: &'static str,
}

/// The profiles that a guest is checked for unless told otherwise: all but the generation of
/// Hyper-V whose firmware cannot start this guest's disk.
#[must_use]
pub fn fitting(facts: &Facts) -> (Vec<Profile>, Vec<LeftOut>) {
    let left_out = match facts.firmware {
        Firmware::Uefi => Some(LeftOut {
            profile: Profile::HypervGen1,
            why: "this guest starts by UEFI, which generation 1 does not have",
        }),
        Firmware::Bios => Some(LeftOut {
            profile: Profile::HypervGen2,
            why: "this guest starts by BIOS, which generation 2 does not have",
        }),
        Firmware::UefiAndBios | Firmware::Unknown => None,
    };
    let out = |profile: &Profile| left_out.is_none_or(|left| left.profile != *profile);
    let profiles = Profile::ALL.into_iter().filter(out).collect();
    (profiles, left_out.into_iter().collect())
}
