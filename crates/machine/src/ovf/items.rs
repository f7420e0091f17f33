//! Devices of an envelope.

use crate::xml::Element;

use super::{OvfError, units};

/// A device: an `Item`, `StorageItem` or `EthernetPortItem`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number, which others name as their parent.
    pub instance: String,
    /// What it is.
    pub resource: Resource,
    /// Which make of it: `lsilogic`, `AHCI`, `E1000`.
    pub subtype: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// How many of its units there are.
    pub quantity: Option<u64>,
    /// What one unit is in bytes, where it counts bytes.
    pub unit_bytes: Option<u64>,
    /// Of controllers: which of its kind. Of adapters: the hardware address.
    pub address: Option<String>,
    /// Its place at its parent.
    pub address_on_parent: Option<u64>,
    /// The device that it is attached to.
    pub parent: Option<String>,
    /// Disks and files that it holds: `ovf:/disk/vmdisk1`.
    pub host_resource: Option<String>,
    /// The network that it is connected to.
    pub connection: Option<String>,
    /// Whether the machine cannot do without it; it can where the envelope says so.
    pub required: bool,
    /// Configurations that it is for; for all of them if empty.
    pub configurations: Vec<String>,
    /// Of processors, in VMware's words: cores of a socket.
    pub cores_per_socket: Option<u64>,
}

/// What a device is: `ResourceType` of CIM_ResourceAllocationSettingData.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// 3.
    Processor,
    /// 4.
    Memory,
    /// 5.
    IdeController,
    /// 6.
    ScsiController,
    /// 10.
    Ethernet,
    /// 14.
    Floppy,
    /// 15 or 16.
    Optical,
    /// 17.
    Disk,
    /// 20, which writers use for SATA and NVMe.
    StorageController,
    /// 21.
    Serial,
    /// 22.
    Parallel,
    /// 23.
    Usb,
    /// 24.
    Graphics,
    /// 35.
    Sound,
    /// Anything else.
    Other(u16),
}

impl Resource {
    fn of(number: u16) -> Self {
        match number {
            3 => Self::Processor,
            4 => Self::Memory,
            5 => Self::IdeController,
            6 => Self::ScsiController,
            10 => Self::Ethernet,
            14 => Self::Floppy,
            15 | 16 => Self::Optical,
            17 => Self::Disk,
            20 => Self::StorageController,
            21 => Self::Serial,
            22 => Self::Parallel,
            23 => Self::Usb,
            24 => Self::Graphics,
            35 => Self::Sound,
            other => Self::Other(other),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Memory => "memory",
            Self::IdeController => "IDE controller",
            Self::ScsiController => "SCSI controller",
            Self::Ethernet => "network adapter",
            Self::Floppy => "floppy drive",
            Self::Optical => "optical drive",
            Self::Disk => "disk",
            Self::StorageController => "storage controller",
            Self::Serial => "serial port",
            Self::Parallel => "parallel port",
            Self::Usb => "USB controller",
            Self::Graphics => "graphics adapter",
            Self::Sound => "sound device",
            Self::Other(_) => "device of another kind",
        }
    }
}

/// Reads a device; `None` for the ends of a range, which are not what the machine gets.
pub(super) fn read(element: &Element) -> Result<Option<Item>, OvfError> {
    // DSP0243, 8.4: `normal` is the value between `min` and `max`.
    if matches!(element.attribute("bound"), Some("min" | "max")) {
        return Ok(None);
    }
    let text = |name: &str| element.text_at(&[name]).map(str::to_owned);
    let instance = text("InstanceID").ok_or_else(|| missing("InstanceID", "an item"))?;
    let kind = text("ResourceType").ok_or_else(|| missing("ResourceType", &instance))?;
    let number = |name: &str| number(element, name, &instance);
    let config = |key: &str| config(element, key);
    let unit = text("AllocationUnits");
    Ok(Some(Item {
        resource: kind
            .parse()
            .map(Resource::of)
            .map_err(|_| OvfError::Invalid {
                rule: format!("ResourceType of item {instance} is {kind:?}, not a number"),
            })?,
        subtype: text("ResourceSubType"),
        name: text("ElementName").or_else(|| text("Caption")),
        quantity: number("VirtualQuantity")?,
        unit_bytes: unit.as_deref().and_then(units::bytes),
        address: text("Address"),
        // Places that are words are the writer's own.
        address_on_parent: number("AddressOnParent").ok().flatten(),
        parent: text("Parent"),
        host_resource: text("HostResource"),
        connection: text("Connection"),
        required: element.attribute("required") != Some("false"),
        configurations: words(element.attribute("configuration")),
        cores_per_socket: number("CoresPerSocket")
            .ok()
            .flatten()
            .or_else(|| config("coresPerSocket")?.parse().ok()),
        instance,
    }))
}

/// A value that VMware adds to an element.
pub(super) fn config<'e>(element: &'e Element, key: &str) -> Option<&'e str> {
    let all = element.all("Config").chain(element.all("ExtraConfig"));
    let found = all
        .filter(|config| config.attribute("key") == Some(key))
        .last();
    found.and_then(|config| config.attribute("value"))
}

pub(super) fn words(text: Option<&str>) -> Vec<String> {
    let words = text.unwrap_or_default().split_whitespace();
    words.map(str::to_owned).collect()
}

fn number(element: &Element, name: &str, instance: &str) -> Result<Option<u64>, OvfError> {
    let Some(text) = element.text_at(&[name]) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| OvfError::Invalid {
        rule: format!("{name} of item {instance} is {text:?}, not a number"),
    })
}

pub(super) fn missing(what: &str, of: &str) -> OvfError {
    OvfError::Invalid {
        rule: format!("{of} has no {what}"),
    }
}
