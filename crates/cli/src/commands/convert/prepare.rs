//! `--prepare`: the disks are prepared first, and what comes of it is converted.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_disk::{OpenOptions, Qcow2Spec, Target};
use detente_host::local::AccelerationChoice;
use detente_machine::MachineSpec;
use detente_validate::prepare::{Destination, OnBootFailure};

use super::one::{Look, file_name};
use super::source::{Kind, Loaded};
use super::{DiskKind, Platform, Wanted};
use crate::commands::new_folder::NewFolder;
use crate::commands::prepare::one;
use crate::commands::prepare::within::{self, Final};
use crate::failure::Failure;
use crate::output::Output;
use crate::{BAD, CANNOT_TELL, FINE, disks};

/// Where the prepared disks are until they are converted.
const WORK: &str = ".prepare";
/// What takes the preparation back; it fits the converted disks, too, whose content is the same.
const JOURNAL: &str = "prepare.journal";

/// Prepares the disks; the machine has the new ones from now on.
pub(super) fn prepare(
    wanted: &Wanted,
    loaded: &mut Loaded,
    folder: &NewFolder,
    cancel: &Arc<AtomicBool>,
    look: Look,
) -> Result<(), Failure> {
    if loaded.kind == Kind::Ovf {
        return Err(Failure::usage(
            "the disks of a package are prepared when they are files of their own".to_owned(),
            "convert without --prepare, and prepare the new disks; or unpack the package",
        ));
    }
    let work = folder.path(WORK);
    fs::create_dir(&work).map_err(cannot)?;
    let images = loaded.images.iter().map(|opened| opened.path.clone());
    let asked = one::Wanted {
        images: images.collect(),
        allow_path: wanted.allow_path.clone(),
        profiles: wanted.profiles.clone(),
        macs: macs(&loaded.spec),
        packages: None,
        on_boot_failure: OnBootFailure::default(),
        acceleration: AccelerationChoice::Proved,
    };
    let alone = loaded.images.len() == 1;
    let destination = Destination::New {
        path: work.join(if alone { "disk.qcow2" } else { "disks" }),
        target: Some(Target::Qcow2(Qcow2Spec::default())),
    };
    let mut asides = Output::new();
    let out = match look {
        Look::Shown => Some(&mut asides),
        Look::Unseen => None,
    };
    let outcome = within::prepare(&asked, destination, cancel, out)?;
    ready(within::code(&outcome))?;
    for (opened, disk) in loaded.images.iter_mut().zip(&outcome.disks) {
        let allowed = [work.clone()];
        opened.image = disks::open_with(Path::new(&disk.path), &allowed, &OpenOptions::default())?;
    }
    match &outcome.journal {
        Some(journal) => {
            let kept = folder.path(JOURNAL);
            fs::rename(journal, &kept).map_err(cannot)?;
            within::settle_journal(&kept, &converted(wanted, loaded, folder))
        }
        None => Ok(()),
    }
}

/// The prepared disks are not part of the result.
pub(super) fn clear(folder: &NewFolder) -> Result<(), Failure> {
    let work = folder.path(WORK);
    if !work.exists() {
        return Ok(());
    }
    fs::remove_dir_all(&work).map_err(cannot)
}

fn cannot(error: std::io::Error) -> Failure {
    Failure::cannot_tell(error, None)
}

/// A guest that would not run over there is not converted.
fn ready(code: u8) -> Result<(), Failure> {
    let (what, code) = match code {
        FINE => return Ok(()),
        BAD => ("the guest is not ready, though it was prepared", BAD),
        _ => (
            "it cannot be told whether the guest is ready, though it was prepared",
            CANNOT_TELL,
        ),
    };
    Err(Failure {
        error: anyhow::Error::msg(what),
        hint: Some("`detente prepare` by itself says what is left, and who mends it".to_owned()),
        code,
    })
}

/// Names of interfaces are kept by them.
fn macs(spec: &MachineSpec) -> Vec<String> {
    let macs = spec.nics.iter().filter_map(|nic| nic.mac);
    macs.map(|mac| mac.to_string()).collect()
}

/// What the prepared disks become.
fn converted(wanted: &Wanted, loaded: &Loaded, folder: &NewFolder) -> Vec<Final> {
    let format = match (wanted.to, wanted.disk_format) {
        (Platform::Kit, _) => "vhdx",
        (_, DiskKind::Qcow2) => "qcow2",
        (_, DiskKind::Raw) => "raw",
    };
    let disks = loaded.images.iter().map(|opened| Final {
        path: folder.target().join(file_name(wanted, opened.index)),
        format: Some(format),
    });
    disks.collect()
}
