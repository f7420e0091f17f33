//! What of a guest is judged, and how it stands: the columns and the cells of the matrix.

use serde::Serialize;

/// What of a guest a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// From the loader to the mounted root: kernel, initramfs, drivers, disks.
    BootStorage,
    /// Network card and connections.
    Network,
    /// BIOS, UEFI, Secure Boot.
    Firmware,
    /// Disks and interfaces that are called by names.
    Names,
    /// Where somebody can look on and type.
    Console,
    /// Clock sources and synchronisation.
    Time,
    /// Programs that talk to the host, and what the host does with memory and backups.
    Agents,
}

impl Aspect {
    /// Every aspect, in the order of the matrix.
    pub const ALL: [Self; 7] = [
        Self::BootStorage,
        Self::Network,
        Self::Firmware,
        Self::Names,
        Self::Console,
        Self::Time,
        Self::Agents,
    ];

    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BootStorage => "boot-storage",
            Self::Network => "network",
            Self::Firmware => "firmware",
            Self::Names => "names",
            Self::Console => "console",
            Self::Time => "time",
            Self::Agents => "agents",
        }
    }
}

/// How an aspect stands; the worse, the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No rule concerns it on this hardware.
    NotApplicable,
    /// Nothing speaks against it.
    Ready,
    /// It works, with losses that the findings name.
    ReadyWithRemarks,
    /// What decides it could not be looked at.
    Unknown,
    /// It does not work.
    NotReady,
}

impl State {
    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Ready => "ready",
            Self::ReadyWithRemarks => "ready-with-remarks",
            Self::Unknown => "unknown",
            Self::NotReady => "not-ready",
        }
    }
}
