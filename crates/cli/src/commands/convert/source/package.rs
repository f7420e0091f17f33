//! OVF packages: an envelope beside its files, or all of it in an archive.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, ClosedGate, Window};
use detente_disk::OpenOptions;
use detente_machine::ovf::{self, Archive, ArchiveEntry, Envelope, Manifest};
use detente_machine::spec::DiskDevice;
use detente_machine::{Losses, MachineSpec};

use super::super::Wanted;
use super::{Kind, Loaded, Opened, path_of, unread};
use crate::disks;
use crate::failure::Failure;

/// A longer envelope or manifest is none.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Files of a package, wherever they are.
trait Files {
    /// A file by its path in the package.
    fn open(&self, name: &str) -> Result<Arc<dyn BlockRead>, Failure>;
    /// Where a file of the package is, for people.
    fn place(&self, name: &str) -> PathBuf;
    /// The manifest, if there is one.
    fn manifest(&self) -> Result<Option<Arc<dyn BlockRead>>, Failure>;
}

/// An envelope beside its files.
pub(super) fn envelope(path: &Path, wanted: &Wanted) -> Result<Loaded, Failure> {
    struct Beside<'a>(&'a Path);

    impl Files for Beside<'_> {
        fn open(&self, name: &str) -> Result<Arc<dyn BlockRead>, Failure> {
            let above = self.0.parent().unwrap_or(Path::new("."));
            let path = above.join(name);
            // A link in the package must not lead out of it.
            let real =
                |path: &Path| std::fs::canonicalize(path).map_err(|error| unread(path, error));
            let folder = if above.as_os_str().is_empty() {
                Path::new(".")
            } else {
                above
            };
            if !real(&path)?.starts_with(real(folder)?) {
                let what = format!("{} lies outside of the package", path.display());
                return Err(Failure::usage(
                    what,
                    "put the file itself beside the envelope",
                ));
            }
            Ok(disks::open_file(&path)?)
        }

        fn place(&self, name: &str) -> PathBuf {
            self.0.with_file_name(name)
        }

        fn manifest(&self) -> Result<Option<Arc<dyn BlockRead>>, Failure> {
            let path = self.0.with_extension("mf");
            if !path.is_file() {
                return Ok(None);
            }
            Ok(Some(disks::open_file(&path)?))
        }
    }

    let file: Arc<dyn BlockRead> = disks::open_file(path)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    load(path, &name, &file, &Beside(path), wanted)
}

/// All of it in an archive, which is read in place.
pub(super) fn archive(path: &Path, wanted: &Wanted) -> Result<Loaded, Failure> {
    struct Inside {
        path: PathBuf,
        file: Arc<dyn BlockRead>,
        archive: Archive,
    }

    impl Inside {
        fn window(&self, entry: &ArchiveEntry) -> Result<Arc<dyn BlockRead>, Failure> {
            let window = Window::new(self.file.clone(), entry.offset, entry.len);
            let window = window.map_err(|error| unread(Path::new(&entry.name), error))?;
            Ok(Arc::new(window))
        }

        fn ending(&self, end: &str) -> Option<&ArchiveEntry> {
            let mut entries = self.archive.entries.iter();
            entries.find(|entry| entry.name.to_ascii_lowercase().ends_with(end))
        }
    }

    impl Files for Inside {
        fn open(&self, name: &str) -> Result<Arc<dyn BlockRead>, Failure> {
            let entry = self.archive.entry(name).ok_or_else(|| {
                let error = anyhow::anyhow!("the archive has no {name:?}");
                Failure::cannot_tell(error, Some("the package is not whole".to_owned()))
            })?;
            self.window(entry)
        }

        fn place(&self, name: &str) -> PathBuf {
            self.path.join(name)
        }

        fn manifest(&self) -> Result<Option<Arc<dyn BlockRead>>, Failure> {
            self.ending(".mf")
                .map(|entry| self.window(entry))
                .transpose()
        }
    }

    let file: Arc<dyn BlockRead> = disks::open_file(path)?;
    let archive = Archive::read(file.as_ref()).map_err(|error| unread(path, error))?;
    let inside = Inside {
        path: path.to_owned(),
        file,
        archive,
    };
    let entry = inside.ending(".ovf").ok_or_else(|| {
        let error = anyhow::anyhow!("{}: the archive has no envelope (.ovf)", path.display());
        Failure::cannot_tell(error, Some("name the disks in it, unpacked".to_owned()))
    })?;
    let (name, envelope) = (entry.name.clone(), inside.window(entry)?);
    load(path, &name, &envelope, &inside, wanted)
}

fn load(
    path: &Path,
    name: &str,
    file: &Arc<dyn BlockRead>,
    files: &dyn Files,
    wanted: &Wanted,
) -> Result<Loaded, Failure> {
    let manifest = files
        .manifest()?
        .map(|file| text(path, file.as_ref()))
        .transpose()?;
    let manifest = manifest.map(|text| Manifest::parse(&text)).transpose();
    let manifest = manifest.map_err(|error| unread(path, error))?;
    verify(path, manifest.as_ref(), name, file.as_ref())?;
    let envelope = ovf::parse(&text(path, file.as_ref())?).map_err(|error| unread(path, error))?;
    let (spec, losses) = machine(path, &envelope, wanted)?;
    let mut losses = losses;
    if manifest.is_none() {
        let why = "the package has no manifest, so nobody knows whether its files are whole";
        losses.kept("ovf.manifest", why);
    }
    let images = open(path, &spec, manifest.as_ref(), files)?;
    Ok(Loaded {
        spec,
        losses,
        kind: Kind::Ovf,
        images,
    })
}

fn machine(
    path: &Path,
    envelope: &Envelope,
    wanted: &Wanted,
) -> Result<(MachineSpec, Losses), Failure> {
    let system = envelope
        .system(wanted.machine.as_deref())
        .map_err(|error| {
            let error = anyhow::Error::new(error).context(path.display().to_string());
            Failure::cannot_tell(error, Some("say which with --machine ID".to_owned()))
        })?;
    let configuration = wanted.configuration.as_deref();
    if let Some(id) = configuration
        && !envelope.configurations.iter().any(|own| own.id == id)
    {
        let has: Vec<_> = envelope
            .configurations
            .iter()
            .map(|own| own.id.as_str())
            .collect();
        let what = format!(
            "the package has no configuration {id:?}; it has: {}",
            has.join(", ")
        );
        return Err(Failure::usage(what, "say one of them with --configuration"));
    }
    let (spec, losses) = envelope
        .to_spec(system, configuration)
        .map_err(|error| unread(path, error))?;
    spec.validate().map_err(|error| unread(path, error))?;
    Ok((spec, losses))
}

fn open(
    path: &Path,
    spec: &MachineSpec,
    manifest: Option<&Manifest>,
    files: &dyn Files,
) -> Result<Vec<Opened>, Failure> {
    let mut images = Vec::new();
    for (index, disk) in spec.disks.iter().enumerate() {
        if disk.device != DiskDevice::Disk {
            continue;
        }
        let Some(name) = disk.source.as_ref().and_then(path_of) else {
            continue;
        };
        let file = files.open(name)?;
        verify(path, manifest, name, file.as_ref())?;
        let inside = files.place(name);
        let options = OpenOptions::default();
        let image = detente_disk::open_with(&inside, file, &ClosedGate, &options)
            .map_err(|error| unread(&inside, error))?;
        images.push(Opened {
            index,
            path: inside,
            image,
        });
    }
    Ok(images)
}

/// A manifest that names the file must be right about it.
fn verify(
    path: &Path,
    manifest: Option<&Manifest>,
    name: &str,
    file: &dyn BlockRead,
) -> Result<(), Failure> {
    let Some(entry) = manifest.and_then(|manifest| manifest.of(name)) else {
        return Ok(());
    };
    entry.verify(file, &mut |_| true).map_err(|error| {
        let error = anyhow::Error::new(error).context(path.display().to_string());
        Failure::cannot_tell(error, Some("copy the package again".to_owned()))
    })
}

fn text(path: &Path, file: &dyn BlockRead) -> Result<Vec<u8>, Failure> {
    let len = file.len_bytes();
    if len > MAX_TEXT_BYTES {
        let error = anyhow::anyhow!(
            "{}: {len} bytes are too many for an envelope",
            path.display()
        );
        return Err(Failure::cannot_tell(error, None));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
    file.read_exact_at(0, &mut bytes)
        .map_err(|error| unread(path, error))?;
    Ok(bytes)
}
