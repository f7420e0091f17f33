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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use detente_disk::{Format, OverlaySpec, empty_overlay};
    use detente_machine::hyperv::Controller;

    use super::*;

    /// A child whose parent lies in another folder, and what the machine is told of it.
    fn child(root: &Path, rests_on: Vec<PathBuf>) -> DiskConfig {
        let parents = root.join("parents");
        fs::create_dir(&parents).unwrap();
        fs::write(parents.join("parent"), vec![7; 4096]).unwrap();
        let bytes = empty_overlay(&OverlaySpec {
            virtual_size: 4096,
            backing_path: "parents/../parents/parent".to_owned(),
            backing_format: Format::Raw,
        });
        fs::write(root.join("child"), bytes.unwrap()).unwrap();
        DiskConfig {
            path: root.join("child"),
            overlay: Some(root.join("written")),
            rests_on,
            controller: Controller::Scsi,
            lun: 0,
            serial: "detente0".to_owned(),
            sector_bytes: 512,
            read_only: false,
        }
    }

    #[test]
    fn an_image_rests_on_the_files_that_were_named() {
        let root = tempfile::tempdir().unwrap();
        let config = child(root.path(), vec![root.path().join("parents/parent")]);
        let medium = open(&config).unwrap();
        let mut bytes = [0; 4096];
        medium.disk.read_exact_at(0, &mut bytes).unwrap();
        assert_eq!(bytes, [7; 4096]);
    }

    #[test]
    fn an_image_rests_on_no_other_file() {
        let root = tempfile::tempdir().unwrap();
        let config = child(root.path(), vec![root.path().join("child")]);
        let refused = open(&config).err();
        assert!(matches!(refused, Some(MachineError::Image { .. })));
    }
}
