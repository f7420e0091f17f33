//! `detente convert`: a machine, its disks and its definition, for the other world.

mod batch;
mod document;
mod guest;
mod list;
mod one;
mod prepare;
mod source;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use detente_machine::{Gate, hyperv_inventory};

use crate::args::Format;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;

/// Move a machine to the other world: its disks and its definition, in one step.
///
/// The source is a disk or several, a libvirt domain as XML, a kit, a folder that Hyper-V exported
/// (with the inventory that our script writes there), or an OVF or OVA package. The result is a new
/// folder, which is whole or not there; the source is not written. What the other side cannot do as
/// this one did is reported; where data would be lost nothing is written unless it is accepted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    detente convert web.qcow2 web-kit --to kit\n  \
    detente convert /etc/libvirt/qemu/web.xml web-kit --to kit --map-network br0=External\n  \
    detente convert web-kit web --to libvirt\n  \
    detente convert --inventory-script > Get-DetenteInventory.ps1\n  \
    detente convert --prepare web.qcow2 web-kit --to kit\n  \
    detente convert export/web web --to kubevirt --strict\n  \
    detente convert appliance.ova appliance --to qemu --disk-format raw\n  \
    detente convert --batch list.toml --jobs 4 --format json\n\n\
    Exit codes: 0 converted, 1 not converted since something would be lost (a gate, or --strict), \
    2 could not, 64 wrong usage, 130 interrupted.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// What to convert, then the new folder. Several disks of one machine: the boot disk first.
    #[arg(value_name = "SRC... DST", required_unless_present_any = ["batch", "inventory_script"])]
    paths: Vec<PathBuf>,
    /// What the result is for.
    #[arg(long, value_enum, value_name = "PLATFORM",
        required_unless_present_any = ["batch", "inventory_script"])]
    to: Option<Platform>,
    /// The name of the machine, in place of its own.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Which machine of an inventory or of a package: its name or its id.
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
    /// Which size of the machine an OVF package is to have.
    #[arg(long, value_name = "ID")]
    configuration: Option<String>,
    /// The network that takes the place of another: FROM=TO; `*` stands for every other. May be
    /// given again.
    #[arg(long = "map-network", value_name = "FROM=TO", value_parser = pair)]
    networks: Vec<(String, String)>,
    /// The format of the new disks; for Hyper-V it is always VHDX.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    disk_format: DiskKind,
    /// Which devices the guest meets on KVM.
    #[arg(long, value_enum, value_name = "DEVICES", default_value_t)]
    devices: Devices,
    /// How many processors, where the source does not say, or says another number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2048))]
    processors: Option<u32>,
    /// How much memory in MiB, where the source does not say, or says another amount.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=(240 << 20)))]
    memory: Option<u64>,
    /// Convert though this would be lost: tpm-state, checkpoints, passthrough, secure-boot-keys,
    /// shared-disk, shielded. May be given again.
    #[arg(long = "accept", value_name = "GATE")]
    accept: Vec<Gate>,
    /// Refuse to convert where anything would not be as it was.
    #[arg(long)]
    strict: bool,
    /// Prepare the guest first, so that it boots on both sides, as `detente prepare` does.
    #[arg(long)]
    prepare: bool,
    /// The virtual hardware to prepare for; without it, what `detente prepare` takes. May be given
    /// again.
    #[arg(long = "profile", value_name = "PROFILE", requires = "prepare")]
    profiles: Vec<String>,
    /// Say what would be made and lost, and make nothing.
    #[arg(long)]
    dry_run: bool,
    /// Read the new disks back and compare them with the source.
    #[arg(long)]
    verify: bool,
    /// A further folder that images and definitions may name files in.
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
    /// Convert the machines that this list names; `docs/guide/convert.md` says what is in it.
    #[arg(long, value_name = "LIST.toml", conflicts_with_all = ["paths", "to", "name", "machine",
        "configuration", "networks", "processors", "memory", "accept", "strict", "dry_run", "prepare"])]
    batch: Option<PathBuf>,
    /// How many machines are converted at a time with --batch.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "batch",
        value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// Print the script that writes an inventory on a Hyper-V host.
    #[arg(long, conflicts_with_all = ["paths", "to", "batch"])]
    inventory_script: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the result is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Platform {
    /// libvirt: a domain as XML, and its disks.
    Libvirt,
    /// QEMU by itself: a command line, and its disks.
    Qemu,
    /// KubeVirt: a manifest, and the disks that its claims want.
    Kubevirt,
    /// Hyper-V: disks, and a script that makes the machine there.
    #[value(alias = "hyperv")]
    Kit,
}

impl Platform {
    /// The name in documents.
    fn name(self) -> &'static str {
        match self {
            Self::Libvirt => "libvirt",
            Self::Qemu => "qemu",
            Self::Kubevirt => "kubevirt",
            Self::Kit => "kit",
        }
    }
}

/// The format of new disks for KVM.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DiskKind {
    /// QEMU's own.
    #[default]
    Qcow2,
    /// The guest's bytes as they are.
    Raw,
}

/// Which devices a guest meets on KVM.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Devices {
    /// Those of the source that KVM has, virtio in the place of others.
    #[default]
    AsDefined,
    /// virtio.
    Virtio,
    /// SATA and e1000e, which need no virtio driver.
    Plain,
}

/// What is to be made of what.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    sources: Vec<PathBuf>,
    destination: PathBuf,
    to: Platform,
    name: Option<String>,
    machine: Option<String>,
    configuration: Option<String>,
    networks: Vec<(String, String)>,
    disk_format: DiskKind,
    devices: Devices,
    processors: Option<u32>,
    memory_mib: Option<u64>,
    accept: Vec<Gate>,
    losses: Losing,
    effect: Effect,
    preparation: Preparation,
    /// What is prepared for.
    profiles: Vec<String>,
    verify: bool,
    allow_path: Vec<PathBuf>,
    /// What tells it from others in a batch.
    job: Option<String>,
}

/// What becomes of a conversion that loses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Losing {
    Reported,
    Refused,
}

/// Whether anything is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Made,
    OnlySaid,
}

/// Whether the guest is prepared first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preparation {
    Skipped,
    First,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    if arguments.inventory_script {
        out.bytes(hyperv_inventory::SCRIPT.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(list) = &arguments.batch {
        return batch::run(list, arguments, out);
    }
    let wanted = arguments.wanted()?;
    let cancel = interrupt::watch()?;
    let document = one::convert(&wanted, &cancel, one::Look::Shown)?;
    document.print(arguments.format, out)?;
    document.code()
}

impl Arguments {
    fn wanted(&self) -> Result<Wanted, Failure> {
        let usage = |what: &str| {
            let hint = "detente convert SRC... DST --to libvirt, qemu, kubevirt or kit";
            Failure::usage(what.to_owned(), hint)
        };
        let to = self
            .to
            .ok_or_else(|| usage("--to says what the result is for"))?;
        let (destination, sources) = match self.paths.split_last() {
            Some((last, rest)) if !rest.is_empty() => (last.clone(), rest.to_vec()),
            Some(_) | None => return Err(usage("convert takes a source and a new folder")),
        };
        Ok(Wanted {
            sources,
            destination,
            to,
            name: self.name.clone(),
            machine: self.machine.clone(),
            configuration: self.configuration.clone(),
            networks: self.networks.clone(),
            disk_format: self.disk_format,
            devices: self.devices,
            processors: self.processors,
            memory_mib: self.memory,
            accept: self.accept.clone(),
            losses: if self.strict {
                Losing::Refused
            } else {
                Losing::Reported
            },
            effect: if self.dry_run {
                Effect::OnlySaid
            } else {
                Effect::Made
            },
            preparation: match self.prepare {
                true => Preparation::First,
                false => Preparation::Skipped,
            },
            profiles: self.profiles.clone(),
            verify: self.verify,
            allow_path: self.allow_path.clone(),
            job: None,
        })
    }
}

/// `FROM=TO`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => {
            Ok((from.to_owned(), to.to_owned()))
        }
        Some(_) | None => Err("write it as FROM=TO".to_owned()),
    }
}
