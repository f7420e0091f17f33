//! The definition in the words of the other side.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_block::BlockRead as _;
use detente_machine::hyperv_inventory::VirtualMachine;
use detente_machine::kit::{self, Kit, KitFile, Switches};
use detente_machine::kubevirt::to_kubevirt;
use detente_machine::kvm::{DeviceChoice, KvmOptions, NetworkMap};
use detente_machine::libvirt::to_libvirt;
use detente_machine::qemu_definition::to_qemu_command;
use detente_machine::spec::{NetworkKind, NetworkRef};
use detente_machine::{Losses, MachineSpec};
use sha2::{Digest as _, Sha256};

use super::document::Made;
use super::{Devices, Platform, Wanted};
use crate::INTERRUPTED;
use crate::disks;
use crate::failure::Failure;

/// How much is read at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// A definition, before its disks are there.
pub(super) enum Definition {
    /// Files as they are.
    Plain {
        files: Vec<(String, Vec<u8>)>,
        losses: Losses,
    },
    /// A kit, which wants the digests of its disks.
    Kit {
        machine: Box<VirtualMachine>,
        losses: Losses,
    },
}

impl Definition {
    pub(super) fn losses(&self) -> &Losses {
        match self {
            Self::Plain { losses, .. } | Self::Kit { losses, .. } => losses,
        }
    }

    /// The files, with what the disks turned out to be.
    pub(super) fn files(&self, disks: &[Made]) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Plain { files, .. } => files.clone(),
            Self::Kit { machine, .. } => {
                let files = disks.iter().map(|disk| KitFile {
                    name: disk.file.clone(),
                    length_bytes: disk.file_size_bytes,
                    sha256: disk.sha256.clone().unwrap_or_default(),
                });
                let made_by = concat!("detente ", env!("CARGO_PKG_VERSION"));
                let kit = Kit::new(made_by, (**machine).clone(), files.collect());
                vec![
                    (kit::KIT_FILE.to_owned(), kit.to_json().into_bytes()),
                    (kit::SCRIPT_FILE.to_owned(), kit::SCRIPT.as_bytes().to_vec()),
                    (kit::README_FILE.to_owned(), kit::README.as_bytes().to_vec()),
                ]
            }
        }
    }
}

/// Makes it.
pub(super) fn definition(wanted: &Wanted, spec: &MachineSpec) -> Result<Definition, Failure> {
    match wanted.to {
        Platform::Kit => {
            let (machine, losses) =
                kit::definition(spec, &switches(wanted, spec)).map_err(cannot)?;
            let machine = Box::new(machine);
            Ok(Definition::Kit { machine, losses })
        }
        Platform::Libvirt => {
            let (xml, losses) = to_libvirt(spec, &options(wanted)).map_err(cannot)?;
            let files = vec![("domain.xml".to_owned(), xml.into_bytes())];
            Ok(Definition::Plain { files, losses })
        }
        Platform::Qemu => {
            let (script, losses) = to_qemu_command(spec, &options(wanted)).map_err(cannot)?;
            let files = vec![("start.sh".to_owned(), script.into_bytes())];
            Ok(Definition::Plain { files, losses })
        }
        Platform::Kubevirt => {
            let (manifest, losses) = to_kubevirt(spec, &options(wanted)).map_err(cannot)?;
            let files = vec![("virtualmachine.yaml".to_owned(), manifest.into_bytes())];
            Ok(Definition::Plain { files, losses })
        }
    }
}

fn cannot(error: impl Into<anyhow::Error>) -> Failure {
    Failure::cannot_tell(error, None)
}

fn options(wanted: &Wanted) -> KvmOptions {
    let mut networks = NetworkMap::default();
    for (from, to) in &wanted.networks {
        networks.insert(from, network(to));
    }
    KvmOptions {
        devices: match wanted.devices {
            Devices::AsDefined => DeviceChoice::AsDefined,
            Devices::Virtio => DeviceChoice::Virtio,
            Devices::Plain => DeviceChoice::Plain,
        },
        networks,
        ..KvmOptions::default()
    }
}

/// `bridge:br0`, or a network of libvirt's.
fn network(name: &str) -> NetworkRef {
    let (kind, name) = match name.split_once(':') {
        Some(("bridge", name)) => (NetworkKind::Bridge, name),
        Some(("network", name)) => (NetworkKind::Network, name),
        Some(("attachment", name)) => (NetworkKind::Attachment, name),
        Some(_) | None => (NetworkKind::Network, name),
    };
    NetworkRef {
        kind,
        name: name.to_owned(),
    }
}

/// Every network of the machine that was mapped; `*` is every other.
fn switches(wanted: &Wanted, spec: &MachineSpec) -> Switches {
    let mut switches: BTreeMap<String, String> = wanted.networks.iter().cloned().collect();
    if let Some(others) = switches.remove("*") {
        let names = spec.nics.iter().filter_map(|nic| nic.network.as_ref());
        for network in names {
            switches
                .entry(network.name.clone())
                .or_insert_with(|| others.clone());
        }
    }
    Switches(switches)
}

/// The digest of a file that was just written.
pub(super) fn digest(path: &Path, cancel: &AtomicBool) -> Result<String, Failure> {
    let file = disks::open_file(path)?;
    let mut digest = Sha256::new();
    let mut piece = Vec::new();
    let mut at = 0;
    while at < file.len_bytes() {
        if cancel.load(Ordering::Relaxed) {
            return Err(Failure {
                error: anyhow::Error::msg("interrupted"),
                hint: None,
                code: INTERRUPTED,
            });
        }
        let len = PIECE_BYTES.min(file.len_bytes() - at);
        piece.resize(usize::try_from(len).unwrap_or_default(), 0);
        file.read_exact_at(at, &mut piece).map_err(cannot)?;
        digest.update(&piece);
        at += len;
    }
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
