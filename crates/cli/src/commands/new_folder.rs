//! A folder that is whole or not there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use detente_copy::rename_new;

use crate::failure::Failure;

/// A folder under a temporary name, until it is published. What a killed run left is removed by
/// the next one for the same name.
pub(in crate::commands) struct NewFolder {
    part: PathBuf,
    target: PathBuf,
    /// Held for as long as somebody writes in it.
    lock: Option<File>,
    lock_path: PathBuf,
}

impl NewFolder {
    /// An empty folder beside the one that it becomes.
    pub(in crate::commands) fn create(target: &Path) -> Result<Self, Failure> {
        if target.symlink_metadata().is_ok() {
            return Err(Failure::usage(
                format!("{} is there already", target.display()),
                "name a new folder; nothing is replaced",
            ));
        }
        let failed = |error: io::Error| {
            let hint = "the folder above must exist and be writable for you".to_owned();
            let error = anyhow::Error::new(error).context(target.display().to_string());
            Failure::cannot_tell(error, Some(hint))
        };
        let (above, name) = parts(target)?;
        let beside = |end: &str| above.join(format!(".{name}.{end}"));
        let (part, lock_path) = (beside("detente-part"), beside("detente-lock"));
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("{} is being made by another run", target.display());
                return Err(Failure::usage(
                    what,
                    "wait until it ends, or name another folder",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if part.symlink_metadata().is_ok() {
            fs::remove_dir_all(&part).map_err(failed)?;
        }
        fs::create_dir(&part).map_err(failed)?;
        Ok(Self {
            part,
            target: above.join(&name),
            lock: Some(lock),
            lock_path,
        })
    }

    /// Removes what a run that was killed left beside a folder that is whole, unless somebody else
    /// holds it.
    pub(in crate::commands) fn sweep(target: &Path) {
        let Ok((above, name)) = parts(target) else {
            return;
        };
        let lock_path = above.join(format!(".{name}.detente-lock"));
        let held = File::open(&lock_path).is_ok_and(|lock| lock.try_lock().is_err());
        if !held {
            // It is nobody's, or not there.
            let _ = fs::remove_file(&lock_path);
        }
    }

    /// Where a file of it is written.
    pub(in crate::commands) fn path(&self, name: &str) -> PathBuf {
        self.part.join(name)
    }

    /// Where it will be.
    pub(in crate::commands) fn target(&self) -> &Path {
        &self.target
    }

    /// Writes a file that is small, to stable storage.
    pub(in crate::commands) fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path(name);
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(bytes)?;
            if path.extension().is_some_and(|end| end == "sh") {
                file.set_permissions(fs::Permissions::from_mode(0o755))?;
            }
            file.sync_all()
        };
        write().with_context(|| path.display().to_string())
    }

    /// Gives it its name, with all that it holds on stable storage.
    pub(in crate::commands) fn publish(mut self) -> anyhow::Result<PathBuf> {
        let above = self.target.parent().unwrap_or(Path::new("."));
        let publish = || {
            File::open(&self.part)?.sync_all()?;
            rename_new(&self.part, &self.target)?;
            File::open(above)?.sync_all()
        };
        publish().with_context(|| self.target.display().to_string())?;
        self.unlock();
        Ok(self.target.clone())
    }

    fn unlock(&mut self) {
        if self.lock.take().is_some() {
            // Whoever opens it now makes a new one.
            let _ = fs::remove_file(&self.lock_path);
        }
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if self.lock.is_some() {
            let _ = fs::remove_dir_all(&self.part);
            self.unlock();
        }
    }
}

/// The folder above, without links, and the name in it.
fn parts(target: &Path) -> Result<(PathBuf, String), Failure> {
    let no_name = || {
        let what = format!("{} names no new folder", target.display());
        Failure::usage(what, "name a folder that is not there yet")
    };
    let name = target
        .file_name()
        .ok_or_else(no_name)?
        .to_str()
        .ok_or_else(no_name)?;
    let above = match target.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        Some(_) | None => Path::new("."),
    };
    let above = fs::canonicalize(above).map_err(|error| {
        let error = anyhow::Error::new(error).context(above.display().to_string());
        Failure::cannot_tell(error, Some("the folder above must exist".to_owned()))
    })?;
    Ok((above, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_whole_or_not_there() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("web");
        let folder = NewFolder::create(&target).unwrap();
        folder.write("a", b"1").unwrap();
        assert!(!target.exists());
        // Nobody else makes it meanwhile.
        assert!(NewFolder::create(&target).is_err());
        folder.publish().unwrap();
        assert_eq!(fs::read(target.join("a")).unwrap(), b"1");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert!(NewFolder::create(&target).is_err());
    }

    #[test]
    fn a_lock_beside_a_whole_folder_is_removed_unless_it_is_held() {
        let place = tempfile::tempdir().unwrap();
        let (target, lock_path) = (
            place.path().join("web"),
            place.path().join(".web.detente-lock"),
        );
        fs::create_dir(&target).unwrap();
        let lock = File::create(&lock_path).unwrap();
        lock.lock().unwrap();
        NewFolder::sweep(&target);
        assert!(lock_path.exists());
        drop(lock);
        NewFolder::sweep(&target);
        assert!(!lock_path.exists() && target.exists());
    }

    #[test]
    fn what_was_left_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("web");
        let left = place.path().join(".web.detente-part");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("half"), b"").unwrap();
        let folder = NewFolder::create(&target).unwrap();
        assert!(!folder.path("half").exists());
        drop(folder);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
