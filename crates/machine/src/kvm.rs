//! What the writers of definitions for KVM share: which devices a machine gets there, which
//! networks, and what no platform of KVM's can do.

mod image;
mod losses;

use crate::loss::Losses;
use crate::qemu::Accelerator;
use crate::spec::{
    Bus, Chipset, ControllerModel, Disk, DiskDevice, MachineSpec, MemoryRange, NetworkRef, Nic,
    NicModel,
};

pub(crate) use image::image;
pub(crate) use losses::{common, integration, no_checkpoint_policy};

/// What a writer for KVM is told beside the definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvmOptions {
    /// Which devices the guest meets.
    pub devices: DeviceChoice,
    /// What executes the guest's instructions.
    pub accelerator: Accelerator,
    /// Which networks take the place of the source's.
    pub networks: NetworkMap,
}

impl Default for KvmOptions {
    fn default() -> Self {
        Self {
            devices: DeviceChoice::default(),
            accelerator: Accelerator::Kvm,
            networks: NetworkMap::default(),
        }
    }
}

/// Which devices a guest meets on KVM. What it can drive, `detente check` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// Those of the definition that QEMU has; virtio in the place of others.
    #[default]
    AsDefined,
    /// virtio.
    Virtio,
    /// SATA and e1000e, which need no virtio driver.
    Plain,
}

/// Names of networks on the other side. Without a word about it a name stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkMap {
    entries: Vec<(String, NetworkRef)>,
    others: Option<NetworkRef>,
}

impl NetworkMap {
    /// Puts a network in the place of the source's of this name; `*` is every other.
    pub fn insert(&mut self, source: &str, target: NetworkRef) {
        if source == "*" {
            self.others = Some(target);
        } else {
            self.entries.push((source.to_owned(), target));
        }
    }

    /// What takes the place of a network.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&NetworkRef> {
        let own = self.entries.iter().find(|(source, _)| source == name);
        own.map(|(_, target)| target).or(self.others.as_ref())
    }

    /// Names that were mapped and that no card of the machine has.
    #[must_use]
    pub fn unused<'a>(&'a self, spec: &MachineSpec) -> Vec<&'a str> {
        let known = |name: &str| {
            let networks = spec.nics.iter().filter_map(|nic| nic.network.as_ref());
            networks.into_iter().any(|network| network.name == name)
        };
        let sources = self.entries.iter().map(|(source, _)| source.as_str());
        sources.filter(|name| !known(name)).collect()
    }
}

/// The board that a machine gets: Secure Boot needs system management mode, which only q35 has.
pub(crate) fn chipset(spec: &MachineSpec) -> Chipset {
    if spec.firmware.has_secure_boot() {
        return Chipset::Q35;
    }
    spec.chipset.unwrap_or(Chipset::Q35)
}

/// The bus that a disk gets, and what is said where it is another one.
pub(crate) fn disk_bus(spec: &MachineSpec, disk: &Disk, choice: DeviceChoice) -> Bus {
    let removable = match chipset(spec) {
        Chipset::Q35 => Bus::Sata,
        Chipset::I440fx => Bus::Ide,
    };
    match (disk.device, choice) {
        (DiskDevice::Floppy, _) => Bus::Floppy,
        (DiskDevice::Cdrom, DeviceChoice::Virtio | DeviceChoice::Plain)
        | (DiskDevice::Disk, DeviceChoice::Plain) => removable,
        (DiskDevice::Disk, DeviceChoice::Virtio) => Bus::Virtio,
        (DiskDevice::Disk, DeviceChoice::AsDefined) => kept(spec, disk).unwrap_or(Bus::Virtio),
        (DiskDevice::Cdrom, DeviceChoice::AsDefined) => kept(spec, disk).unwrap_or(removable),
    }
}

/// The disk's own bus, where QEMU has it on this board.
fn kept(spec: &MachineSpec, disk: &Disk) -> Option<Bus> {
    match disk.bus {
        Bus::Virtio | Bus::Sata | Bus::Usb => Some(disk.bus),
        Bus::Ide => (chipset(spec) == Chipset::I440fx).then_some(Bus::Ide),
        Bus::Scsi => (!is_synthetic(spec, disk)).then_some(Bus::Scsi),
        // libvirt has no emulated NVMe, and a floppy controller takes no disks.
        Bus::Nvme | Bus::Floppy => None,
    }
}

/// Whether a disk is on Hyper-V's synthetic controller, which QEMU has not.
fn is_synthetic(spec: &MachineSpec, disk: &Disk) -> bool {
    let index = disk.slot.map_or(0, |slot| slot.controller);
    let mut controllers = spec.controllers.iter();
    controllers.any(|own| {
        own.bus == Bus::Scsi && own.index == index && own.model == ControllerModel::Synthetic
    })
}

/// The kind of card that a card becomes.
pub(crate) fn nic_model(nic: &Nic, choice: DeviceChoice) -> NicModel {
    match (choice, &nic.model) {
        (DeviceChoice::Plain, _) => NicModel::E1000e,
        (DeviceChoice::Virtio, _)
        | (DeviceChoice::AsDefined, NicModel::Synthetic | NicModel::Legacy) => NicModel::Virtio,
        (DeviceChoice::AsDefined, own) => own.clone(),
    }
}

/// The name that QEMU and libvirt give a kind of card.
pub(crate) fn nic_name(model: &NicModel) -> &str {
    match model {
        NicModel::E1000e => "e1000e",
        NicModel::E1000 => "e1000",
        NicModel::Rtl8139 => "rtl8139",
        NicModel::Vmxnet3 => "vmxnet3",
        NicModel::Other(name) => name,
        NicModel::Virtio | NicModel::Synthetic | NicModel::Legacy => "virtio",
    }
}

/// Says where disks and cards are not what they were.
pub(crate) fn hardware_losses(spec: &MachineSpec, choice: DeviceChoice, losses: &mut Losses) {
    for (index, disk) in spec.disks.iter().enumerate() {
        let bus = disk_bus(spec, disk, choice);
        if bus == disk.bus {
            continue;
        }
        let why = format!(
            "{:?} becomes {bus:?}: names of disks like sda may be others in the guest",
            disk.bus
        );
        losses.approximated(format!("disks[{index}].bus"), why);
        if disk.slot.is_some() {
            let why = "disks keep their order; the place on the new bus follows from it";
            losses.approximated(format!("disks[{index}].slot"), why);
        }
    }
    for (index, nic) in spec.nics.iter().enumerate() {
        let model = nic_model(nic, choice);
        if model != nic.model {
            let why = format!("the card becomes {}", nic_name(&model));
            losses.approximated(format!("nics[{index}].model"), why);
        }
    }
}

/// How many times its first memory a guest is built for at most: what it needs to keep track of
/// all of it must fit into what it has (Linux: 64 bytes for each 4 KiB, and room to live).
const BALLOON_FACTOR: u64 = 8;

/// The most memory that a guest is built for. Hyper-V's usual maximum is 1 TiB whatever the guest
/// starts with, and no guest comes up with a balloon of that size.
pub(crate) fn ceiling_bytes(startup_bytes: u64, range: MemoryRange) -> u64 {
    match range {
        MemoryRange::Fixed => startup_bytes,
        MemoryRange::Balloon { maximum_bytes } => maximum_bytes,
        MemoryRange::Dynamic(dynamic) => dynamic
            .maximum_bytes
            .min(startup_bytes.saturating_mul(BALLOON_FACTOR)),
    }
}

/// Says that a platform acts on none of the words that sources have of their own.
pub(crate) fn foreign_words(spec: &MachineSpec, platform: &str, losses: &mut Losses) {
    for (source, name, _) in spec.extensions.iter() {
        let why = format!("{source}'s own; {platform} has no place for it");
        losses.dropped(format!("extensions.{source}.{name}"), why);
    }
    let say = |field: String, is_empty: bool, losses: &mut Losses| {
        if !is_empty {
            let why = format!("a source's own words; {platform} has no place for them");
            losses.dropped(format!("{field}.extensions"), why);
        }
    };
    for (index, own) in spec.disks.iter().enumerate() {
        say(format!("disks[{index}]"), own.extensions.is_empty(), losses);
    }
    for (index, own) in spec.nics.iter().enumerate() {
        say(format!("nics[{index}]"), own.extensions.is_empty(), losses);
    }
    for (index, own) in spec.controllers.iter().enumerate() {
        let field = format!("controllers[{index}]");
        say(field, own.extensions.is_empty(), losses);
    }
    for (index, own) in spec.serial_ports.iter().enumerate() {
        let field = format!("serial_ports[{index}]");
        say(field, own.extensions.is_empty(), losses);
    }
}

/// The network that a card is plugged into on the other side.
pub(crate) fn network<'a>(nic: &'a Nic, map: &'a NetworkMap) -> Option<&'a NetworkRef> {
    let own = nic.network.as_ref()?;
    Some(map.get(&own.name).unwrap_or(own))
}
