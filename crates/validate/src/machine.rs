//! The machine of a profile: boot files, overlays, devices.

use std::path::{Path, PathBuf};

use detente_disk::{Format, Mapped as _, OverlaySpec, empty_overlay};
use detente_guest::BootFiles;
use detente_initramfs::append;
use detente_machine::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, LaunchSpec,
    Profile,
};
use detente_nbd::{Export, Server};
use detente_plan::Plan;
use detente_plan::protocol::Order;

use crate::agent::{AGENT_PATH, archive};
use crate::chain::files;
use crate::folder::{write_file, write_scratch};
use crate::{DiskInput, ValidateError};

/// Locally administered, in QEMU's own range.
pub(crate) const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0xd7, 0xe2, 0x01];

/// The hardware address as Linux spells it.
pub(crate) fn mac_text() -> String {
    MAC.map(|byte| format!("{byte:02x}")).join(":")
}

/// What a profile's machine is called.
fn name(profile: Profile) -> String {
    format!("detente-{profile}")
}

/// The UUID of a profile's machine.
pub(crate) fn uuid(profile: Profile) -> String {
    detente_machine::uuid(&name(profile), MAC)
}

/// Kernel and initramfs as files, made once and used by every profile.
pub(crate) struct Boot {
    kernel: PathBuf,
    initramfs: PathBuf,
    /// The command line with our additions.
    pub(crate) cmdline: String,
    /// The additions, each with its reason.
    pub(crate) additions: Vec<String>,
}

impl Boot {
    /// Writes kernel and initramfs, the agent appended, to `work`.
    pub(crate) fn write(
        work: &Path,
        files: BootFiles,
        order: &Order,
    ) -> Result<Self, ValidateError> {
        let (kernel, initramfs) = (work.join("kernel"), work.join("initramfs"));
        write_scratch(&kernel, &files.kernel)?;
        write_scratch(&initramfs, &append(files.initramfs, &archive(order)?))?;
        let (cmdline, additions) = command_line(&files.cmdline);
        Ok(Self {
            kernel,
            initramfs,
            cmdline,
            additions,
        })
    }
}

/// The guest's command line with what we must add to it.
fn command_line(own: &str) -> (String, Vec<String>) {
    let mut options: Vec<String> = own
        .split_ascii_whitespace()
        .filter(|option| !option.starts_with("rdinit="))
        .map(str::to_owned)
        .collect();
    let mut additions = Vec::new();
    if !options
        .iter()
        .any(|option| option.starts_with("console=ttyS0"))
    {
        // The last console is the one that /dev/console stands for: keep the guest's own last.
        options.insert(0, "console=ttyS0,115200".to_owned());
        additions.push("console=ttyS0,115200: the console is read on the serial port".to_owned());
        if !options
            .iter()
            .skip(1)
            .any(|option| option.starts_with("console="))
        {
            options.insert(1, "console=tty0".to_owned());
            additions
                .push("console=tty0: what the guest has without any console option".to_owned());
        }
    }
    // First: the kernel forgets the init's arguments that stand before it (Linux, init/main.c).
    options.insert(0, format!("rdinit={AGENT_PATH}"));
    additions.push(format!(
        "rdinit={AGENT_PATH}: the agent starts the guest's own init"
    ));
    (options.join(" "), additions)
}

/// A machine to be started, and what must live as long as it may run.
pub(crate) struct Prepared {
    pub(crate) spec: LaunchSpec,
    /// Serve the disks that QEMU does not read by itself.
    _servers: Vec<Server>,
}

/// The machine of a profile, its overlays made in `work`.
pub(crate) fn machine_spec(
    profile: Profile,
    plan: &Plan,
    boot: &Boot,
    disks: &[DiskInput],
    work: &Path,
) -> Result<Prepared, ValidateError> {
    let (mut specs, mut servers) = (Vec::new(), Vec::new());
    for (index, disk) in disks.iter().enumerate() {
        let (below, server) = below(index, disk, work)?;
        servers.extend(server);
        specs.push(disk_spec(profile, index, disk, below, work)?);
    }
    let disks = specs;
    let spec = LaunchSpec {
        name: name(profile),
        profile,
        topology: plan.parameters.vcpus,
        memory_mib: plan.parameters.memory_mib,
        disks,
        boot: DirectBoot {
            kernel: boot.kernel.clone(),
            initramfs: boot.initramfs.clone(),
            cmdline: boot.cmdline.clone(),
        },
        network: LaunchNetwork {
            mac: MAC,
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: profile.hardware().entropy,
        console_input: true,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
        extras: detente_machine::Extras::default(),
    };
    Ok(Prepared {
        spec,
        _servers: servers,
    })
}

/// How a machine gets at a disk: the files, where QEMU reads all of them as we do, and else our
/// reading of them, served in `work`.
fn below(
    index: usize,
    disk: &DiskInput,
    work: &Path,
) -> Result<(DiskBelow, Option<Server>), ValidateError> {
    if let Some(chain) = read_by_qemu(disk) {
        return Ok((DiskBelow::Files(chain), None));
    }
    let export = Export::read_only(disk.image.reader.clone());
    let server = Server::bind(&work.join(format!("disk{index}.nbd")), export);
    let server = server.map_err(|source| ValidateError::Serve {
        path: disk.path.clone(),
        source,
    })?;
    let below = DiskBelow::Nbd {
        socket: server.address(),
        files: files(disk),
    };
    Ok((below, Some(server)))
}

/// The chain, if QEMU can be trusted with it: raw and qcow2 files that spread over no others.
fn read_by_qemu(disk: &DiskInput) -> Option<Vec<DiskFile>> {
    let layers = &disk.image.layers;
    if disk.image.stack.files().len() != layers.len() {
        return None;
    }
    let chain = layers.iter().map(|layer| {
        let format = match layer.format {
            Format::Raw => ImageFormat::Raw,
            Format::Qcow2 => ImageFormat::Qcow2,
            Format::Vhdx | Format::Vhd | Format::Vmdk => return None,
        };
        let path = layer.path.clone();
        Some(DiskFile { path, format })
    });
    chain.collect()
}

/// One disk: what is below it under a new overlay.
fn disk_spec(
    profile: Profile,
    index: usize,
    disk: &DiskInput,
    below: DiskBelow,
    work: &Path,
) -> Result<LaunchDisk, ValidateError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ValidateError::Overlay {
        path: disk.path.clone(),
        source,
    };
    // A whole path: the overlay does not lie beside its backing file.
    let backing = std::path::absolute(&disk.path).map_err(|error| failed(error.into()))?;
    let top = disk
        .image
        .layers
        .first()
        .map_or(Format::Raw, |layer| layer.format);
    let bytes = empty_overlay(&OverlaySpec {
        virtual_size: disk.image.reader.len_bytes(),
        backing_path: backing.to_string_lossy().into_owned(),
        backing_format: top,
    })
    .map_err(|error| failed(Box::new(error)))?;
    let overlay = work.join(format!("disk{index}.overlay"));
    write_file(&overlay, &bytes)?;
    let bus = match profile {
        Profile::Kvm => DiskBus::Virtio,
        Profile::KvmLegacy => DiskBus::Sata,
        Profile::HypervVmbus => DiskBus::Vmbus,
    };
    Ok(LaunchDisk {
        overlay,
        below,
        bus,
        serial: format!("detente{index}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(own: &str, expect: &str) {
        assert_eq!(command_line(own).0, expect);
    }

    #[test]
    fn a_serial_console_is_added_only_where_there_is_none() {
        check(
            "root=/dev/vda1 ro quiet",
            "rdinit=/.detente/agent console=ttyS0,115200 console=tty0 root=/dev/vda1 ro quiet",
        );
        check(
            "console=tty0 console=ttyS0,9600 ro",
            "rdinit=/.detente/agent console=tty0 console=ttyS0,9600 ro",
        );
        check(
            "console=hvc0",
            "rdinit=/.detente/agent console=ttyS0,115200 console=hvc0",
        );
    }

    #[test]
    fn the_guests_own_rdinit_gives_way() {
        check(
            "rdinit=/sbin/x console=ttyS0",
            "rdinit=/.detente/agent console=ttyS0",
        );
    }
}
