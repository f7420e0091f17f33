//! Where a path of the guest's leads.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use detente_plan::protocol::GuestPath;
use rustix::io::Errno;

use crate::task_error::{Doing as _, TaskError};

/// Links that are followed for one path, as the kernel does (Linux, `MAXSYMLINKS`).
const MAX_LINKS: u32 = 40;

/// A name in a folder whose own way is free of links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder, as far as it exists without links.
    pub(super) folder: PathBuf,
    /// Folders that are missing, the outermost first; the last is `folder`.
    pub(super) missing: Vec<PathBuf>,
    name: OsString,
}

impl Place {
    /// Where the path leads below `root`, its last name not followed.
    ///
    /// # Errors
    /// A folder of the way is no folder, or cannot be looked at.
    pub(super) fn of(root: &Path, path: &GuestPath) -> Result<Self, TaskError> {
        let path = root.join(path.as_str().trim_start_matches('/'));
        Self::at(&path).doing(&format!("find {}", path.display()))
    }

    /// The same, the last name followed as long as it is a link.
    ///
    /// # Errors
    /// As [`Place::of`], and links without end.
    pub(super) fn followed(root: &Path, path: &GuestPath) -> Result<Self, TaskError> {
        let mut place = Self::of(root, path)?;
        for _ in 0..MAX_LINKS {
            let Ok(target) = fs::read_link(place.path()) else {
                return Ok(place);
            };
            let next = place.folder.join(target);
            place = Self::at(&next).doing(&format!("follow {}", next.display()))?;
        }
        Err(Errno::LOOP).doing(&format!("follow {path}"))
    }

    /// The whole path.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Another name in the same folder, for what is not ready yet.
    pub(super) fn temporary(&self) -> PathBuf {
        self.folder
            .join(format!(".detente-{}.tmp", std::process::id()))
    }

    /// Makes the folders that are missing.
    ///
    /// # Errors
    /// Whatever the kernel says.
    pub(super) fn make_folders(&self) -> Result<(), TaskError> {
        for folder in &self.missing {
            fs::create_dir(folder).doing(&format!("make {}", folder.display()))?;
            use std::os::unix::fs::PermissionsExt as _;
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder, open).doing(&format!("open {}", folder.display()))?;
            sync_folder(folder.parent().unwrap_or(folder))?;
        }
        Ok(())
    }

    fn at(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(Errno::ISDIR)?.to_owned();
        let above = path.parent().ok_or(Errno::ISDIR)?;
        let mut missing = Vec::new();
        let mut there = above;
        // Bounded by the length of the path.
        let real = loop {
            match fs::canonicalize(there) {
                Ok(real) if real.is_dir() => break real,
                Ok(_) => return Err(Errno::NOTDIR.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // A link that leads nowhere is no missing folder.
                    if fs::symlink_metadata(there).is_ok() {
                        return Err(error);
                    }
                    missing.push(there.file_name().ok_or(Errno::NOENT)?);
                    there = there.parent().ok_or(Errno::NOENT)?;
                }
                Err(error) => return Err(error),
            }
        };
        let mut folder = real;
        let missing = missing.iter().rev().map(|name| {
            folder.push(name);
            folder.clone()
        });
        let missing = missing.collect();
        Ok(Self {
            folder,
            missing,
            name,
        })
    }
}

/// Makes what was done to a folder's names last.
///
/// # Errors
/// Whatever the kernel says.
pub(super) fn sync_folder(folder: &Path) -> Result<(), TaskError> {
    let what = format!("sync {}", folder.display());
    let handle = fs::File::open(folder).doing(&what)?;
    match rustix::fs::fsync(&handle) {
        // File systems that keep no folders open say so.
        Err(Errno::INVAL) => Ok(()),
        other => other.doing(&what),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::Place;

    #[test]
    fn links_to_folders_are_followed_and_the_last_name_only_on_demand() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        fs::create_dir_all(root.join("usr/lib")).unwrap();
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("../real", root.join("usr/lib/link")).unwrap();
        let path = "/lib/link".try_into().unwrap();
        let place = Place::of(&root, &path).unwrap();
        assert_eq!(place.path(), root.join("usr/lib/link"));
        let place = Place::followed(&root, &path).unwrap();
        assert_eq!(place.path(), root.join("usr/real"));
        assert_eq!(place.missing.len(), 0);
    }

    #[test]
    fn folders_that_are_missing_are_made_in_order() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        fs::create_dir(root.join("etc")).unwrap();
        let place = Place::of(&root, &"/etc/a/b/c.conf".try_into().unwrap()).unwrap();
        assert_eq!(place.missing, [root.join("etc/a"), root.join("etc/a/b")]);
        place.make_folders().unwrap();
        assert!(root.join("etc/a/b").is_dir());
    }

    #[test]
    fn ways_that_lead_nowhere_are_errors() {
        let root = tempfile::tempdir().unwrap();
        symlink("loop", root.path().join("loop")).unwrap();
        symlink("/nowhere/at/all", root.path().join("gone")).unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        for path in ["/gone/x", "/file/x", "/loop/x"] {
            let path = path.try_into().unwrap();
            assert!(Place::of(root.path(), &path).is_err(), "{path}");
        }
        assert!(Place::followed(root.path(), &"/loop".try_into().unwrap()).is_err());
    }
}
