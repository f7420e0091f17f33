//! The folder in which a prepared disk comes to be: beside the name that it gets, locked as long as
//! its maker lives, so that whoever comes later can tell that it is dead.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::names::System;
use super::publish::{SettleError, Settled, settle};

/// What stands between the name of the image and the random end.
const INFIX: &str = ".detente-prepare-";

/// How much of the image's name is repeated: names have 255 bytes at most.
const MAX_NAME: usize = 200;

/// A folder of our own. Dropped, it goes with all that is in it.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl WorkFolder {
    /// A new one in `above`, for an image of this name.
    pub(crate) fn create(above: &Path, name: &OsStr) -> io::Result<Self> {
        let name = name.as_bytes();
        let name = OsStr::from_bytes(name.get(..MAX_NAME).unwrap_or(name));
        // Somebody may take a folder that is not locked yet for a dead one's; not for ever.
        for _ in 0..100 {
            let mut random = [0; 4];
            getrandom::fill(&mut random).map_err(io::Error::other)?;
            let mut own = OsString::from(".");
            own.push(name);
            own.push(format!("{INFIX}{:08x}", u32::from_ne_bytes(random)));
            let path = above.join(own);
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            if let Some(lock) = lock(&path)? {
                return Ok(Self { path, _lock: lock });
            }
        }
        let what = "no work folder can be made";
        Err(io::Error::new(io::ErrorKind::ResourceBusy, what))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it.
    pub(crate) fn subfolder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What was begun to get its name is taken back, or brought to its end. Where that fails,
        // the next run does it.
        let _ = settle(&System, &self.path);
    }
}

/// Locks a folder, if nobody else has, and it is still there.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let folder = match File::open(path) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let own = folder.metadata()?;
    let is_there =
        fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (own.dev(), own.ino()));
    Ok(is_there.then_some(folder))
}

/// Cleans up after runs that were killed in this folder: each is brought to one end or the other.
///
/// # Errors
/// [`SettleError`].
pub fn settle_folder(above: &Path) -> Result<Vec<Settled>, SettleError> {
    let mut settled = Vec::new();
    // A folder that cannot be read is the next one's error, who says more.
    for entry in above.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.as_encoded_bytes().starts_with(b".")
            && name.to_string_lossy().contains(INFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_ours && let Ok(Some(_lock)) = lock(&entry.path()) {
            settled.push(settle(&System, &entry.path())?);
        }
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_folder_goes_with_its_maker() {
        let place = tempfile::tempdir().unwrap();
        let work = WorkFolder::create(place.path(), OsStr::new("disk.raw")).unwrap();
        fs::write(work.path().join("overlay"), "x").unwrap();
        assert_eq!(settle_folder(place.path()).unwrap(), [], "it is alive");
        assert!(work.path().exists());
        drop(work);
        assert_eq!(names(place.path()), 0);
    }

    #[test]
    fn what_a_dead_one_left_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let dead = place.path().join(".disk.raw.detente-prepare-01234567");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("overlay"), "x").unwrap();
        fs::create_dir(place.path().join(".disk.raw.of-others")).unwrap();
        let settled = settle_folder(place.path()).unwrap();
        assert_eq!(settled, [Settled::Removed { work: dead }]);
        assert_eq!(names(place.path()), 1);
    }

    #[test]
    fn a_long_name_has_room() {
        let place = tempfile::tempdir().unwrap();
        let long = "x".repeat(250);
        WorkFolder::create(place.path(), OsStr::new(&long)).unwrap();
    }
}
