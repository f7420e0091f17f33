//! Serial ports, what the host offers to the guest, and what is passed through.

use serde::{Deserialize, Serialize};

use super::Extensions;

/// A serial port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SerialPort {
    /// Its number: 0 is COM1 and `ttyS0`.
    pub port: u32,
    /// Where the host has the other end.
    pub backend: SerialBackend,
    /// What a source says beyond.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

/// Where the other end of a serial port is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SerialBackend {
    /// A pseudo terminal.
    Pty,
    /// A Unix socket on which the host listens.
    UnixSocket {
        /// Where it is; without a path the host chooses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// A named pipe of Windows.
    NamedPipe {
        /// Where it is: `\\.\pipe\NAME`.
        path: String,
    },
    /// A file that takes what the guest says.
    File {
        /// Where it is.
        path: String,
    },
    /// Nowhere: what is said is lost.
    Null,
    /// Another, by its name on the platform that it comes from.
    Other {
        /// The name.
        name: String,
    },
}

/// Something that the host offers to the guest beside hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationService {
    /// Hyper-V: tells the host that the guest is alive.
    Heartbeat,
    /// Hyper-V: names and values, both ways.
    KeyValueExchange,
    /// Hyper-V: the host asks the guest to shut down.
    Shutdown,
    /// Hyper-V: the guest's clock follows the host's.
    TimeSynchronization,
    /// Hyper-V: file systems are frozen for a backup.
    VolumeShadowCopy,
    /// Hyper-V: files are copied into the guest.
    GuestServiceInterface,
    /// KVM: the channel of QEMU's guest agent.
    QemuGuestAgent,
    /// KVM: the channel of SPICE's agent.
    SpiceAgent,
    /// KVM: the balloon that gives memory back.
    Balloon,
    /// KVM: random numbers of the host's.
    Entropy,
    /// KVM: the device that tells of a panic.
    PanicNotifier,
    /// KVM: what Hyper-V would show, so that Windows runs well.
    HypervEnlightenments,
}

impl IntegrationService {
    /// Those that Hyper-V offers.
    pub const HYPERV: [Self; 6] = [
        Self::Heartbeat,
        Self::KeyValueExchange,
        Self::Shutdown,
        Self::TimeSynchronization,
        Self::VolumeShadowCopy,
        Self::GuestServiceInterface,
    ];

    /// Whether it is one of Hyper-V's.
    #[must_use]
    pub fn is_hypervs(self) -> bool {
        Self::HYPERV.contains(&self)
    }
}

/// A device of the host that the guest has for itself: no other host has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passthrough {
    /// What it is.
    pub kind: PassthroughKind,
    /// How its host names it.
    pub name: String,
    /// What a source says beyond.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

/// What is passed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassthroughKind {
    /// A PCI device, or a function of one (SR-IOV, Hyper-V's DDA).
    Pci,
    /// A share of a device (mdev, GPU-P).
    Mediated,
    /// A USB device.
    Usb,
    /// A SCSI device.
    Scsi,
    /// A TPM.
    Tpm,
    /// A folder.
    Folder,
    /// Another.
    Other,
}
