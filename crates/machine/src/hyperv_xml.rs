//! Exports of Hyper-V from Windows Server 2008 R2 to 2012 R2: a machine's configuration as XML.
//!
//! Later versions write `.vmcx` ([`crate::vmcx`]). What is read becomes the same
//! [`VirtualMachine`] as of an inventory.

use std::collections::BTreeMap;

use crate::hyperv_inventory::{
    BootDevice, BootSource, Checkpoints, ComPort, ControllerType, DvdDrive, Firmware,
    HardDiskDrive, Memory, NetworkAdapter, OnOff, Processor, Security, Service, StartAction, State,
    StopAction, VirtualMachine, service_of,
};
use crate::spec::{NotAnId, Uuid};
use crate::xml::{self, Element, XmlError};

/// The emulated IDE controller: what holds its settings is named after it.
const IDE: &str = "_83f8638b-8dca-4152-9eda-2ca8b33039b4_";
/// The BIOS.
const BIOS: &str = "_ac6b8dc1-3257-4a70-b1b2-a9c9215659ad_";
/// The serial ports.
const SERIAL: &str = "_8e3a359f-559a-4b6a-98a9-1690a6100ed7_";
/// Synthetic SCSI controllers, by the kind of device.
const SCSI: &str = "d422512d-2bf2-4752-809d-7b82b5fcb1b4";
/// Synthetic network cards.
const ETHERNET: &str = "2fc216b0-d2e2-4967-9b6d-b8a5c9ca2778";
/// `100000` stands for all of a processor.
const WHOLE: u64 = 100_000;

/// Why a configuration was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HypervXmlError {
    /// It is no XML that is read.
    #[error("the configuration is not sound XML")]
    Xml(#[from] XmlError),
    /// It is XML of another kind.
    #[error("<{name}> is no configuration of a Hyper-V machine")]
    NotConfiguration {
        /// The element that holds all others.
        name: String,
    },
    /// It lacks what every machine has.
    #[error("the configuration has no {what}")]
    Missing {
        /// What.
        what: &'static str,
    },
    /// A value is none.
    #[error("{what} is {text:?}, which is none")]
    Value {
        /// Of what.
        what: String,
        /// The text.
        text: String,
    },
}

impl From<NotAnId> for HypervXmlError {
    fn from(error: NotAnId) -> Self {
        Self::Value {
            what: error.what.to_owned(),
            text: error.text,
        }
    }
}

/// Whether a document looks like such a configuration: what it is read as depends on it.
#[must_use]
pub fn is_configuration(bytes: &[u8]) -> bool {
    xml::parse(bytes).is_ok_and(|root| root.name == "configuration")
}

/// Reads a configuration.
///
/// VLANs are in it as bytes whose meaning is not published, and are left out; a device that this
/// does not know is left out, too.
///
/// # Errors
/// [`HypervXmlError`].
pub fn parse(bytes: &[u8]) -> Result<VirtualMachine, HypervXmlError> {
    let root = xml::parse(bytes)?;
    if root.name != "configuration" || root.child("properties").is_none() {
        return Err(HypervXmlError::NotConfiguration { name: root.name });
    }
    Configuration {
        devices: devices(&root),
        root: &root,
    }
    .read()
}

/// A device of the manifest.
struct Device<'x> {
    kind: String,
    name: &'x str,
    settings: Option<&'x Element>,
}

struct Configuration<'x> {
    root: &'x Element,
    devices: Vec<Device<'x>>,
}

/// The manifest names kinds and instances; settings stand under the instance.
fn devices(root: &Element) -> Vec<Device<'_>> {
    let named: BTreeMap<String, &Element> = root
        .children
        .iter()
        .map(|child| (child.name.to_ascii_lowercase(), child))
        .collect();
    let manifest = root
        .child("manifest")
        .map(|manifest| manifest.children.as_slice());
    let entries = manifest.unwrap_or_default().iter();
    let device = |entry: &'_ &Element| entry.name.starts_with("vdev");
    let read = entries.filter(device).filter_map(|entry| {
        let instance = entry.text_at(&["instance"])?.to_ascii_lowercase();
        Some(Device {
            kind: entry.text_at(&["device"])?.to_ascii_lowercase(),
            name: entry.text_at(&["name"]).unwrap_or_default(),
            settings: named.get(&format!("_{instance}_")).copied(),
        })
    });
    read.collect()
}

impl Configuration<'_> {
    fn read(&self) -> Result<VirtualMachine, HypervXmlError> {
        let missing = |what| HypervXmlError::Missing { what };
        let name = self
            .text(&["properties", "name"])
            .ok_or_else(|| missing("name"))?;
        let generation = match self.text(&["properties", "subtype"]) {
            Some("1") => 2,
            Some(_) | None => 1,
        };
        let version = self.number(&["properties", "version"])?;
        let (hard_disk_drives, dvd_drives) = self.drives()?;
        Ok(VirtualMachine {
            name: name.to_owned(),
            id: self.id(&["properties", "global_id"])?,
            generation,
            version: version.map(|version| format!("{}.{}", version / 256, version % 256)),
            state: Some(State::Off),
            notes: self.text(&["properties", "notes"]).map(str::to_owned),
            bios_guid: self.id(&[BIOS, "bios_guid"])?,
            processor: self
                .processor()?
                .ok_or_else(|| missing("number of processors"))?,
            memory: self.memory()?.ok_or_else(|| missing("size of memory"))?,
            firmware: (generation == 2).then(|| self.firmware(&hard_disk_drives)),
            startup_order: self.startup_order(),
            security: Security::default(),
            hard_disk_drives,
            dvd_drives,
            floppy_path: None,
            network_adapters: self.cards()?,
            com_ports: self.com_ports(),
            integration_services: self.services(),
            checkpoints: Checkpoints {
                kind: None,
                automatic: false,
                existing: self
                    .number(&["global_settings", "snapshots", "list", "size"])?
                    .and_then(|count| u32::try_from(count).ok())
                    .unwrap_or_default(),
            },
            automatic_start_action: match self.text(&[
                "global_settings",
                "power",
                "host_startup",
                "action",
            ]) {
                Some("0") => Some(StartAction::Nothing),
                Some("1") => Some(StartAction::StartIfRunning),
                Some("2") => Some(StartAction::Start),
                Some(_) | None => None,
            },
            automatic_start_delay_s: 0,
            automatic_stop_action: match self.text(&[
                "global_settings",
                "power",
                "host_shutdown",
                "action",
            ]) {
                Some("0") => Some(StopAction::TurnOff),
                Some("1") => Some(StopAction::Save),
                Some("2") => Some(StopAction::ShutDown),
                Some(_) | None => None,
            },
            assigned_devices: Vec::new(),
            clustered: self.text(&["properties", "highly_available"]) == Some("True"),
        })
    }

    fn text(&self, path: &[&str]) -> Option<&str> {
        self.root.text_at(path)
    }

    fn id(&self, path: &[&str]) -> Result<Option<Uuid>, HypervXmlError> {
        Ok(self.text(path).map(str::parse).transpose()?)
    }

    fn number(&self, path: &[&str]) -> Result<Option<u64>, HypervXmlError> {
        let number = |text: &str| {
            text.parse().map_err(|_| HypervXmlError::Value {
                what: path.join("/"),
                text: text.to_owned(),
            })
        };
        self.text(path).map(number).transpose()
    }

    fn processor(&self) -> Result<Option<Processor>, HypervXmlError> {
        let at = |name| self.number(&["settings", "processors", name]);
        let percent = |of: Option<u64>, otherwise: u8| match of {
            Some(of) => {
                let percent = of.saturating_mul(100).checked_div(WHOLE);
                percent
                    .and_then(|percent| u8::try_from(percent).ok())
                    .unwrap_or(otherwise)
            }
            None => otherwise,
        };
        let Some(count) = at("count")?.and_then(|count| u32::try_from(count).ok()) else {
            return Ok(None);
        };
        let flag = |path: &[&str]| self.text(path) == Some("True");
        Ok(Some(Processor {
            count,
            threads_per_core: 0,
            reserve_percent: percent(at("reservation")?, 0),
            maximum_percent: percent(at("limit")?, 100),
            relative_weight: at("weight")?
                .and_then(|weight| u32::try_from(weight).ok())
                .unwrap_or(100),
            nested: false,
            compatible_for_migration: flag(&["settings", "processors", "features", "limit"]),
            compatible_for_old_systems: flag(&["settings", "processors", "limit_cpuid"]),
        }))
    }

    fn memory(&self) -> Result<Option<Memory>, HypervXmlError> {
        let at = |name| self.number(&["settings", "memory", "bank", name]);
        let bytes = |mib: Option<u64>| mib.and_then(|mib| mib.checked_mul(1 << 20));
        let Some(startup_bytes) = bytes(at("size")?) else {
            return Ok(None);
        };
        let percent = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
        let dynamic = self.text(&["settings", "memory", "bank", "dynamic_memory_enabled"]);
        Ok(Some(Memory {
            startup_bytes,
            dynamic: dynamic == Some("True"),
            minimum_bytes: bytes(at("reservation")?),
            maximum_bytes: bytes(at("limit")?),
            buffer_percent: percent(at("target_memory_buffer")?),
            // From 0 to 10,000 here.
            priority: percent(at("priority")?.map(|priority| priority / 100)),
        }))
    }

    fn firmware(&self, disks: &[HardDiskDrive]) -> Firmware {
        let on = self.text(&[BIOS, "secure_boot_enabled"]) == Some("True");
        let source = |disk: &HardDiskDrive| BootSource {
            kind: crate::hyperv_inventory::BootSourceType::Drive,
            controller_number: Some(disk.controller_number),
            controller_location: Some(disk.controller_location),
            network_adapter: None,
        };
        Firmware {
            secure_boot: if on { OnOff::On } else { OnOff::Off },
            // 2012 R2 has no other.
            secure_boot_template: on.then(|| "MicrosoftWindows".to_owned()),
            boot_order: disks.iter().map(source).collect(),
        }
    }

    fn startup_order(&self) -> Vec<BootDevice> {
        let order = self
            .root
            .at(&[BIOS, "boot"])
            .map(|boot| boot.children.as_slice());
        let kind = |device: &Element| match device.text()? {
            "Optical" => Some(BootDevice::CD),
            "HardDrive" => Some(BootDevice::IDE),
            "Network" => Some(BootDevice::LegacyNetworkAdapter),
            "Floppy" => Some(BootDevice::Floppy),
            _ => None,
        };
        order.unwrap_or_default().iter().filter_map(kind).collect()
    }

    /// IDE by channel; SCSI by controller, in the manifest's order.
    fn drives(&self) -> Result<(Vec<HardDiskDrive>, Vec<DvdDrive>), HypervXmlError> {
        let mut found = (Vec::new(), Vec::new());
        let ide = self.root.child(IDE).into_iter();
        let ide = ide.flat_map(|ide| numbered(ide, "controller"));
        for (number, controller) in ide {
            drives(ControllerType::IDE, number, controller, &mut found);
        }
        let scsi = self.devices.iter().filter(|device| device.kind == SCSI);
        for (number, device) in (0_u32..).zip(scsi) {
            // An instance is one controller; its settings are below `controller0`.
            let controllers = device
                .settings
                .into_iter()
                .flat_map(|own| numbered(own, "controller"));
            for (_, controller) in controllers {
                drives(ControllerType::SCSI, number, controller, &mut found);
            }
        }
        Ok(found)
    }

    fn cards(&self) -> Result<Vec<NetworkAdapter>, HypervXmlError> {
        let is_card = |device: &&Device<'_>| {
            device.kind == ETHERNET || device.name.contains("Emulated Ethernet")
        };
        let mut cards = Vec::new();
        for device in self.devices.iter().filter(is_card) {
            let Some(own) = device.settings else { continue };
            let connected = own.text_at(&["IsConnected"]) != Some("False");
            let switch = own.text_at(&["Connection", "AltSwitchName"]);
            let address = own.text_at(&["MacAddress"]).map(str::parse).transpose()?;
            cards.push(NetworkAdapter {
                name: own
                    .text_at(&["FriendlyName"])
                    .unwrap_or_default()
                    .to_owned(),
                legacy: device.kind != ETHERNET,
                mac: address,
                dynamic_mac: own.text_at(&["MacAddressIsStatic"]) != Some("True"),
                switch: switch.filter(|_| connected).map(str::to_owned),
                vlan: None,
                mac_spoofing: None,
                dhcp_guard: None,
                router_guard: None,
            });
        }
        Ok(cards)
    }

    fn com_ports(&self) -> Vec<ComPort> {
        let ports = self.root.child(SERIAL).into_iter();
        let ports = ports.flat_map(|serial| numbered(serial, "port"));
        let port = |(number, port): (u32, &Element)| ComPort {
            number: number.saturating_add(1),
            path: port.text_at(&["connection"]).map(str::to_owned),
        };
        ports.map(port).collect()
    }

    fn services(&self) -> Vec<Service> {
        let service = |device: &Device<'_>| {
            let id: Uuid = device.kind.parse().ok()?;
            service_of(id)?;
            let enabled = device.settings.and_then(|own| own.text_at(&["Enabled"]));
            Some(Service {
                id,
                enabled: enabled != Some("False"),
            })
        };
        self.devices.iter().filter_map(service).collect()
    }
}

/// Elements that are a word and a number: `controller0`.
fn numbered<'x>(element: &'x Element, word: &'x str) -> impl Iterator<Item = (u32, &'x Element)> {
    let children = element.children.iter();
    children.filter_map(move |child| Some((child.name.strip_prefix(word)?.parse().ok()?, child)))
}

fn drives(
    controller_type: ControllerType,
    controller_number: u32,
    controller: &Element,
    found: &mut (Vec<HardDiskDrive>, Vec<DvdDrive>),
) {
    for (controller_location, drive) in numbered(controller, "drive") {
        let path = drive.text_at(&["pathname"]).map(str::to_owned);
        match drive.text_at(&["type"]) {
            Some("VHD") => found.0.push(HardDiskDrive {
                controller_type,
                controller_number,
                controller_location,
                path,
                disk_number: None,
                shared: drive.text_at(&["persistent_reservations_supported"]) == Some("True"),
                size_bytes: None,
                logical_sector_bytes: None,
                physical_sector_bytes: None,
                vhd_type: None,
                parent_path: None,
            }),
            // A disk of the host's: its path is that of a device.
            Some("PHYSICAL" | "Physical") => found.0.push(HardDiskDrive {
                controller_type,
                controller_number,
                controller_location,
                path: None,
                disk_number: None,
                shared: false,
                size_bytes: None,
                logical_sector_bytes: None,
                physical_sector_bytes: None,
                vhd_type: None,
                parent_path: None,
            }),
            Some("ISO") => found.1.push(DvdDrive {
                controller_type,
                controller_number,
                controller_location,
                path,
            }),
            Some(_) | None => {}
        }
    }
}
