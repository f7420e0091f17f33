//! Disks, cards and what they start.

use std::collections::BTreeSet;

use super::super::model::{AdapterVlan, HardDiskDrive, NetworkAdapter, VirtualMachine};
use super::super::values::{BootDevice, BootSourceType, ControllerType, OnOff, VhdType, VlanMode};
use super::SOURCE;
use crate::loss::Losses;
use crate::spec::{
    Bus, Controller, ControllerModel, Disk, DiskAccess, DiskDevice, DiskFormat, DiskSource,
    Extensions, MachineSpec, NetworkKind, NetworkRef, Nic, NicGuards, NicModel, Passthrough,
    PassthroughKind, Permission, Sectors, SerialBackend, SerialPort, Slot, Vlan,
};

/// Disks and drives in the order of their controllers: IDE, SCSI, floppy.
pub(super) fn disks(machine: &VirtualMachine, spec: &mut MachineSpec, losses: &mut Losses) {
    let mut disks: Vec<Disk> = Vec::new();
    for drive in &machine.hard_disk_drives {
        disks.push(disk(drive));
    }
    for drive in &machine.dvd_drives {
        let slot = slot(drive.controller_number, drive.controller_location);
        let mut disk = empty(DiskDevice::Cdrom, bus(drive.controller_type), Some(slot));
        disk.access = DiskAccess::ReadOnly;
        disk.source = drive.path.as_deref().map(|path| DiskSource::File {
            path: path.to_owned(),
            format: DiskFormat::Raw,
        });
        disks.push(disk);
    }
    let rank = |disk: &Disk| (disk.bus != Bus::Ide, disk.slot);
    disks.sort_by_key(rank);
    if let Some(path) = &machine.floppy_path {
        let mut floppy = empty(DiskDevice::Floppy, Bus::Floppy, None);
        floppy.source = Some(DiskSource::File {
            path: path.clone(),
            format: DiskFormat::Raw,
        });
        disks.push(floppy);
    }
    flattened(machine, &disks, losses);
    spec.controllers = controllers(&disks);
    spec.disks = disks;
}

fn slot(controller: u32, location: u32) -> Slot {
    Slot {
        controller,
        location,
    }
}

fn bus(controller: ControllerType) -> Bus {
    match controller {
        ControllerType::IDE => Bus::Ide,
        ControllerType::SCSI => Bus::Scsi,
    }
}

fn empty(device: DiskDevice, bus: Bus, slot: Option<Slot>) -> Disk {
    let mut disk = Disk::file(bus, "", DiskFormat::Raw);
    disk.device = device;
    disk.slot = slot;
    disk.source = None;
    disk
}

fn disk(drive: &HardDiskDrive) -> Disk {
    let place = slot(drive.controller_number, drive.controller_location);
    let mut disk = empty(DiskDevice::Disk, bus(drive.controller_type), Some(place));
    disk.source = Some(match (&drive.path, drive.disk_number) {
        (Some(path), None) => DiskSource::File {
            path: path.clone(),
            format: format(path),
        },
        (_, Some(number)) => DiskSource::HostDisk {
            name: number.to_string(),
        },
        (None, None) => DiskSource::HostDisk {
            name: "unknown".to_owned(),
        },
    });
    disk.size_bytes = drive.size_bytes;
    disk.sectors = drive.logical_sector_bytes.map(|logical_bytes| Sectors {
        logical_bytes,
        physical_bytes: drive.physical_sector_bytes.unwrap_or(logical_bytes),
    });
    if drive.shared {
        disk.access = DiskAccess::Shared;
    }
    disk
}

/// Hyper-V goes by the end of the name, too.
pub(crate) fn format(path: &str) -> DiskFormat {
    let end = path.rsplit('.').next().unwrap_or_default();
    match end.to_ascii_lowercase().as_str() {
        "vhdx" | "avhdx" => DiskFormat::Vhdx,
        "vhd" | "avhd" => DiskFormat::Vhd,
        other => DiskFormat::Other(other.to_owned()),
    }
}

/// What rests on another file arrives as one.
fn flattened(machine: &VirtualMachine, disks: &[Disk], losses: &mut Losses) {
    let rests = |drive: &&HardDiskDrive| {
        drive.parent_path.is_some() || drive.vhd_type == Some(VhdType::Differencing)
    };
    for drive in machine.hard_disk_drives.iter().filter(rests) {
        let place = slot(drive.controller_number, drive.controller_location);
        let own = (bus(drive.controller_type), Some(place));
        let index = disks.iter().position(|disk| (disk.bus, disk.slot) == own);
        losses.approximated(
            format!("disks[{}].source", index.unwrap_or_default()),
            "it rests on another file, and becomes one with it",
        );
    }
}

/// Which controllers there are, so that writers know what kind they are.
fn controllers(disks: &[Disk]) -> Vec<Controller> {
    let scsi = disks.iter().filter(|disk| disk.bus == Bus::Scsi);
    let numbers: BTreeSet<u32> = scsi
        .filter_map(|disk| Some(disk.slot?.controller))
        .collect();
    let controller = |index| Controller {
        bus: Bus::Scsi,
        index,
        model: ControllerModel::Synthetic,
        extensions: Extensions::default(),
    };
    numbers.into_iter().map(controller).collect()
}

pub(super) fn cards(machine: &VirtualMachine, spec: &mut MachineSpec, losses: &mut Losses) {
    for (index, own) in machine.network_adapters.iter().enumerate() {
        spec.nics.push(card(&format!("nics[{index}]"), own, losses));
    }
}

fn card(field: &str, own: &NetworkAdapter, losses: &mut Losses) -> Nic {
    let network = own.switch.as_ref().map(|name| NetworkRef {
        kind: NetworkKind::Switch,
        name: name.clone(),
    });
    let model = if own.legacy {
        NicModel::Legacy
    } else {
        NicModel::Synthetic
    };
    let mut nic = Nic::new(model, network);
    nic.name = Some(own.name.clone()).filter(|name| !name.is_empty());
    // All zeroes before the first start.
    nic.mac = own.mac.filter(|mac| mac.0 != [0; 6] && !own.dynamic_mac);
    if own.dynamic_mac {
        losses.approximated(
            format!("{field}.mac"),
            "the host makes the address up, and another host makes up another",
        );
    }
    nic.vlan = match &own.vlan {
        None => Vlan::Untagged,
        Some(vlan) => self::vlan(field, vlan, losses),
    };
    nic.guards = NicGuards {
        // Hyper-V keeps cards from it unless told otherwise, and from nothing else.
        mac_spoofing: match own.mac_spoofing {
            Some(OnOff::On) => Permission::Allowed,
            Some(OnOff::Off) | None => Permission::PlatformDefault,
        },
        dhcp_server: guard(own.dhcp_guard),
        router: guard(own.router_guard),
    };
    nic
}

fn guard(own: Option<OnOff>) -> Permission {
    match own {
        Some(OnOff::On) => Permission::Refused,
        Some(OnOff::Off) | None => Permission::PlatformDefault,
    }
}

fn vlan(field: &str, own: &AdapterVlan, losses: &mut Losses) -> Vlan {
    let field = format!("{field}.vlan");
    match (own.mode, own.access_id) {
        (VlanMode::Untagged, _) => Vlan::Untagged,
        (VlanMode::Access, Some(id)) if id != 0 => Vlan::Access { id },
        (VlanMode::Access, _) => Vlan::Untagged,
        (VlanMode::Trunk, _) => {
            let allowed: BTreeSet<u16> = own.allowed_ids.iter().copied().collect();
            let allowed: Vec<u16> = allowed.into_iter().filter(|&id| id != 0).collect();
            if allowed.is_empty() {
                losses.dropped(field, "a trunk that lets nothing pass");
                return Vlan::Untagged;
            }
            let native = own.native_id.filter(|&id| id != 0);
            Vlan::Trunk { native, allowed }
        }
        (VlanMode::Private, _) => {
            losses.dropped(field, "private VLANs are a feature of the switch");
            Vlan::Untagged
        }
    }
}

/// Ranks: of generation 2 device by device, of generation 1 kind by kind.
pub(super) fn boot_order(machine: &VirtualMachine, spec: &mut MachineSpec, losses: &mut Losses) {
    let mut rank: u32 = 0;
    let mut next = || {
        rank = rank.saturating_add(1);
        Some(rank)
    };
    match machine
        .firmware
        .as_ref()
        .filter(|_| machine.generation != 1)
    {
        None => {
            for kind in &machine.startup_order {
                let drives = spec
                    .disks
                    .iter_mut()
                    .filter(|disk| disk.boot_order.is_none());
                drives
                    .filter(|disk| is_drive(*kind, disk))
                    .for_each(|disk| disk.boot_order = next());
                let cards = spec.nics.iter_mut().filter(|nic| nic.boot_order.is_none());
                cards
                    .filter(|nic| is_card(*kind, nic))
                    .for_each(|nic| nic.boot_order = next());
            }
            if !machine.startup_order.is_empty() {
                let names: Vec<_> = machine
                    .startup_order
                    .iter()
                    .map(|kind| kind.name())
                    .collect();
                spec.extensions.insert(SOURCE, "startup_order", names);
            }
        }
        Some(firmware) => {
            for source in &firmware.boot_order {
                let place = source.controller_number.zip(source.controller_location);
                match (source.kind, place, source.network_adapter) {
                    (BootSourceType::Drive, Some((number, location)), _) => {
                        let own = Some(slot(number, location));
                        let found = spec.disks.iter_mut().find(|disk| disk.slot == own);
                        if let Some(disk) = found.filter(|disk| disk.boot_order.is_none()) {
                            disk.boot_order = next();
                        }
                    }
                    (BootSourceType::Network, _, Some(index)) => {
                        let index = usize::try_from(index).unwrap_or(usize::MAX);
                        let found = spec.nics.get_mut(index);
                        if let Some(nic) = found.filter(|nic| nic.boot_order.is_none()) {
                            nic.boot_order = next();
                        }
                    }
                    (BootSourceType::File, ..) => losses.dropped(
                        "hyperv.firmware.boot_order",
                        "entries of UEFI for single programs do not move: the disk starts by its \
                         fallback loader in \\EFI\\BOOT",
                    ),
                    (
                        BootSourceType::Drive | BootSourceType::Network | BootSourceType::Unknown,
                        ..,
                    ) => {}
                }
            }
        }
    }
}

fn is_drive(kind: BootDevice, disk: &Disk) -> bool {
    match kind {
        BootDevice::Floppy => disk.device == DiskDevice::Floppy,
        BootDevice::CD => disk.device == DiskDevice::Cdrom,
        BootDevice::IDE | BootDevice::VHD => {
            disk.device == DiskDevice::Disk && disk.bus == Bus::Ide
        }
        BootDevice::LegacyNetworkAdapter | BootDevice::NetworkAdapter => false,
    }
}

fn is_card(kind: BootDevice, nic: &Nic) -> bool {
    match kind {
        BootDevice::LegacyNetworkAdapter | BootDevice::NetworkAdapter => {
            nic.model == NicModel::Legacy
        }
        BootDevice::Floppy | BootDevice::CD | BootDevice::IDE | BootDevice::VHD => false,
    }
}

/// Serial ports, and what is passed through.
pub(super) fn others(machine: &VirtualMachine, spec: &mut MachineSpec) {
    for own in &machine.com_ports {
        let (Some(path), Some(port)) = (&own.path, own.number.checked_sub(1)) else {
            continue;
        };
        spec.serial_ports.push(SerialPort {
            port,
            backend: SerialBackend::NamedPipe { path: path.clone() },
            extensions: Extensions::default(),
        });
    }
    for own in &machine.assigned_devices {
        spec.passthrough.push(Passthrough {
            kind: match own.kind.as_str() {
                "Dda" => PassthroughKind::Pci,
                "GpuPartition" => PassthroughKind::Mediated,
                _ => PassthroughKind::Other,
            },
            name: own.name.clone(),
            extensions: Extensions::default(),
        });
    }
}
