//! The envelope: sections of a package's description.

use crate::xml::{self, Element};

use super::items::{self, config, missing, words};
use super::{
    Configuration, DiskDescription, Envelope, FileReference, Firmware, OvfError, VirtualSystem,
    units,
};

/// The namespace of the standard, before the number of its version.
const NAMESPACE: &str = "http://schemas.dmtf.org/ovf/envelope/";
/// Collections within collections.
const MAX_COLLECTIONS: usize = 8;
/// Sections that are read, or say nothing that a machine consists of.
const KNOWN: [&str; 12] = [
    "References",
    "DiskSection",
    "NetworkSection",
    "DeploymentOptionSection",
    "VirtualSystem",
    "VirtualSystemCollection",
    "Strings",
    "AnnotationSection",
    "EulaSection",
    "ProductSection",
    "OperatingSystemSection",
    "VirtualHardwareSection",
];

/// Reads an envelope.
///
/// # Errors
/// [`OvfError`].
pub fn parse(bytes: &[u8]) -> Result<Envelope, OvfError> {
    let root = xml::parse(bytes)?;
    let version = root.namespace.strip_prefix(NAMESPACE);
    let version = version.map(|version| version.trim_end_matches('/'));
    if root.name != "Envelope" || !matches!(version, Some("1" | "2")) {
        let (name, namespace) = (root.name, root.namespace);
        return Err(OvfError::NotEnvelope { name, namespace });
    }
    let mut systems = Vec::new();
    find_systems(&root, &mut systems, MAX_COLLECTIONS)?;
    let mut configurations = configurations(&root);
    configurations.sort_by_key(|configuration| !configuration.default);
    Ok(Envelope {
        files: all(&root, "References", "File", file)?,
        disks: all(&root, "DiskSection", "Disk", disk)?,
        networks: all(&root, "NetworkSection", "Network", network)?,
        configurations,
        systems,
        not_read: not_read(&root),
    })
}

/// What each element of a section is.
fn all<T>(
    root: &Element,
    section: &str,
    name: &str,
    read: fn(&Element) -> Result<T, OvfError>,
) -> Result<Vec<T>, OvfError> {
    let section = root.child(section);
    let elements = section.into_iter().flat_map(|section| section.all(name));
    elements.map(read).collect()
}

fn file(element: &Element) -> Result<FileReference, OvfError> {
    let text = |name: &str| element.attribute(name).map(str::to_owned);
    let id = text("id").ok_or_else(|| missing("id", "a file"))?;
    Ok(FileReference {
        href: text("href").ok_or_else(|| missing("href", &id))?,
        size_bytes: count(element, "size", &id)?,
        compression: text("compression").filter(|kind| !matches!(kind.as_str(), "" | "identity")),
        chunk_bytes: count(element, "chunkSize", &id)?,
        id,
    })
}

fn disk(element: &Element) -> Result<DiskDescription, OvfError> {
    let text = |name: &str| element.attribute(name).map(str::to_owned);
    let id = text("diskId").ok_or_else(|| missing("diskId", "a disk"))?;
    let unit = element
        .attribute("capacityAllocationUnits")
        .unwrap_or("byte");
    let unit = units::bytes(unit).ok_or_else(|| OvfError::Invalid {
        rule: format!("the capacity of disk {id} is in {unit:?}, which are no bytes"),
    })?;
    let capacity = match count(element, "capacity", &id) {
        Ok(capacity) => capacity.and_then(|capacity| capacity.checked_mul(unit)),
        // A property of the package: `${size}`. The file says it too.
        Err(_)
            if element
                .attribute("capacity")
                .is_some_and(|c| c.starts_with("${")) =>
        {
            None
        }
        Err(error) => return Err(error),
    };
    Ok(DiskDescription {
        file: text("fileRef").filter(|file| !file.is_empty()),
        capacity_bytes: capacity,
        format: text("format"),
        parent: text("parentRef"),
        id,
    })
}

fn count(element: &Element, name: &str, of: &str) -> Result<Option<u64>, OvfError> {
    let Some(text) = element.attribute(name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| OvfError::Invalid {
        rule: format!("{name} of {of} is {text:?}, not a number"),
    })
}

fn network(element: &Element) -> Result<String, OvfError> {
    let name = element.attribute("name");
    name.map(str::to_owned)
        .ok_or_else(|| missing("name", "a network"))
}

fn configurations(root: &Element) -> Vec<Configuration> {
    let section = root.child("DeploymentOptionSection");
    let elements = section
        .into_iter()
        .flat_map(|section| section.all("Configuration"));
    let read = elements.filter_map(|element| {
        Some(Configuration {
            id: element.attribute("id")?.to_owned(),
            label: element.text_at(&["Label"]).unwrap_or_default().to_owned(),
            default: element.attribute("default") == Some("true"),
        })
    });
    read.collect()
}

/// Machines, wherever collections hold them.
fn find_systems(
    element: &Element,
    systems: &mut Vec<VirtualSystem>,
    depth: usize,
) -> Result<(), OvfError> {
    for child in &element.children {
        match (child.name.as_str(), depth.checked_sub(1)) {
            ("VirtualSystem", _) => systems.push(system(child)?),
            ("VirtualSystemCollection", Some(depth)) => find_systems(child, systems, depth)?,
            ("VirtualSystemCollection", None) => {
                let what = "collections deeper than any that is written".to_owned();
                return Err(OvfError::Unsupported { what });
            }
            _ => {}
        }
    }
    Ok(())
}

fn system(element: &Element) -> Result<VirtualSystem, OvfError> {
    let id = element
        .attribute("id")
        .ok_or_else(|| missing("id", "a machine"))?;
    let os = element.child("OperatingSystemSection");
    let hardware = element.child("VirtualHardwareSection");
    let family = hardware.and_then(|hw| hw.text_at(&["System", "VirtualSystemType"]));
    let mut items = Vec::new();
    for child in hardware.into_iter().flat_map(|hardware| &hardware.children) {
        if matches!(
            child.name.as_str(),
            "Item" | "StorageItem" | "EthernetPortItem"
        ) {
            items.extend(items::read(child)?);
        }
    }
    let extra = |key: &str| hardware.and_then(|hardware| config(hardware, key));
    let text = |path: &[&str]| element.text_at(path).map(str::to_owned);
    Ok(VirtualSystem {
        id: id.to_owned(),
        name: text(&["Name"]),
        operating_system: text(&["OperatingSystemSection", "Description"]),
        operating_system_type: os
            .and_then(|os| os.attribute("osType").or_else(|| os.text_at(&["OSType"])))
            .map(str::to_owned),
        families: words(family),
        firmware: firmware(element, extra("firmware")),
        secure_boot: extra("bootOptions.efiSecureBootEnabled")
            .or_else(|| extra("uefi.secureBoot.enabled"))
            .map(|value| value.eq_ignore_ascii_case("true")),
        annotation: text(&["AnnotationSection", "Annotation"]),
        tpm: has_tpm(element, &items),
        items,
    })
}

/// The firmware in the words of VMware, or of VirtualBox.
fn firmware(system: &Element, vmware: Option<&str>) -> Option<Firmware> {
    let vbox = system.at(&["Machine", "Hardware", "Firmware"]);
    let vbox = vbox.and_then(|firmware| firmware.attribute("type"));
    match (vmware, vbox) {
        (Some(kind), _) if kind.eq_ignore_ascii_case("efi") => Some(Firmware::Uefi),
        (Some(kind), _) if kind.eq_ignore_ascii_case("bios") => Some(Firmware::Bios),
        (_, Some(kind)) if kind.to_ascii_uppercase().starts_with("EFI") => Some(Firmware::Uefi),
        (_, Some(kind)) if kind.eq_ignore_ascii_case("BIOS") => Some(Firmware::Bios),
        _ => None,
    }
}

/// VMware's device of type 1 and subtype `vmware.vtpm`; VirtualBox's element.
fn has_tpm(system: &Element, items: &[items::Item]) -> bool {
    let is_tpm = |item: &items::Item| item.subtype.as_deref() == Some("vmware.vtpm");
    let vbox = system.at(&["Machine", "Hardware", "TrustedPlatformModule"]);
    let vbox = vbox.and_then(|tpm| tpm.attribute("type"));
    items.iter().any(is_tpm) || vbox.is_some_and(|kind| kind != "None")
}

/// Sections that must be understood and are none of ours.
fn not_read(root: &Element) -> Vec<String> {
    let mut found = Vec::new();
    let systems = root.all("VirtualSystem");
    for element in root
        .children
        .iter()
        .chain(systems.flat_map(|system| &system.children))
    {
        // DSP0243, 7.7: without the attribute a section is required.
        let required = element.attribute("required") != Some("false");
        let section = element.name.ends_with("Section");
        if required && section && !KNOWN.contains(&element.name.as_str()) {
            found.push(element.name.clone());
        }
    }
    found.dedup();
    found
}
