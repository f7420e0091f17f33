//! A definition, whatever it is written in.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use detente_block::BlockRead as _;
use detente_machine::hyperv_inventory::Inventory;
use detente_machine::kit;
use detente_machine::libvirt::from_libvirt;
use detente_machine::ovf::{self, Archive};
use detente_machine::{Losses, MachineSpec, hyperv_xml, vmcx};

use super::Which;
use crate::disks;
use crate::failure::Failure;

/// A longer definition is none.
const MAX_BYTES: u64 = 64 << 20;

const HINT: &str = "definitions are libvirt's XML (`virsh dumpxml NAME`), machine.json, a kit, an \
                    inventory of Hyper-V's, or OVF; of a disk `detente inspect` tells";

/// A definition that was read.
pub(super) struct Definition {
    pub(super) spec: MachineSpec,
    pub(super) losses: Losses,
    pub(super) kind: &'static str,
}

/// Reads a definition.
pub(super) fn read(path: &Path, which: &Which) -> Result<Definition, Failure> {
    if path.is_dir() {
        return folder(path, which);
    }
    let file = File::open(path).map_err(|error| unread(path, error))?;
    let is_file = file.metadata().is_ok_and(|meta| meta.is_file());
    if !is_file {
        return Err(unknown(path, "it is no file"));
    }
    let mut head = Vec::new();
    let limit = u64::try_from(vmcx::HEAD_BYTES).unwrap_or(u64::MAX).max(512);
    let mut reader = &file;
    let taken = reader.by_ref().take(limit).read_to_end(&mut head);
    taken.map_err(|error| unread(path, error))?;
    if vmcx::is_vmcx(&head) {
        return Err(own_file(path));
    }
    if head.get(257..262) == Some(b"ustar") {
        return archive(path, which);
    }
    let blank = |byte: &&u8| {
        !byte.is_ascii_whitespace() && !matches!(**byte, 0xef | 0xbb | 0xbf | 0xff | 0xfe | 0)
    };
    let first = head.iter().find(blank);
    if !matches!(first, Some(b'<' | b'{')) {
        return Err(unknown(path, "it is neither XML nor JSON"));
    }
    let mut bytes = head.clone();
    let rest = reader.take(MAX_BYTES).read_to_end(&mut bytes);
    rest.map_err(|error| unread(path, error))?;
    if first == Some(&b'{') {
        json(path, &bytes, which)
    } else {
        xml(path, &bytes, which)
    }
}

/// A kit, or what Hyper-V exported with the inventory that our script writes.
fn folder(path: &Path, which: &Which) -> Result<Definition, Failure> {
    for name in [kit::MACHINE_FILE, "inventory.json", "domain.xml"] {
        let inner = path.join(name);
        if inner.is_file() {
            let mut definition = read(&inner, which)?;
            if path.join(kit::KIT_FILE).is_file() {
                definition.kind = "kit";
            }
            return Ok(definition);
        }
    }
    Err(unknown(
        path,
        "the folder has neither machine.json nor inventory.json nor domain.xml",
    ))
}

fn json(path: &Path, bytes: &[u8], which: &Which) -> Result<Definition, Failure> {
    let head = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes)).replace('\0', "");
    if head.contains("detente/hyperv-kit/") {
        let machine = path.with_file_name(kit::MACHINE_FILE);
        return read(&machine, which);
    }
    if head.contains("detente/hyperv-inventory/") {
        let inventory = Inventory::from_json(bytes).map_err(|error| unread(path, error))?;
        let machine = inventory.machine(which.machine.as_deref());
        let machine = machine.map_err(|error| {
            let hint = "say which with --machine NAME or --machine ID";
            Failure::usage(error.to_string(), hint)
        })?;
        let (spec, losses) = machine.to_spec().map_err(|error| unread(path, error))?;
        return Ok(Definition {
            spec,
            losses,
            kind: "hyperv",
        });
    }
    let spec = MachineSpec::from_json(bytes).map_err(|error| unread(path, error))?;
    Ok(Definition {
        spec,
        losses: Losses::new(),
        kind: "machine",
    })
}

fn xml(path: &Path, bytes: &[u8], which: &Which) -> Result<Definition, Failure> {
    let ((spec, losses), kind) = if hyperv_xml::is_configuration(bytes) {
        let machine = hyperv_xml::parse(bytes).map_err(|error| unread(path, error))?;
        (
            machine.to_spec().map_err(|error| unread(path, error))?,
            "hyperv",
        )
    } else if String::from_utf8_lossy(bytes).contains("dmtf.org/ovf/envelope") {
        (envelope(path, bytes, which)?, "ovf")
    } else {
        let read = from_libvirt(bytes).map_err(|error| unread(path, error))?;
        (read, "libvirt")
    };
    Ok(Definition { spec, losses, kind })
}

fn envelope(path: &Path, bytes: &[u8], which: &Which) -> Result<(MachineSpec, Losses), Failure> {
    let envelope = ovf::parse(bytes).map_err(|error| unread(path, error))?;
    let system = envelope.system(which.machine.as_deref()).map_err(|error| {
        let hint = "say which with --machine ID";
        Failure::usage(error.to_string(), hint)
    })?;
    let configuration = which.configuration.as_deref();
    let read = envelope.to_spec(system, configuration);
    let (spec, losses) = read.map_err(|error| unread(path, error))?;
    spec.validate().map_err(|error| unread(path, error))?;
    Ok((spec, losses))
}

/// The envelope of an OVA.
fn archive(path: &Path, which: &Which) -> Result<Definition, Failure> {
    let file = disks::open_file(path)?;
    let archive = Archive::read(file.as_ref()).map_err(|error| unread(path, error))?;
    let mut entries = archive.entries.iter();
    let entry = entries.find(|entry| entry.name.to_ascii_lowercase().ends_with(".ovf"));
    let entry = entry
        .filter(|entry| entry.len <= MAX_BYTES)
        .ok_or_else(|| unknown(path, "the archive has no envelope (.ovf)"))?;
    let mut bytes = vec![0; usize::try_from(entry.len).unwrap_or_default()];
    let read = file.read_exact_at(entry.offset, &mut bytes);
    read.map_err(|error| unread(path, error))?;
    let (spec, losses) = envelope(path, &bytes, which)?;
    Ok(Definition {
        spec,
        losses,
        kind: "ovf",
    })
}

fn unread(path: &Path, error: impl Into<anyhow::Error>) -> Failure {
    let error = error.into().context(path.display().to_string());
    Failure::cannot_tell(error, Some(HINT.to_owned()))
}

fn unknown(path: &Path, what: &str) -> Failure {
    let error = anyhow::anyhow!("{}: no definition of a machine: {what}", path.display());
    Failure::cannot_tell(error, Some(HINT.to_owned()))
}

/// The host reads its own files; nobody else does.
fn own_file(path: &Path) -> Failure {
    let error = anyhow::anyhow!(
        "{} is Hyper-V's own file, whose format is not published",
        path.display()
    );
    let hint = "run the script that `detente convert --inventory-script` prints on the host, and \
                name the inventory.json that it writes";
    Failure::cannot_tell(error, Some(hint.to_owned()))
}
