//! What the new disks are called, and what they become.

use std::path::{Path, PathBuf};

use detente_copy::target_like;
use detente_disk::{Details, Format, Target};

use super::error::PrepareError;
use super::publish::{Disk, Old};
use super::request::Destination;
use crate::DiskInput;

/// What the folder of new disks is called in the work folder.
const FOLDER: &str = "out";

/// What stands behind the name of an old image, and of a journal.
pub(crate) const BEFORE: &str = ".before";
const JOURNAL: &str = ".journal";

/// All names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outputs {
    /// The folder in which everything gets its name.
    pub(crate) above: PathBuf,
    /// The name that all others are made of.
    pub(crate) name: String,
    pub(crate) disks: Vec<Output>,
    /// Whether the disks get their names one by one, in place of the images.
    in_place: bool,
}

/// One disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// Where it is made, below the work folder.
    pub(crate) made: String,
    /// Where it will be.
    pub(crate) path: PathBuf,
    /// What it becomes.
    pub(crate) target: Target,
    /// Where the old image will be.
    pub(crate) before: Option<PathBuf>,
}

impl Outputs {
    /// The names for these images; refuses what is there already.
    pub(crate) fn plan(
        images: &[DiskInput],
        destination: &Destination,
    ) -> Result<Self, PrepareError> {
        let outputs = Self::of(images, destination)?;
        outputs.refuse_busy(true)?;
        Ok(outputs)
    }

    /// The same where no journal is written: the one that is there may stay.
    pub(crate) fn plan_undo(
        images: &[DiskInput],
        destination: &Destination,
    ) -> Result<Self, PrepareError> {
        let outputs = Self::of(images, destination)?;
        outputs.refuse_busy(false)?;
        Ok(outputs)
    }

    fn of(images: &[DiskInput], destination: &Destination) -> Result<Self, PrepareError> {
        match destination {
            Destination::New { path, target } => match images {
                [image] => Self::file(image, path, target.as_ref()),
                several => Self::folder(several, path, target.as_ref()),
            },
            Destination::InPlace => Self::in_place(images),
        }
    }

    fn file(image: &DiskInput, path: &Path, target: Option<&Target>) -> Result<Self, PrepareError> {
        let (above, name) = split(path)?;
        let disk = Output {
            made: "new0".to_owned(),
            path: path.to_owned(),
            target: target_of(image, target)?,
            before: None,
        };
        Ok(Self {
            above,
            name,
            disks: vec![disk],
            in_place: false,
        })
    }

    fn folder(
        images: &[DiskInput],
        path: &Path,
        target: Option<&Target>,
    ) -> Result<Self, PrepareError> {
        let (above, name) = split(path)?;
        let mut disks: Vec<Output> = Vec::new();
        for image in images {
            let (_, own) = split(&image.path)?;
            let own = match target {
                None => own,
                Some(target) => renamed(&own, target.format()),
            };
            let path = path.join(&own);
            if disks.iter().any(|disk| disk.path == path) {
                let why = "two of the disks would have this name";
                return Err(PrepareError::Name { path, why });
            }
            disks.push(Output {
                made: format!("{FOLDER}/{own}"),
                path,
                target: target_of(image, target)?,
                before: None,
            });
        }
        Ok(Self {
            above,
            name,
            disks,
            in_place: false,
        })
    }

    fn in_place(images: &[DiskInput]) -> Result<Self, PrepareError> {
        let mut places = images.iter().map(|image| split(&image.path));
        let Some(first) = places.next() else {
            let (path, why) = (PathBuf::new(), "there is no disk");
            return Err(PrepareError::Name { path, why });
        };
        let (above, name) = first?;
        let mut disks = Vec::new();
        for (index, image) in images.iter().enumerate() {
            if split(&image.path)?.0 != above {
                let why = "in place, all disks have to be in one folder";
                let path = image.path.clone();
                return Err(PrepareError::Name { path, why });
            }
            // A link or a device would be replaced by a file.
            if !image
                .path
                .symlink_metadata()
                .is_ok_and(|meta| meta.is_file())
            {
                let why = "only regular files are replaced in place";
                let path = image.path.clone();
                return Err(PrepareError::Name { path, why });
            }
            disks.push(Output {
                made: format!("new{index}"),
                path: image.path.clone(),
                target: target_of(image, None)?,
                before: Some(with_suffix(&image.path, BEFORE)),
            });
        }
        Ok(Self {
            above,
            name,
            disks,
            in_place: true,
        })
    }

    /// Where the journal will be.
    pub(crate) fn journal(&self) -> PathBuf {
        self.above.join(self.journal_name())
    }

    /// What it will be called.
    pub(crate) fn journal_name(&self) -> String {
        format!("{}{JOURNAL}", self.name)
    }

    /// The folder below the work folder that has to be made, if there is one.
    pub(crate) fn folder_made(&self) -> Option<&'static str> {
        (!self.in_place && self.disks.iter().any(|disk| disk.made.contains('/'))).then_some(FOLDER)
    }

    /// What gets which name.
    pub(crate) fn named(&self) -> Result<Vec<Disk>, PrepareError> {
        if self.folder_made().is_some() {
            return Ok(vec![Disk {
                from: FOLDER.to_owned(),
                to: self.name.clone(),
                old: None,
            }]);
        }
        let named = self.disks.iter().map(|disk| {
            let (_, to) = split(&disk.path)?;
            let old = disk.before.as_ref().map(|before| {
                let (_, before) = split(before)?;
                Old::of(&disk.path, before).map_err(|source| PrepareError::Read {
                    path: disk.path.clone(),
                    source,
                })
            });
            Ok(Disk {
                from: disk.made.clone(),
                to,
                old: old.transpose()?,
            })
        });
        named.collect()
    }

    fn refuse_busy(&self, writes_journal: bool) -> Result<(), PrepareError> {
        let mut wanted = Vec::new();
        if writes_journal {
            wanted.push(self.journal());
        }
        if self.in_place {
            wanted.extend(self.disks.iter().filter_map(|disk| disk.before.clone()));
        } else {
            wanted.push(self.above.join(&self.name));
        }
        match wanted
            .into_iter()
            .find(|path| path.symlink_metadata().is_ok())
        {
            Some(path) => Err(PrepareError::Exists { path }),
            None => Ok(()),
        }
    }
}

/// A file's folder and name.
fn split(path: &Path) -> Result<(PathBuf, String), PrepareError> {
    let wrong = |why| PrepareError::Name {
        path: path.to_owned(),
        why,
    };
    let name = path.file_name().ok_or_else(|| wrong("it names no file"))?;
    let name = name.to_str().ok_or_else(|| wrong("its name is no UTF-8"))?;
    let above = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    Ok((above, name.to_owned()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What an image becomes: what was asked for, else what it is.
fn target_of(image: &DiskInput, asked: Option<&Target>) -> Result<Target, PrepareError> {
    if let Some(target) = asked {
        return Ok(target.clone());
    }
    let details = image.image.layers.first().map(|layer| &layer.details);
    let target = details.and_then(target_like);
    target.ok_or_else(|| PrepareError::Format {
        path: image.path.clone(),
        format: format_name(details),
    })
}

fn format_name(details: Option<&Details>) -> &'static str {
    match details {
        Some(Details::Vmdk(_)) => "VMDK",
        Some(_) | None => "an image",
    }
}

/// The same name with the ending of another format.
fn renamed(name: &str, format: Format) -> String {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
    let ending = match format {
        Format::Raw => "raw",
        Format::Qcow2 => "qcow2",
        Format::Vhdx => "vhdx",
        Format::Vhd => "vhd",
        Format::Vmdk => "vmdk",
    };
    format!("{}.{ending}", stem.unwrap_or(name))
}
