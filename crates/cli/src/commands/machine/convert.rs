//! `detente machine convert`: a definition in other words.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use detente_machine::kit::{self, Kit, Switches};
use detente_machine::kubevirt::to_kubevirt;
use detente_machine::kvm::{DeviceChoice, KvmOptions, NetworkMap};
use detente_machine::libvirt::to_libvirt;
use detente_machine::qemu::Accelerator;
use detente_machine::qemu_definition::to_qemu_command;
use detente_machine::spec::{DiskFormat, DiskSource, NetworkKind, NetworkRef};
use detente_machine::{Gate, Loss, Losses, MachineSpec};
use serde::Serialize;

use super::{Which, source};
use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::page::clean;

/// Put a definition into other words, and say what is lost.
///
/// Only the definition is converted: `detente convert` moves the disks with it. Without -o the
/// result goes to standard output and the report to standard error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    detente machine convert inventory.json --machine web --to libvirt -o web.xml --map External=bridge:br0\n  \
    detente machine convert web.xml --to kubevirt --strict > web.yaml\n  \
    detente machine convert web.xml --to qemu -o start.sh\n  \
    detente machine convert web.xml --to kit -o web-kit --map br0=External\n\n\
    Exit codes: 0 converted, 1 not converted since something would be lost (a gate, or --strict), \
    2 could not, 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The definition: a file, or the folder of a kit.
    #[arg(value_name = "SRC")]
    path: PathBuf,
    #[command(flatten)]
    which: Which,
    /// What the result is for.
    #[arg(long, value_enum, value_name = "PLATFORM")]
    to: Platform,
    /// A new file for the result; a new folder for a kit.
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
    /// The network that takes the place of another: FROM=TO, where TO is NAME, `bridge:NAME`,
    /// `network:NAME`, `attachment:NAME`, `pod:` or `user:`, and FROM may be `*`. May be given again.
    #[arg(long = "map", value_name = "FROM=TO", value_parser = pair)]
    networks: Vec<(String, NetworkRef)>,
    /// Which devices the guest meets on KVM.
    #[arg(long, value_enum, value_name = "DEVICES", default_value_t)]
    devices: Devices,
    /// For a host without KVM: QEMU translates.
    #[arg(long)]
    emulated: bool,
    /// Convert though this would be lost: tpm-state, checkpoints, passthrough, secure-boot-keys,
    /// shared-disk, shielded. May be given again.
    #[arg(long = "accept", value_name = "GATE")]
    accept: Vec<Gate>,
    /// Refuse to convert where anything would not be as it was.
    #[arg(long)]
    strict: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the result is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Platform {
    /// libvirt: a domain as XML.
    Libvirt,
    /// QEMU by itself: a script that starts it.
    Qemu,
    /// KubeVirt: a manifest.
    Kubevirt,
    /// Hyper-V: a folder with a script that makes the machine there; the disks are still to come.
    Kit,
    /// The neutral definition: machine.json.
    Json,
}

/// Which devices a guest meets on KVM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Devices {
    /// Those of the source that KVM has, virtio in the place of others.
    #[default]
    AsDefined,
    /// virtio.
    Virtio,
    /// SATA and e1000e, which need no virtio driver.
    Plain,
}

/// The answer for programs.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    machine: &'a str,
    source_kind: &'a str,
    to: &'a str,
    out: Option<String>,
    result: Done,
    gates: Vec<Gate>,
    losses: Vec<Loss>,
}

/// Files by their names in a folder (a document alone has none), and what they lose.
type Written = (Vec<(&'static str, String)>, Losses);

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Converted,
    RefusedByGate,
    RefusedByStrict,
}

pub(super) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    arguments.checked()?;
    let definition = source::read(&arguments.path, &arguments.which)?;
    let options = arguments.options();
    for name in options.networks.unused(&definition.spec) {
        out.aside(&clean(&format!(
            "warning: no card is plugged into {name:?}"
        )));
    }
    let (files, written) = arguments.files(&definition.spec, &options)?;
    let mut losses = definition.losses;
    losses.append(written);
    let gates = losses.gates(&arguments.accept);
    let result = if !gates.is_empty() {
        Done::RefusedByGate
    } else if arguments.strict && !losses.is_faithful() {
        Done::RefusedByStrict
    } else {
        Done::Converted
    };
    if result == Done::Converted {
        arguments.write(&files, out)?;
    }
    report(
        arguments,
        &definition.spec,
        definition.kind,
        result,
        &losses,
        out,
    )?;
    Ok(ExitCode::from(match result {
        Done::Converted => crate::FINE,
        Done::RefusedByGate | Done::RefusedByStrict => crate::BAD,
    }))
}

impl Arguments {
    fn checked(&self) -> Result<(), Failure> {
        let has_out = self.out.is_some();
        let wrong = match (self.to, self.format) {
            (Platform::Kit, _) if !has_out => Some("a kit is a folder"),
            (_, Format::Json) if !has_out => Some("with --format json the answer is the report"),
            (_, Format::Json | Format::Text) => None,
        };
        match wrong {
            Some(what) => Err(Failure::usage(
                what.to_owned(),
                "say where the result goes with -o",
            )),
            None => Ok(()),
        }
    }

    fn options(&self) -> KvmOptions {
        let mut networks = NetworkMap::default();
        for (from, to) in &self.networks {
            networks.insert(from, to.clone());
        }
        KvmOptions {
            devices: match self.devices {
                Devices::AsDefined => DeviceChoice::AsDefined,
                Devices::Virtio => DeviceChoice::Virtio,
                Devices::Plain => DeviceChoice::Plain,
            },
            accelerator: if self.emulated {
                Accelerator::Tcg
            } else {
                Accelerator::Kvm
            },
            networks,
        }
    }

    /// What is written: one document, or the files of a kit.
    fn files(&self, spec: &MachineSpec, options: &KvmOptions) -> Result<Written, Failure> {
        let one = |(text, losses): (String, Losses)| (vec![("", text)], losses);
        match self.to {
            Platform::Libvirt => to_libvirt(spec, options).map(one).map_err(cannot),
            Platform::Qemu => to_qemu_command(spec, options).map(one).map_err(cannot),
            Platform::Kubevirt => to_kubevirt(spec, options).map(one).map_err(cannot),
            Platform::Json => Ok(one((spec.to_json(), Losses::new()))),
            Platform::Kit => self.kit(spec, options),
        }
    }

    fn kit(&self, spec: &MachineSpec, options: &KvmOptions) -> Result<Written, Failure> {
        let mut spec = spec.clone();
        for (index, disk) in spec.disks.iter_mut().enumerate() {
            if let Some(DiskSource::File { path, format } | DiskSource::Block { path, format }) =
                &mut disk.source
                && disk.device == detente_machine::spec::DiskDevice::Disk
            {
                *path = kit::disk_file(index);
                *format = DiskFormat::Vhdx;
            }
        }
        let networks = spec.nics.iter().filter_map(|nic| nic.network.as_ref());
        let mapped = networks.filter_map(|own| {
            let target = options.networks.get(&own.name)?;
            Some((own.name.clone(), target.name.clone()))
        });
        let switches = Switches(mapped.collect());
        let (machine, mut losses) = kit::definition(&spec, &switches).map_err(cannot)?;
        let why = "only the definition is converted: put the disks beside it as disk0.vhdx and so \
                   on (`detente image convert`), or make all of it with `detente convert`";
        losses.kept("disks", why);
        let made_by = concat!("detente ", env!("CARGO_PKG_VERSION"));
        let kit = Kit::new(made_by, machine, Vec::new());
        let files = vec![
            (kit::MACHINE_FILE, spec.to_json()),
            (kit::KIT_FILE, kit.to_json()),
            (kit::SCRIPT_FILE, kit::SCRIPT.to_owned()),
            (kit::README_FILE, kit::README.to_owned()),
        ];
        Ok((files, losses))
    }

    fn write(&self, files: &[(&'static str, String)], out: &mut Output) -> anyhow::Result<()> {
        let Some(path) = &self.out else {
            for (_, text) in files {
                out.bytes(text.as_bytes())?;
            }
            return Ok(());
        };
        if self.to == Platform::Kit {
            std::fs::create_dir(path).map_err(|error| in_the_way(path, error))?;
        }
        for (name, text) in files {
            let place = if name.is_empty() {
                path.clone()
            } else {
                path.join(name)
            };
            new_file(&place, text.as_bytes(), self.to == Platform::Qemu)?;
        }
        Ok(())
    }
}

/// Writes a file that is not there yet; what is half written goes again.
fn new_file(path: &Path, bytes: &[u8], is_program: bool) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mode = if is_program { 0o777 } else { 0o666 };
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let mut file = file.map_err(|error| in_the_way(path, error))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Nothing that looks whole stays; if it cannot go, the error says enough.
        let _ = std::fs::remove_file(path);
        in_the_way(path, error)
    })
}

fn in_the_way(path: &Path, error: std::io::Error) -> Failure {
    let hint = match error.kind() {
        std::io::ErrorKind::AlreadyExists => "it is not written over: name another, or remove it",
        std::io::ErrorKind::NotFound => "its folder must be there",
        _ => "name another place with -o",
    };
    let error = anyhow::Error::new(error).context(path.display().to_string());
    Failure::cannot_tell(error, Some(hint.to_owned()))
}

fn cannot(error: impl Into<anyhow::Error>) -> Failure {
    Failure::cannot_tell(error, None)
}

fn report(
    arguments: &Arguments,
    spec: &MachineSpec,
    kind: &str,
    result: Done,
    losses: &Losses,
    out: &mut Output,
) -> anyhow::Result<()> {
    let to = arguments.to.to_possible_value();
    let to = to.as_ref().map_or("", |to| to.get_name());
    let gates = losses.gates(&arguments.accept);
    if arguments.format == Format::Json {
        return out.json(&Document {
            schema: "detente/machine-convert/1",
            machine: &spec.name,
            source_kind: kind,
            to,
            out: arguments
                .out
                .as_ref()
                .map(|path| path.display().to_string()),
            result,
            gates,
            losses: losses.iter().cloned().collect(),
        });
    }
    let mut lines: Vec<String> = losses.iter().map(ToString::to_string).collect();
    if lines.is_empty() {
        lines.push("nothing is lost".to_owned());
    }
    for line in lines {
        // Without -o standard output is the result.
        match &arguments.out {
            Some(_) => out.line(&clean(&line))?,
            None => out.aside(&clean(&line)),
        }
    }
    match result {
        Done::Converted => {}
        Done::RefusedByGate => {
            out.aside("error: nothing was written: what is refused above would be lost");
            let flags: Vec<String> = gates
                .iter()
                .map(|gate| format!("--accept {gate}"))
                .collect();
            out.aside(&format!("hint: if that is meant: {}", flags.join(" ")));
        }
        Done::RefusedByStrict => {
            out.aside("error: nothing was written: not everything would be as it was");
            out.aside("hint: without --strict it is converted, and the losses are reported");
        }
    }
    Ok(())
}

/// `FROM=TO`.
fn pair(text: &str) -> Result<(String, NetworkRef), String> {
    let (from, to) = text
        .split_once('=')
        .filter(|(from, to)| !from.is_empty() && !to.is_empty())
        .ok_or("write it as FROM=TO")?;
    let (kind, name) = match to.split_once(':') {
        Some(("bridge", name)) => (NetworkKind::Bridge, name),
        Some(("network", name)) => (NetworkKind::Network, name),
        Some(("attachment", name)) => (NetworkKind::Attachment, name),
        Some(("pod", name)) => (NetworkKind::Pod, name),
        Some(("user", name)) => (NetworkKind::User, name),
        Some(_) | None => (NetworkKind::Network, to),
    };
    let needs_name = !matches!(kind, NetworkKind::Pod | NetworkKind::User);
    if needs_name && name.is_empty() {
        return Err(format!("{to} names no network"));
    }
    let name = name.to_owned();
    Ok((from.to_owned(), NetworkRef { kind, name }))
}
