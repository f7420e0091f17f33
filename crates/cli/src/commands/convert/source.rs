//! What is to be converted: a definition with its disks, or disks alone.

mod export;
mod files;
mod kit;
mod package;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use detente_disk::{Format, Image};
use detente_machine::libvirt::from_libvirt;
use detente_machine::spec::{
    Bus, Disk, DiskFormat, DiskSource, Display, Extensions, Firmware, IntegrationService,
    NetworkKind, NetworkRef, Nic, NicModel, SerialBackend, SerialPort,
};
use detente_machine::{Losses, MachineSpec, hyperv_xml, vmcx};

use super::Wanted;
use crate::disks;
use crate::failure::Failure;

/// A longer definition is none.
const MAX_DEFINITION_BYTES: u64 = 64 << 20;
/// How a disk without a definition is run, unless told otherwise.
const PROCESSORS: u32 = 2;
const MEMORY_BYTES: u64 = 2 << 30;

/// A machine, and its disks opened.
pub(super) struct Loaded {
    pub(super) spec: MachineSpec,
    pub(super) losses: Losses,
    pub(super) kind: Kind,
    pub(super) images: Vec<Opened>,
}

/// A disk of the machine.
pub(super) struct Opened {
    /// Which of the definition's.
    pub(super) index: usize,
    /// Where it is, for people.
    pub(super) path: PathBuf,
    pub(super) image: Image,
}

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Disks,
    Libvirt,
    Machine,
    Kit,
    HyperV,
    Ovf,
}

impl Kind {
    /// The name in documents.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Disks => "disks",
            Self::Libvirt => "libvirt",
            Self::Machine => "machine",
            Self::Kit => "kit",
            Self::HyperV => "hyperv",
            Self::Ovf => "ovf",
        }
    }

    /// Whether a definition says what firmware there is, and not only a default of ours.
    pub(super) fn is_defined(self) -> bool {
        match self {
            Self::Disks | Self::Ovf => false,
            Self::Libvirt | Self::Machine | Self::Kit | Self::HyperV => true,
        }
    }
}

/// Reads the definition and opens the disks.
pub(super) fn load(wanted: &Wanted) -> Result<Loaded, Failure> {
    match wanted.sources.as_slice() {
        [folder] if folder.is_dir() => self::folder(folder, wanted),
        [file] => match definition(file)? {
            Some(definition) => definition.load(file, wanted),
            None => plain(wanted),
        },
        _ => plain(wanted),
    }
}

/// A kit says so itself; an export has an inventory; a package has an envelope.
fn folder(folder: &Path, wanted: &Wanted) -> Result<Loaded, Failure> {
    if folder.join(detente_machine::kit::KIT_FILE).is_file() {
        return kit::load(folder, wanted);
    }
    let found = files::beneath(folder)?;
    let ends = |end: &str| {
        let has = |path: &&PathBuf| {
            path.extension()
                .is_some_and(|own| own.eq_ignore_ascii_case(end))
        };
        found.iter().filter(has).collect::<Vec<_>>()
    };
    for path in ends("json") {
        // Other documents are none of ours.
        if let Ok(Some(Definition::Inventory(bytes))) = definition(path) {
            return export::inventory(&bytes, path, folder, wanted);
        }
    }
    if let [envelope] = ends("ovf").as_slice() {
        return package::envelope(envelope, wanted);
    }
    for path in ends("xml") {
        if let Ok(Some(own @ (Definition::HypervXml(_) | Definition::Libvirt(_)))) =
            definition(path)
        {
            return own.load(path, wanted);
        }
    }
    match ends("vmcx").first() {
        Some(path) => Err(own_file(path)),
        None => Err(Failure::usage(
            format!(
                "{} has no definition of a machine that is read",
                folder.display()
            ),
            "a kit has kit.json, an export of Hyper-V needs inventory.json (`detente convert \
             --inventory-script` prints the script that writes it), a package has an .ovf; or name \
             the disks",
        )),
    }
}

/// The host reads its own files; nobody else does.
fn own_file(path: &Path) -> Failure {
    let what = format!(
        "{} is Hyper-V's own file, whose format is not published",
        path.display()
    );
    let hint = "on the host, run the script that `detente convert --inventory-script` prints, and \
                put the inventory.json that it writes into the folder of the disks";
    Failure::cannot_tell(anyhow::Error::msg(what), Some(hint.to_owned()))
}

/// A file that is no disk.
enum Definition {
    Libvirt(Vec<u8>),
    HypervXml(Vec<u8>),
    Machine(Vec<u8>),
    Inventory(Vec<u8>),
    Kit,
    Envelope,
    Archive,
}

/// What a file is, by its first bytes; none for what may be a disk.
fn definition(path: &Path) -> Result<Option<Definition>, Failure> {
    let failed = |error: std::io::Error| {
        let error = anyhow::Error::new(error).context(path.display().to_string());
        Failure::cannot_tell(
            error,
            Some("look at the spelling, and at the folder".to_owned()),
        )
    };
    // Devices are disks, and reading a FIFO would wait.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path).map_err(failed)?;
    let mut head = Vec::new();
    let limit = u64::try_from(vmcx::HEAD_BYTES).unwrap_or(u64::MAX);
    (&file).take(limit).read_to_end(&mut head).map_err(failed)?;
    if vmcx::is_vmcx(&head) {
        return Err(own_file(path));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Ok(Some(Definition::Archive));
    }
    let text = first_character(&head).is_some_and(|byte| matches!(byte, b'<' | b'{'));
    if !text || file.metadata().map_err(failed)?.len() > MAX_DEFINITION_BYTES {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let found = match first_character(&bytes) {
        Some(b'{') => json(bytes),
        _ => xml(bytes),
    };
    let named = path
        .extension()
        .and_then(|end| end.to_str())
        .unwrap_or_default();
    match (found, named.to_ascii_lowercase().as_str()) {
        (None, "ovf") => Ok(Some(Definition::Envelope)),
        // A text under such a name is no disk, whatever it says.
        (None, "xml" | "json" | "mf") => Err(Failure::cannot_tell(
            anyhow::anyhow!(
                "{} is no definition of a machine that is read",
                path.display()
            ),
            Some("`detente convert --help` says what is".to_owned()),
        )),
        (found, _) => Ok(found),
    }
}

/// The first byte of a text, behind marks of its encoding and white space.
fn first_character(text: &[u8]) -> Option<u8> {
    let marks = [0xef, 0xbb, 0xbf, 0xff, 0xfe, 0];
    let is_text = |byte: &&u8| !byte.is_ascii_whitespace() && !marks.contains(*byte);
    text.iter().find(is_text).copied()
}

fn json(bytes: Vec<u8>) -> Option<Definition> {
    // The documents say what they are in their first line but one.
    let head = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(&bytes)).replace('\0', "");
    if head.contains("detente/hyperv-inventory/") {
        Some(Definition::Inventory(bytes))
    } else if head.contains("detente/hyperv-kit/") {
        Some(Definition::Kit)
    } else if head.contains("detente/machine/") {
        Some(Definition::Machine(bytes))
    } else {
        None
    }
}

fn xml(bytes: Vec<u8>) -> Option<Definition> {
    if hyperv_xml::is_configuration(&bytes) {
        return Some(Definition::HypervXml(bytes));
    }
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("dmtf.org/ovf/envelope") {
        return Some(Definition::Envelope);
    }
    text.contains("<domain")
        .then_some(Definition::Libvirt(bytes))
}

impl Definition {
    fn load(self, path: &Path, wanted: &Wanted) -> Result<Loaded, Failure> {
        let above = match path.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            Some(_) | None => Path::new("."),
        };
        match self {
            Self::Libvirt(bytes) => {
                let (spec, losses) = from_libvirt(&bytes).map_err(|error| unread(path, error))?;
                files::of_host(spec, losses, Kind::Libvirt, above, wanted)
            }
            Self::Machine(bytes) => {
                let spec = MachineSpec::from_json(&bytes).map_err(|error| unread(path, error))?;
                files::of_host(spec, Losses::new(), Kind::Machine, above, wanted)
            }
            Self::HypervXml(bytes) => {
                let machine = hyperv_xml::parse(&bytes).map_err(|error| unread(path, error))?;
                // `Virtual Machines/ID.xml` beside `Virtual Hard Disks`.
                let inside = above
                    .file_name()
                    .is_some_and(|name| name == "Virtual Machines");
                let folder = above.parent().filter(|_| inside).unwrap_or(above);
                export::machine(&machine, path, folder, wanted)
            }
            Self::Inventory(bytes) => export::inventory(&bytes, path, above, wanted),
            Self::Kit => kit::load(above, wanted),
            Self::Envelope => package::envelope(path, wanted),
            Self::Archive => package::archive(path, wanted),
        }
    }
}

/// A definition that was not read, with what it is.
fn unread(path: &Path, error: impl Into<anyhow::Error>) -> Failure {
    let error = error.into().context(path.display().to_string());
    let hint = "`detente convert --help` says what is read; `detente machine show` reads a definition alone";
    Failure::cannot_tell(error, Some(hint.to_owned()))
}

/// Disks alone: the rest is a default, which is said.
fn plain(wanted: &Wanted) -> Result<Loaded, Failure> {
    let images = disks::open_all(&wanted.sources, &wanted.allow_path)?;
    let first = wanted.sources.first().and_then(|path| path.file_stem());
    let stem = first.map(|stem| stem.to_string_lossy().into_owned());
    let name = wanted
        .name
        .clone()
        .or(stem)
        .unwrap_or_else(|| "machine".to_owned());
    let name: String = name
        .chars()
        .map(|c| if c == '/' || c.is_control() { '_' } else { c })
        .collect();
    let mut spec = MachineSpec::new(&name, PROCESSORS, MEMORY_BYTES, Firmware::Bios);
    let network = NetworkRef {
        kind: NetworkKind::Network,
        name: "default".to_owned(),
    };
    spec.nics.push(Nic::new(NicModel::Virtio, Some(network)));
    furnish(&mut spec);
    let mut opened = Vec::new();
    for (index, (path, image)) in wanted.sources.iter().zip(images).enumerate() {
        let shown = path.display().to_string();
        spec.disks
            .push(Disk::file(Bus::Virtio, &shown, format(&image)));
        let path = path.clone();
        opened.push(Opened { index, path, image });
    }
    Ok(Loaded {
        spec,
        losses: Losses::new(),
        kind: Kind::Disks,
        images: opened,
    })
}

/// What a server has on any host: a screen, a console, and what its agents talk through.
fn furnish(spec: &mut MachineSpec) {
    spec.display = Display::Present;
    spec.serial_ports.push(SerialPort {
        port: 0,
        backend: SerialBackend::Pty,
        extensions: Extensions::default(),
    });
    spec.integration.extend([
        IntegrationService::QemuGuestAgent,
        IntegrationService::Entropy,
    ]);
}

fn format(image: &Image) -> DiskFormat {
    match image.layers.first().map(|layer| layer.format) {
        Some(Format::Qcow2) => DiskFormat::Qcow2,
        Some(Format::Vhdx) => DiskFormat::Vhdx,
        Some(Format::Vhd) => DiskFormat::Vhd,
        Some(Format::Vmdk) => DiskFormat::Vmdk,
        Some(Format::Raw) | None => DiskFormat::Raw,
    }
}

/// The file or device that a disk is in, as its definition writes it.
fn path_of(source: &DiskSource) -> Option<&str> {
    match source {
        DiskSource::File { path, .. } | DiskSource::Block { path, .. } => Some(path),
        DiskSource::Volume { .. }
        | DiskSource::Claim { .. }
        | DiskSource::Network { .. }
        | DiskSource::HostDisk { .. } => None,
    }
}
