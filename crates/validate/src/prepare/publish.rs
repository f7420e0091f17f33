//! How prepared disks and their journal get their names, and what is done about a run that was
//! killed meanwhile.
//!
//! Everything is whole, and on stable storage, under the work folder before the first name is
//! given. The order is: what is going to be done (`publishing.json`), the journal, the disks. In
//! place of an image, the old file gets its second name first, so that it has one at every moment.
//! Whoever finds the work folder of a dead run takes back what was begun as long as no disk has its
//! name, and brings it to its end once one has.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::{Names, exists, is_same_file};

/// The file of the work folder that says what is going to be done.
const INTENT: &str = "publishing.json";

/// Its schema.
const SCHEMA: &str = "detente/prepare-publishing/1";

/// It names a handful of files.
const MAX_INTENT_BYTES: u64 = 1 << 20;

/// What gets which name. All of it lies in the work folder, and gets to the folder above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    schema: String,
    /// The journal's name in the work folder, and its own.
    journal: Option<(String, String)>,
    disks: Vec<Disk>,
}

/// A disk, or a folder of disks, that gets its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disk {
    /// In the work folder.
    pub(crate) from: String,
    /// Above it.
    pub(crate) to: String,
    /// What becomes of the file that has this name, if it is replaced.
    pub(crate) old: Option<Old>,
}

/// A file that is replaced, and keeps another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Old {
    /// Its name afterwards.
    before: String,
    /// What it is known by.
    inode: u64,
    len_bytes: u64,
    modified: (i64, i64),
}

impl Old {
    /// The file as it is now.
    pub(crate) fn of(image: &Path, before: String) -> io::Result<Self> {
        let meta = fs::metadata(image)?;
        Ok(Self {
            before,
            inode: meta.ino(),
            len_bytes: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        })
    }

    fn is(&self, image: &Path) -> bool {
        Self::of(image, self.before.clone()).is_ok_and(|now| now == *self)
    }
}

/// What was done about a run that had been killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Nothing of it had a name yet: what it had left was removed.
    Removed {
        /// Its work folder.
        work: PathBuf,
    },
    /// The first of its disks had its name already: the others got theirs.
    Finished {
        /// The disks that have their names now.
        disks: Vec<PathBuf>,
    },
}

/// Why a run that was killed could not be cleaned up after.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// A name could not be changed.
    #[error("cannot clean up after a run that was killed ({})", work.display())]
    Io {
        /// Its work folder.
        work: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The image that it was about to replace is not what it was.
    #[error(
        "{} changed after the run that was to replace it was killed; the prepared disk is {}",
        image.display(),
        prepared.display()
    )]
    Changed {
        /// The image.
        image: PathBuf,
        /// Where the prepared disk is.
        prepared: PathBuf,
    },
}

impl Intent {
    /// What gets which name.
    pub(crate) fn new(journal: Option<(String, String)>, disks: Vec<Disk>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            journal,
            disks,
        }
    }

    /// Gives everything its name. If it fails, [`settle`] takes back or finishes what was begun.
    pub(crate) fn carry_out(&self, names: &dyn Names, work: &Path) -> io::Result<()> {
        let above = above(work);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        let unfinished = work.join("publishing.new");
        names.write(&unfinished, &text)?;
        names.rename_over(&unfinished, &work.join(INTENT))?;
        names.sync_folder(work)?;
        names.sync_folder(&above)?;
        if let Some((from, to)) = &self.journal {
            names.rename_new(&work.join(from), &above.join(to))?;
            names.sync_folder(&above)?;
        }
        for disk in &self.disks {
            disk.name(names, work, &above)?;
        }
        Ok(())
    }

    /// What the work folder says, if it says anything: without, nothing was given a name.
    fn read(work: &Path) -> Option<Self> {
        let path = work.join(INTENT);
        let is_short = fs::metadata(&path).is_ok_and(|meta| meta.len() <= MAX_INTENT_BYTES);
        let text = is_short.then(|| fs::read(&path).ok()).flatten()?;
        let own: Self = serde_json::from_slice(&text).ok()?;
        let named = own.disks.iter().flat_map(Disk::names);
        let mut named = named.chain(own.journal.iter().flat_map(|(from, to)| [from, to]));
        // Nothing leads out of the two folders, whoever wrote it.
        let is_ours = own.schema == SCHEMA && named.all(|name| is_plain(name));
        drop(named);
        is_ours.then_some(own)
    }

    /// Takes back what was begun.
    fn take_back(&self, names: &dyn Names, work: &Path) -> io::Result<()> {
        let above = above(work);
        for disk in &self.disks {
            if let Some(old) = &disk.old {
                let (image, before) = (above.join(&disk.to), above.join(&old.before));
                if is_same_file(&image, &before) {
                    names.unlink(&before)?;
                } else if !exists(&image) && old.is(&before) {
                    names.rename_new(&before, &image)?;
                }
            }
        }
        if let Some((from, to)) = &self.journal
            && !exists(&work.join(from))
            && exists(&above.join(to))
        {
            names.rename_new(&above.join(to), &work.join(from))?;
        }
        names.sync_folder(&above)
    }
}

impl Disk {
    fn names(&self) -> impl Iterator<Item = &String> {
        let old = self.old.iter().map(|old| &old.before);
        [&self.from, &self.to].into_iter().chain(old)
    }

    fn has_its_name(&self, work: &Path) -> bool {
        !exists(&work.join(&self.from))
    }

    /// Gives it its name; the old file, if there is one, gets its second name first.
    fn name(&self, names: &dyn Names, work: &Path, above: &Path) -> io::Result<()> {
        let (from, to) = (work.join(&self.from), above.join(&self.to));
        match &self.old {
            None => names.rename_new(&from, &to)?,
            Some(old) => {
                let before = above.join(&old.before);
                match names.link(&to, &before) {
                    Ok(()) => {}
                    Err(_) if is_same_file(&to, &before) => {}
                    // A file system without second names: the old file has one name at each moment.
                    Err(error) if has_no_links(&error) => names.rename_new(&to, &before)?,
                    Err(error) => return Err(error),
                }
                names.sync_folder(above)?;
                names.rename_over(&from, &to)?;
            }
        }
        names.sync_folder(work)?;
        names.sync_folder(above)
    }

    /// The same, where a run was killed before it came to it.
    fn finish(&self, names: &dyn Names, work: &Path) -> Result<(), SettleError> {
        let above = above(work);
        let image = above.join(&self.to);
        let failed = |source| io_error(work, source);
        if let Some(old) = &self.old {
            let before = above.join(&old.before);
            let untouched = old.is(&image) && (!exists(&before) || is_same_file(&image, &before));
            let moved = !exists(&image) && old.is(&before);
            if !untouched && !moved {
                return Err(SettleError::Changed {
                    image,
                    prepared: work.join(&self.from),
                });
            }
            if moved {
                let from = work.join(&self.from);
                names.rename_new(&from, &image).map_err(failed)?;
                return names.sync_folder(&above).map_err(failed);
            }
        }
        self.name(names, work, &above).map_err(failed)
    }
}

/// Cleans up after a run that was killed, of which this is the work folder. Nobody else may be in
/// it.
pub(crate) fn settle(names: &dyn Names, work: &Path) -> Result<Settled, SettleError> {
    let failed = |source| io_error(work, source);
    let mut settled = Settled::Removed {
        work: work.to_owned(),
    };
    if let Some(intent) = Intent::read(work) {
        if intent.disks.iter().any(|disk| disk.has_its_name(work)) {
            for disk in &intent.disks {
                if !disk.has_its_name(work) {
                    disk.finish(names, work)?;
                }
            }
            let above = above(work);
            let disks = intent.disks.iter().map(|disk| above.join(&disk.to));
            settled = Settled::Finished {
                disks: disks.collect(),
            };
        } else {
            intent.take_back(names, work).map_err(failed)?;
        }
        // From here on the folder says nothing any more.
        names.unlink(&work.join(INTENT)).map_err(failed)?;
    }
    names.remove_folder(work).map_err(failed)?;
    Ok(settled)
}

fn io_error(work: &Path, source: io::Error) -> SettleError {
    let work = work.to_owned();
    SettleError::Io { work, source }
}

fn has_no_links(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    // link(2): EPERM, where the file system has no hard links.
    matches!(error.kind(), PermissionDenied | Unsupported | TooManyLinks)
}

fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

/// The folder that the work folder lies in.
fn above(work: &Path) -> PathBuf {
    match work.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests;
