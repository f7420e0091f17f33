//! The neutral definition of a machine of a package.

use super::{Envelope, Firmware, Item, OvfError, Resource, VirtualSystem, file_of};
use crate::loss::Losses;
use crate::spec::{
    self, Bus, Disk, DiskDevice, DiskFormat, MachineSpec, NetworkKind, NetworkRef, Nic, NicModel,
    ProcessorTopology, SecureBoot, SecureBootKeys, SerialBackend, SerialPort, Slot, Tpm,
    TpmInterface, TpmVersion,
};

/// What packages do not say.
const PROCESSORS: u32 = 1;
/// 1 GiB.
const MEMORY_BYTES: u64 = 1 << 30;

impl Envelope {
    /// The machine of an id; the only one without.
    ///
    /// # Errors
    /// [`OvfError::Invalid`], with what there is.
    pub fn system(&self, wanted: Option<&str>) -> Result<&VirtualSystem, OvfError> {
        let is_wanted = |system: &&VirtualSystem| {
            wanted.is_none_or(|id| system.id == id || system.name.as_deref() == Some(id))
        };
        let found: Vec<_> = self.systems.iter().filter(is_wanted).collect();
        match found.as_slice() {
            [one] => Ok(one),
            several => {
                let all: Vec<_> = self
                    .systems
                    .iter()
                    .map(|system| system.id.as_str())
                    .collect();
                let count = if several.is_empty() {
                    "no such"
                } else {
                    "more than one"
                };
                let rule = format!("{count} machine; the package has {}", all.join(", "));
                Err(OvfError::Invalid { rule })
            }
        }
    }

    /// The neutral definition of one of the machines, and what it could not carry over. Disks are
    /// files of the package, by their paths in it.
    ///
    /// # Errors
    /// [`OvfError`]; the definition itself is to be validated.
    pub fn to_spec(
        &self,
        system: &VirtualSystem,
        configuration: Option<&str>,
    ) -> Result<(MachineSpec, Losses), OvfError> {
        let default = self.configurations.first().map(|own| own.id.as_str());
        let items = system.items_of(configuration.or(default));
        let mut reader = Reader {
            envelope: self,
            items,
            losses: Losses::new(),
        };
        let spec = reader.read(system)?;
        Ok((spec, reader.losses))
    }
}

struct Reader<'e> {
    envelope: &'e Envelope,
    items: Vec<&'e Item>,
    losses: Losses,
}

impl<'e> Reader<'e> {
    fn read(&mut self, system: &'e VirtualSystem) -> Result<MachineSpec, OvfError> {
        let name = system.name.as_deref().unwrap_or(&system.id);
        let firmware = match system.firmware {
            None | Some(Firmware::Bios) => spec::Firmware::Bios,
            Some(Firmware::Uefi) => spec::Firmware::Uefi {
                secure_boot: match system.secure_boot {
                    Some(true) => SecureBoot::On {
                        keys: SecureBootKeys::MicrosoftBoth,
                    },
                    Some(false) | None => SecureBoot::Off,
                },
            },
        };
        let processor = self.first(Resource::Processor);
        let count = processor.and_then(|item| u32::try_from(item.quantity?).ok());
        let count = count.unwrap_or_else(|| self.unsaid("processors.count", PROCESSORS, "1"));
        let memory = self.first(Resource::Memory).and_then(|item| {
            item.quantity?
                .checked_mul(item.unit_bytes.unwrap_or(1 << 20))
        });
        let memory =
            memory.unwrap_or_else(|| self.unsaid("memory.startup_bytes", MEMORY_BYTES, "1 GiB"));
        let name: String = name
            .chars()
            .map(|c| if c == '/' { '_' } else { c })
            .collect();
        let mut spec = MachineSpec::new(&name, count, memory, firmware);
        spec.processors.topology = processor.and_then(|item| topology(count, item));
        spec.notes.clone_from(&system.annotation);
        if system.tpm {
            spec.tpm = Some(Tpm {
                version: TpmVersion::V2_0,
                interface: TpmInterface::Crb,
            });
        }
        self.disks(&mut spec)?;
        self.cards(&mut spec);
        self.others(&mut spec);
        for section in &self.envelope.not_read {
            let why = "the package says that who does not understand it must not go on";
            self.losses.dropped(format!("ovf.{section}"), why);
        }
        Ok(spec)
    }

    fn first(&self, kind: Resource) -> Option<&'e Item> {
        self.items
            .iter()
            .find(|item| item.resource == kind)
            .copied()
    }

    fn unsaid<T>(&mut self, field: &str, value: T, said: &str) -> T {
        self.losses
            .approximated(field, format!("the package does not say it: {said}"));
        value
    }

    fn disks(&mut self, spec: &mut MachineSpec) -> Result<(), OvfError> {
        let items = self.items.clone();
        for item in items {
            let device = match item.resource {
                Resource::Disk => DiskDevice::Disk,
                Resource::Optical => DiskDevice::Cdrom,
                Resource::Floppy => DiskDevice::Floppy,
                _ => continue,
            };
            let (bus, slot) = self.place(item, device);
            let mut disk = Disk::file(bus, "", DiskFormat::Vmdk);
            disk.device = device;
            disk.slot = slot.filter(|slot| {
                let taken = spec
                    .disks
                    .iter()
                    .any(|own| own.bus == bus && own.slot == Some(*slot));
                !taken
            });
            disk.source = None;
            match device {
                DiskDevice::Disk => self.content(item, &mut disk)?,
                DiskDevice::Cdrom | DiskDevice::Floppy if item.host_resource.is_some() => {
                    let field = format!("disks[{}].source", spec.disks.len());
                    self.losses.dropped(field, "the drive comes empty");
                }
                DiskDevice::Cdrom | DiskDevice::Floppy => {}
            }
            spec.disks.push(disk);
        }
        Ok(())
    }

    /// The bus of the controller that a disk is on, and its place there.
    fn place(&self, item: &Item, device: DiskDevice) -> (Bus, Option<Slot>) {
        let parent = item.parent.as_ref();
        let parent = parent.and_then(|id| self.items.iter().find(|own| own.instance == *id));
        let subtype = parent
            .and_then(|own| own.subtype.as_deref())
            .unwrap_or_default();
        let subtype = subtype.to_ascii_lowercase();
        let bus = match (device, parent.map(|own| own.resource)) {
            (DiskDevice::Floppy, _) => return (Bus::Floppy, None),
            (_, Some(Resource::IdeController)) => Bus::Ide,
            (_, Some(Resource::ScsiController)) => Bus::Scsi,
            (DiskDevice::Disk, _) if subtype.contains("nvme") => Bus::Nvme,
            (_, Some(Resource::StorageController)) => Bus::Sata,
            (DiskDevice::Disk, _) => Bus::Scsi,
            (DiskDevice::Cdrom, _) => Bus::Sata,
        };
        let number = |text: Option<&String>| text.and_then(|text| text.parse::<u32>().ok());
        let controller = number(parent.and_then(|own| own.address.as_ref()));
        let location = item.address_on_parent.and_then(|at| u32::try_from(at).ok());
        let slot = controller.zip(location).map(|(controller, location)| Slot {
            controller,
            location,
        });
        let fits = |slot: &Slot| slot.controller < 256 && (bus != Bus::Ide || slot.location < 2);
        (bus, slot.filter(fits))
    }

    /// The file of the package that a disk's content is in.
    fn content(&mut self, item: &Item, disk: &mut Disk) -> Result<(), OvfError> {
        let envelope = self.envelope;
        let invalid = |rule: String| OvfError::Invalid { rule };
        let named = item.host_resource.as_deref().unwrap_or_default();
        // `ovf:/disk/ID`, or `/disk/ID` from others.
        let path = named.trim_start_matches("ovf:").trim_start_matches('/');
        let file = match path.split_once('/') {
            Some(("disk", id)) => {
                let own = envelope.disks.iter().find(|disk| disk.id == id);
                let own = own.ok_or_else(|| invalid(format!("there is no disk {id:?}")))?;
                if own.parent.is_some() {
                    let what = format!("the disk {id:?} rests on another one");
                    return Err(OvfError::Unsupported { what });
                }
                disk.size_bytes = own.capacity_bytes;
                own.file.as_deref().ok_or_else(|| OvfError::Unsupported {
                    what: format!("the disk {id:?} has no content: it is to be made empty"),
                })?
            }
            Some(("file", id)) => id,
            Some(_) | None => {
                return Err(invalid(format!("a disk is at {named:?}, which is nowhere")));
            }
        };
        let file = envelope.files.iter().find(|own| own.id == file);
        let file = file.ok_or_else(|| invalid(format!("there is no file for {named:?}")))?;
        if let Some(compression) = &file.compression {
            let what = format!(
                "{:?} is compressed as a whole, with {compression}",
                file.href
            );
            return Err(OvfError::Unsupported { what });
        }
        if file.chunk_bytes.is_some() {
            let what = format!("{:?} comes in pieces", file.href);
            return Err(OvfError::Unsupported { what });
        }
        let path = file_of(&file.href)?.display().to_string();
        let format = match path.rsplit('.').next() {
            Some("vhd") => DiskFormat::Vhd,
            Some("vhdx") => DiskFormat::Vhdx,
            Some("qcow2") => DiskFormat::Qcow2,
            Some("img" | "raw") => DiskFormat::Raw,
            Some(_) | None => DiskFormat::Vmdk,
        };
        disk.source = Some(spec::DiskSource::File { path, format });
        Ok(())
    }

    fn cards(&mut self, spec: &mut MachineSpec) {
        let items = self.items.clone();
        let cards = items
            .iter()
            .filter(|item| item.resource == Resource::Ethernet);
        for (index, item) in cards.enumerate() {
            let subtype = item.subtype.as_deref().unwrap_or_default();
            // Some writers offer several: `VirtIO E1000`.
            let first = subtype.split_whitespace().next().unwrap_or_default();
            let model = match first.to_ascii_lowercase().as_str() {
                "e1000" => NicModel::E1000,
                "e1000e" => NicModel::E1000e,
                "virtio" | "virtio-net" => NicModel::Virtio,
                "vmxnet3" => NicModel::Vmxnet3,
                "" => NicModel::E1000,
                _ => NicModel::Other(first.to_owned()),
            };
            let network = item.connection.as_ref().map(|name| NetworkRef {
                kind: NetworkKind::Named,
                name: name.clone(),
            });
            let mut nic = Nic::new(model, network);
            nic.name.clone_from(&item.name);
            nic.mac = item
                .address
                .as_deref()
                .and_then(|address| address.parse().ok());
            if nic.mac.is_none() {
                let why = "the package does not say it: the host makes one up";
                self.losses.approximated(format!("nics[{index}].mac"), why);
            }
            spec.nics.push(nic);
        }
    }

    /// Serial ports; of what else there is, what is left out.
    fn others(&mut self, spec: &mut MachineSpec) {
        let items = self.items.clone();
        for item in items {
            match item.resource {
                Resource::Serial => match u32::try_from(spec.serial_ports.len()) {
                    Ok(port) if port < 4 => spec.serial_ports.push(SerialPort {
                        port,
                        backend: SerialBackend::Pty,
                        extensions: spec::Extensions::default(),
                    }),
                    Ok(_) | Err(_) => {
                        self.losses
                            .dropped("ovf.serial", "a machine has four serial ports");
                    }
                },
                Resource::Graphics => spec.display = spec::Display::Present,
                Resource::Parallel | Resource::Usb | Resource::Sound | Resource::Other(_)
                    if item.required =>
                {
                    let name = item.name.as_deref().unwrap_or(item.resource.name());
                    let why = format!("{name}: no machine here has one");
                    self.losses
                        .dropped(format!("ovf.item[{}]", item.instance), why);
                }
                Resource::Processor
                | Resource::Memory
                | Resource::IdeController
                | Resource::ScsiController
                | Resource::Ethernet
                | Resource::Floppy
                | Resource::Optical
                | Resource::Disk
                | Resource::StorageController
                | Resource::Parallel
                | Resource::Usb
                | Resource::Sound
                | Resource::Other(_) => {}
            }
        }
    }
}

/// Sockets follow from cores, where the package says those.
fn topology(count: u32, item: &Item) -> Option<ProcessorTopology> {
    let cores = u32::try_from(item.cores_per_socket?).ok()?;
    let sockets = count.checked_div(cores)?;
    (count.checked_rem(cores) == Some(0)).then_some(ProcessorTopology {
        sockets,
        dies: 1,
        cores,
        threads: 1,
    })
}
