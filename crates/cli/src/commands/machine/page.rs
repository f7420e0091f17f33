//! A definition as a page for people.

use detente_machine::spec::{
    Disk, DiskSource, Firmware, GenerationId, MacAddress, MachineSpec, MemoryRange, Nic,
    ProcessorModel, SecureBoot, SerialBackend, Vlan,
};
use serde::Serialize;

use super::source::Definition;
use crate::page::{Page, size};

/// The page.
pub(super) fn text(definition: &Definition) -> String {
    let spec = &definition.spec;
    let mut page = Page::default();
    page.heading(&spec.name);
    page.line("read as", definition.kind);
    basics(&mut page, spec);
    devices(&mut page, spec);
    if let Some(notes) = &spec.notes {
        page.heading("Notes");
        for line in notes.lines() {
            page.item("", line);
        }
    }
    page.heading(if definition.losses.is_empty() {
        "Every word of it is understood"
    } else {
        "Not understood, or not to be moved"
    });
    for loss in definition.losses.iter() {
        page.item("-", &loss.to_string());
    }
    page.finish()
}

fn basics(page: &mut Page, spec: &MachineSpec) {
    if let Some(uuid) = spec.identity.uuid {
        page.line("uuid", &uuid.to_string());
    }
    match spec.identity.generation_id {
        GenerationId::Absent => {}
        GenerationId::HostMade => page.line("generation id", "made by the host"),
        GenerationId::Fixed(id) => page.line("generation id", &id.to_string()),
    }
    if let Some(id) = &spec.guest.os_id {
        page.line("guest", id);
    }
    page.line("processors", &processors(spec));
    page.line("memory", &memory(spec));
    page.line("firmware", &firmware(&spec.firmware));
    if let Some(tpm) = &spec.tpm {
        let version = word(&tpm.version);
        page.line("tpm", &format!("{version}, {}", word(&tpm.interface)));
    }
    if spec.checkpoints.existing > 0 {
        page.line("checkpoints", &spec.checkpoints.existing.to_string());
    }
    let services: Vec<String> = spec.integration.iter().map(word).collect();
    if !services.is_empty() {
        page.line("integration", &services.join(", "));
    }
}

fn devices(page: &mut Page, spec: &MachineSpec) {
    if !spec.disks.is_empty() {
        page.heading("Disks");
        page.table(&spec.disks.iter().map(disk).collect::<Vec<_>>());
    }
    if !spec.nics.is_empty() {
        page.heading("Network cards");
        page.table(&spec.nics.iter().map(card).collect::<Vec<_>>());
    }
    if !spec.serial_ports.is_empty() {
        page.heading("Serial ports");
    }
    for port in &spec.serial_ports {
        let place = match &port.backend {
            SerialBackend::Pty => "pseudo terminal".to_owned(),
            SerialBackend::Null => "nowhere".to_owned(),
            SerialBackend::UnixSocket { path } => {
                format!(
                    "socket {}",
                    path.as_deref().unwrap_or("of the host's choice")
                )
            }
            SerialBackend::NamedPipe { path } | SerialBackend::File { path } => path.clone(),
            SerialBackend::Other { name } => name.clone(),
        };
        page.line(&format!("COM{}", port.port + 1), &place);
    }
    if !spec.passthrough.is_empty() {
        page.heading("Devices of the host");
    }
    for own in &spec.passthrough {
        page.item("-", &format!("{}: {}", word(&own.kind), own.name));
    }
}

fn processors(spec: &MachineSpec) -> String {
    let own = &spec.processors;
    let mut text = own.count.to_string();
    if let Some(topology) = own.topology {
        text.push_str(&format!(
            " ({} sockets, {} dies, {} cores, {} threads)",
            topology.sockets, topology.dies, topology.cores, topology.threads
        ));
    }
    match &own.model {
        ProcessorModel::PlatformDefault => {}
        ProcessorModel::Named(name) => text.push_str(&format!(", {name}")),
        ProcessorModel::HostPassthrough => text.push_str(", as the host's"),
        ProcessorModel::HostModel => text.push_str(", like the host's"),
        ProcessorModel::Maximum => text.push_str(", the most there is"),
        ProcessorModel::Migratable => text.push_str(", fit to move"),
    }
    if own.nested {
        text.push_str(", nested");
    }
    if !spec.numa.is_empty() {
        text.push_str(&format!(", {} NUMA nodes", spec.numa.len()));
    }
    text
}

fn memory(spec: &MachineSpec) -> String {
    let startup = size(spec.memory.startup_bytes);
    match spec.memory.range {
        MemoryRange::Fixed => startup,
        MemoryRange::Balloon { maximum_bytes } => {
            format!("{startup}, up to {} by a balloon", size(maximum_bytes))
        }
        MemoryRange::Dynamic(own) => format!(
            "{startup}, dynamic from {} to {}",
            size(own.minimum_bytes),
            size(own.maximum_bytes)
        ),
    }
}

fn firmware(firmware: &Firmware) -> String {
    match firmware {
        Firmware::Bios => "BIOS".to_owned(),
        Firmware::Uefi { secure_boot } => match secure_boot {
            SecureBoot::Off => "UEFI".to_owned(),
            SecureBoot::On { keys } => format!("UEFI, Secure Boot ({})", word(keys)),
        },
    }
}

fn disk(own: &Disk) -> Vec<String> {
    let place = match own.slot {
        Some(slot) => format!("{} {}:{}", word(&own.bus), slot.controller, slot.location),
        None => word(&own.bus),
    };
    let source = match &own.source {
        None => "empty".to_owned(),
        Some(DiskSource::File { path, format } | DiskSource::Block { path, format }) => {
            format!("{path} ({})", format.qemu_name())
        }
        Some(DiskSource::Volume { pool, volume, .. }) => format!("{pool}/{volume}"),
        Some(DiskSource::Claim { name }) => format!("claim {name}"),
        Some(DiskSource::Network { protocol, name, .. }) => format!("{protocol}:{name}"),
        Some(DiskSource::HostDisk { name }) => format!("disk {name} of the host"),
    };
    let boot = own.boot_order.map(|order| format!("boot {order}"));
    vec![word(&own.device), place, boot.unwrap_or_default(), source]
}

fn card(own: &Nic) -> Vec<String> {
    let network = match &own.network {
        None => "not connected".to_owned(),
        Some(network) => format!("{} {}", word(&network.kind), network.name),
    };
    let vlan = match &own.vlan {
        Vlan::Untagged => String::new(),
        Vlan::Access { id } => format!("VLAN {id}"),
        Vlan::Trunk { allowed, .. } => format!("trunk of {} VLANs", allowed.len()),
    };
    let mac = own.mac.as_ref().map(MacAddress::to_string);
    vec![
        kind(&own.model),
        mac.unwrap_or_else(|| "address by the host".to_owned()),
        network,
        vlan,
    ]
}

/// The word of a value in the document, for people.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().replace('_', " ")
}

/// The word of a value that has a kind.
fn kind(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    let own = value.get("name").or(value.get("kind"));
    own.and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
