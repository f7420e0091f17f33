//! Disks: from their description to what a controller takes.

use std::path::Path;
use std::sync::Arc;

use detente_block::{
    BlockRead, BlockWrite, DirectoryGate, FileBackend, Gate, ListGate, Overlay, WritableFile,
    WriteProtected,
};
use detente_machine::hyperv::DiskConfig;
use detente_vmbus::storvsc::{Access, IdePlace, Medium, SectorSize, Serial};

use super::error::MachineError;

/// A disk that a controller takes. One on an IDE controller is the only one of its channel.
pub(super) fn open(disk: &DiskConfig) -> Result<Medium, MachineError> {
    let sector = match disk.sector_bytes {
        512 => SectorSize::B512,
        4096 => SectorSize::B4096,
        bytes => return Err(MachineError::Sector { bytes }),
    };
    let serial: Serial = disk.serial.parse().map_err(|source| MachineError::Serial {
        serial: disk.serial.clone(),
        source,
    })?;
    let access = if disk.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let bytes = match &disk.overlay {
        Some(overlay) => over(disk, overlay)?,
        None if disk.read_only => {
            let file = FileBackend::open(&disk.path).map_err(opening(&disk.path))?;
            Arc::new(WriteProtected::new(Arc::new(file)))
        }
        None => Arc::new(WritableFile::open(&disk.path).map_err(opening(&disk.path))?),
    };
    Ok(Medium {
        lun: disk.lun,
        disk: bytes,
        sector,
        access,
        serial,
    })
}

/// Where a disk on an IDE controller is.
pub(super) fn ide_place(lun: u8) -> Result<IdePlace, MachineError> {
    match lun {
        0 => Ok(IdePlace::PrimaryFirst),
        1 => Ok(IdePlace::PrimarySecond),
        2 => Ok(IdePlace::SecondaryFirst),
        3 => Ok(IdePlace::SecondarySecond),
        _ => Err(MachineError::IdePlace { lun }),
    }
}

/// An image of any format that we read, and a new file that takes the writes.
fn over(disk: &DiskConfig, overlay: &Path) -> Result<Arc<dyn BlockWrite>, MachineError> {
    let image = &*disk.path;
    let file: Arc<dyn BlockRead> = Arc::new(FileBackend::open(image).map_err(opening(image))?);
    let gate: Box<dyn Gate> = if disk.rests_on.is_empty() {
        Box::new(DirectoryGate::beside(image))
    } else {
        Box::new(ListGate::of(image, &disk.rests_on))
    };
    let opened = detente_disk::open(image, file, &*gate);
    let opened = opened.map_err(|source| MachineError::Image {
        path: image.to_owned(),
        source,
    })?;
    let len = opened.reader.len_bytes();
    let store = WritableFile::create(overlay, len).map_err(opening(overlay))?;
    let disk = Overlay::new(opened.reader, Arc::new(store));
    let disk = disk.map_err(|source| MachineError::Overlay {
        path: overlay.to_owned(),
        source,
    })?;
    Ok(Arc::new(disk))
}

fn opening(path: &Path) -> impl Fn(std::io::Error) -> MachineError {
    move |source| MachineError::Open {
        path: path.to_owned(),
        source,
    }
}
