//! The default entry, followed to its files.

use crate::boot::model::{Candidate, FileRef, Found, Start};
use crate::error::{BootProblem, InspectError};
use crate::facts::{self, DefaultEntry, EntryKind, Place, RootDevice};
use crate::system;
use crate::volumes::Volumes;

/// Describes the entry that would be started, with the first thing that keeps it from booting.
pub(crate) fn follow(
    volumes: &Volumes,
    found: &Found,
    root: Option<RootDevice>,
) -> Result<(Option<DefaultEntry>, Option<BootProblem>), InspectError> {
    let Some((index, why)) = found.default.clone() else {
        return Ok((None, None));
    };
    let Some(candidate) = found.entries.get(index) else {
        return Ok((None, None));
    };
    let mut entry = DefaultEntry {
        index,
        why,
        kernel: None,
        kernel_release: None,
        initramfs: Vec::new(),
        command_line: None,
        root,
    };
    let problem = match fill(volumes, candidate, &mut entry) {
        Ok(()) => None,
        Err(Broken::Problem(problem)) => Some(problem),
        Err(Broken::Read(error)) => return Err(*error),
    };
    Ok((Some(entry), problem))
}

enum Broken {
    Problem(BootProblem),
    Read(Box<InspectError>),
}

impl From<InspectError> for Broken {
    fn from(error: InspectError) -> Self {
        Self::Read(Box::new(error))
    }
}

fn fill(volumes: &Volumes, candidate: &Candidate, entry: &mut DefaultEntry) -> Result<(), Broken> {
    let title = &candidate.title;
    let linux = match &candidate.start {
        Start::Linux(linux) => linux,
        Start::Uki(uki) => {
            entry.command_line = Some(uki.command_line.clone());
            entry.kernel = Some(uki.place.clone());
            entry.kernel_release.clone_from(&uki.release);
            return Ok(());
        }
        Start::Other(what) => {
            let problem = BootProblem::NotLinux {
                entry: title.clone(),
                what: what.clone(),
            };
            return Err(Broken::Problem(problem));
        }
    };
    entry.command_line = Some(linux.command_line.clone());
    let kernel = locate(&linux.kernel, title).map_err(Broken::Problem)?;
    if !volumes.is_file(&kernel)? {
        let problem = BootProblem::KernelMissing {
            entry: title.clone(),
            place: kernel,
        };
        return Err(Broken::Problem(problem));
    }
    entry.kernel = Some(kernel.clone());
    entry.kernel_release = system::release(volumes, &kernel)?;
    for file in &linux.initramfs {
        let place = locate(file, title).map_err(Broken::Problem)?;
        if !volumes.is_file(&place)? {
            let problem = BootProblem::InitramfsMissing {
                entry: title.clone(),
                place,
            };
            return Err(Broken::Problem(problem));
        }
        entry.initramfs.push(place);
    }
    Ok(())
}

/// Where a file is that the entry names.
pub(crate) fn locate(file: &FileRef, entry: &str) -> Result<Place, BootProblem> {
    file.place.clone().ok_or_else(|| BootProblem::NoSuchDevice {
        entry: entry.to_owned(),
        device: file.device.clone(),
        path: file.spelled.clone(),
    })
}

/// The menu as facts.
pub(crate) fn entries(found: &Found) -> Vec<facts::Entry> {
    let entry = |candidate: &Candidate| {
        let kind = match &candidate.start {
            Start::Linux(linux) => EntryKind::Linux {
                kernel: linux.kernel.spelled.clone(),
                initramfs: linux
                    .initramfs
                    .iter()
                    .map(|file| file.spelled.clone())
                    .collect(),
                command_line: linux.command_line.clone(),
            },
            Start::Uki(uki) => EntryKind::Uki {
                image: uki.place.path.clone(),
            },
            Start::Other(what) => EntryKind::Other { what: what.clone() },
        };
        facts::Entry {
            id: candidate.id.clone(),
            title: candidate.title.clone(),
            kind,
        }
    };
    found.entries.iter().map(entry).collect()
}
