//! What a guest must be, or have, for a case to apply to it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that can be told of a guest from its disks, before it is started.
///
/// The plan only names it. Whoever knows the guest decides, for the hardware profile at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// systemd starts its services.
    Systemd,
    /// It can be started by a UEFI firmware.
    Uefi,
    /// It can be started by a BIOS.
    Bios,
    /// What starts it through UEFI is signed.
    SignedLoader,
    /// QEMU's guest agent is installed and started.
    GuestAgent,
    /// The platform's own agent that freezes file systems is installed and started: on KVM
    /// QEMU's guest agent, on Hyper-V the VSS daemon.
    FreezeAgent,
    /// Hyper-V's daemon for key-value pairs is installed and started.
    HypervKvp,
    /// Hyper-V's daemon for backups is installed and started.
    HypervVss,
    /// kdump is installed and started, and memory is set aside for its kernel.
    Kdump,
    /// A program that keeps the clock right is installed and started.
    TimeSync,
    /// The guest can be put to sleep: systemd is there to do it.
    Suspend,
    /// SELinux is configured to enforce its policy.
    SelinuxEnforcing,
    /// A package database that we can read says what is installed.
    PackageDatabase,
}

impl Condition {
    /// Every condition, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Systemd,
        Self::Uefi,
        Self::Bios,
        Self::SignedLoader,
        Self::GuestAgent,
        Self::FreezeAgent,
        Self::HypervKvp,
        Self::HypervVss,
        Self::Kdump,
        Self::TimeSync,
        Self::Suspend,
        Self::SelinuxEnforcing,
        Self::PackageDatabase,
    ];

    /// The name in plans.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Uefi => "uefi",
            Self::Bios => "bios",
            Self::SignedLoader => "signed_loader",
            Self::GuestAgent => "guest_agent",
            Self::FreezeAgent => "freeze_agent",
            Self::HypervKvp => "hyperv_kvp",
            Self::HypervVss => "hyperv_vss",
            Self::Kdump => "kdump",
            Self::TimeSync => "time_sync",
            Self::Suspend => "suspend",
            Self::SelinuxEnforcing => "selinux_enforcing",
            Self::PackageDatabase => "package_database",
        }
    }

    /// What must be so, as the end of a sentence that begins with "when".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Systemd => "systemd starts the guest's services",
            Self::Uefi => "a UEFI firmware can start the guest",
            Self::Bios => "a BIOS can start the guest",
            Self::SignedLoader => "what a UEFI firmware starts in the guest is signed",
            Self::GuestAgent => "QEMU's guest agent is installed and started",
            Self::FreezeAgent => {
                "the platform's agent that freezes file systems is installed and started (on KVM \
                 QEMU's guest agent, on Hyper-V the VSS daemon)"
            }
            Self::HypervKvp => "Hyper-V's daemon for key-value pairs is installed and started",
            Self::HypervVss => "Hyper-V's daemon for backups is installed and started",
            Self::Kdump => "kdump is installed and started, with memory set aside for its kernel",
            Self::TimeSync => "a program that keeps the clock right is installed and started",
            Self::Suspend => "systemd is there to put the guest to sleep",
            Self::SelinuxEnforcing => "SELinux is configured to enforce its policy",
            Self::PackageDatabase => "a package database says what is installed",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_called_in_plans_as_it_says() {
        for condition in Condition::ALL {
            let json = serde_json::to_value(condition).unwrap();
            assert_eq!(json, condition.name());
        }
    }
}
