//! Disks: from their description to what a controller takes.

use std::path::Path;
use std::sync::Arc;

use detente_block::{
    BlockRead, BlockWrite, FileBackend, ListGate, Overlay, WritableFile, WriteProtected,
};
use detente_disk::{Format, OpenOptions};
use detente_machine::ImageFormat;
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
    let gate = ListGate::of(image, &disk.rests_on);
    let options = OpenOptions {
        format: disk.format.map(|format| match format {
            ImageFormat::Raw => Format::Raw,
            ImageFormat::Qcow2 => Format::Qcow2,
        }),
        ..OpenOptions::default()
    };
    let opened = detente_disk::open_with(image, file, &gate, &options);
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
            format: Some(ImageFormat::Qcow2),
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
        for others in [vec!["child"], Vec::new()] {
            let root = tempfile::tempdir().unwrap();
            let others = others.into_iter().map(|name| root.path().join(name));
            let config = child(root.path(), others.collect());
            let refused = open(&config).err();
            assert!(matches!(refused, Some(MachineError::Image { .. })));
        }
    }

    #[test]
    fn bytes_that_look_like_an_image_are_bytes_where_the_host_says_so() {
        let root = tempfile::tempdir().unwrap();
        let written = |name: &str| Some(root.path().join(name));
        let raw = DiskConfig {
            format: Some(ImageFormat::Raw),
            overlay: written("raw"),
            ..child(root.path(), Vec::new())
        };
        let medium = open(&raw).unwrap();
        let mut magic = [0; 4];
        medium.disk.read_exact_at(0, &mut magic).unwrap();
        assert_eq!(&magic, b"QFI\xfb");
        // And an image that is none is refused, not taken for something else.
        fs::write(&raw.path, [0; 4096]).unwrap();
        let spoiled = DiskConfig {
            format: Some(ImageFormat::Qcow2),
            overlay: written("qcow2"),
            ..raw
        };
        assert!(open(&spoiled).is_err());
    }
}
