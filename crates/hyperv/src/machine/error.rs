//! Why there is no machine.

use std::io;
use std::path::PathBuf;

use detente_block::{ReadError, WriteError};
use detente_machine::hyperv::VmbusVersion;
use detente_vmbus::storvsc::{AttachError, BadSerial};
use detente_vmbus::{OfferError, OutsideMemory};

use crate::acpi::AcpiError;
use crate::kvm::KvmError;
use crate::loader::LoadError;
use crate::memory_map::MapError;
use crate::smbios::SmbiosError;

/// Why there is no machine, or not the device that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum MachineError {
    #[error(transparent)]
    Kvm(#[from] KvmError),
    #[error(transparent)]
    Memory(#[from] MapError),
    #[error(transparent)]
    Acpi(#[from] AcpiError),
    #[error(transparent)]
    Smbios(#[from] SmbiosError),
    #[error("the machine's tables do not fit into its memory")]
    Tables(#[from] OutsideMemory),
    #[error("the kernel cannot be loaded")]
    Load(#[from] LoadError),
    #[error("cannot make an eventfd")]
    Event(#[source] io::Error),
    #[error("cannot wait for events")]
    Watch(#[source] io::Error),
    #[error("the bus has no version {version}")]
    BusVersion { version: VmbusVersion },
    #[error("a device cannot be offered")]
    Offer(#[from] OfferError),
    #[error("cannot open {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: ReadError },
    #[error("cannot open the image {}", path.display())]
    Image {
        path: PathBuf,
        source: detente_disk::OpenError,
    },
    #[error("cannot make the overlay {}", path.display())]
    Overlay { path: PathBuf, source: WriteError },
    #[error("{serial:?} is no serial number")]
    Serial { serial: String, source: BadSerial },
    #[error("a sector of {bytes} bytes is not possible: 512 or 4096")]
    Sector { bytes: u32 },
    #[error("a disk cannot be attached")]
    Attach(#[from] AttachError),
    #[error("the two IDE controllers have places 0 to 3, not {lun}")]
    IdePlace { lun: u8 },
    #[error("{mac:02x?} is not the address of one card")]
    Mac { mac: [u8; 6] },
    #[error("{text:?} is no UUID")]
    Uuid { text: String },
}
