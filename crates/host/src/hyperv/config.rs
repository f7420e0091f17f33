//! A [`LaunchSpec`] as the machine's process is told it.

use std::path::Path;

use detente_machine::hyperv::{
    Controller, CpuidProfile, DiskConfig, FileSpan, MachineConfig, NetworkConfig, VmbusVersion,
};
use detente_machine::{DiskBelow, ImageFormat, LaunchDisk, LaunchSpec};

use crate::HostError;

/// What a machine shows beyond what the spec says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The release whose processor leaves it resembles.
    pub cpuid: CpuidProfile,
    /// The highest version of the bus that it accepts.
    pub vmbus: VmbusVersion,
    /// What its disks hang on.
    pub controller: Controller,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            cpuid: CpuidProfile::default(),
            vmbus: VmbusVersion::NEWEST,
            controller: Controller::default(),
        }
    }
}

/// Where the machine's process finds the files of a spec.
pub(crate) struct Found {
    pub(crate) kernel: FileSpan,
    pub(crate) initramfs: FileSpan,
    /// Path and overlay of each disk.
    pub(crate) disks: Vec<(std::path::PathBuf, Option<std::path::PathBuf>)>,
    /// Whether the processor is QEMU's translator.
    pub(crate) hide_xsave: bool,
}

/// The machine.
pub(crate) fn config(spec: &LaunchSpec, shown: Shown, found: Found) -> MachineConfig {
    let disks = spec
        .disks
        .iter()
        .zip(found.disks)
        .zip(0_u8..)
        .map(|((disk, (path, overlay)), lun)| DiskConfig {
            path,
            format: overlay.as_ref().and_then(|_| top_format(disk)),
            // What is written to is raw, and rests on nothing.
            rests_on: match &overlay {
                Some(_) => disk.below.files().skip(1).map(Path::to_owned).collect(),
                None => Vec::new(),
            },
            overlay,
            controller: shown.controller,
            lun,
            serial: disk.serial.clone(),
            sector_bytes: 512,
            read_only: false,
        })
        .collect();
    MachineConfig {
        schema: MachineConfig::SCHEMA.to_owned(),
        name: spec.name.clone(),
        uuid: spec.uuid(),
        cpuid: shown.cpuid,
        vmbus: shown.vmbus,
        processors: spec.topology.count(),
        memory_mib: spec.memory_mib,
        kernel: found.kernel,
        initramfs: found.initramfs,
        cmdline: spec.boot.cmdline.clone(),
        disks,
        network: Some(NetworkConfig {
            mac: spec.network.mac,
        }),
        integration: spec.synthetic.integration,
        keyboard: spec.synthetic.keyboard,
        crash_registers: spec.synthetic.crash_registers,
        hide_xsave: found.hide_xsave,
    }
}

/// The format of a disk's top file, where it is known here.
fn top_format(disk: &LaunchDisk) -> Option<ImageFormat> {
    match &disk.below {
        DiskBelow::Files(files) => files.first().map(|file| file.format),
        // Formats with marks of their own, which raw bytes do not have.
        DiskBelow::Nbd { .. } => None,
    }
}

/// All of a file.
pub(crate) fn whole(file: &Path, seen_as: &Path) -> Result<FileSpan, HostError> {
    let length = std::fs::metadata(file).map_err(|source| HostError::Io {
        action: "measuring the guest's boot files",
        source,
    })?;
    Ok(FileSpan {
        path: seen_as.to_owned(),
        offset_bytes: 0,
        len_bytes: length.len(),
    })
}
