//! How what is whole gets its name.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Gives `from`, a file or a folder, the name `to`, which nothing may have: nothing is replaced, not
/// even what came to be in the same moment.
///
/// Where the file system cannot promise that, a file gets a second name first, which replaces nothing
/// either; a folder, or a file where there are no second names, is renamed if nothing was there just
/// before. No folder that holds something is ever replaced.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where the name is taken; what the file system says.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS) => without_the_flag(from, to),
        Err(error) => Err(error.into()),
    }
}

fn without_the_flag(from: &Path, to: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(from)?.is_dir() {
        match fs::hard_link(from, to) {
            Ok(()) => return fs::remove_file(from),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // exFAT and others have no second names.
            Err(_) => {}
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways do the same: with the flag, and without.
    #[test]
    fn nothing_is_replaced() {
        for rename in [rename_new, without_the_flag] {
            let place = tempfile::tempdir().unwrap();
            let path = |name: &str| place.path().join(name);
            for name in ["file", "folder/file", "other", "others/file"] {
                let path = path(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, name).unwrap();
            }
            fs::create_dir(path("empty")).unwrap();
            std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
            for taken in ["other", "others", "empty", "link"] {
                for from in ["file", "folder"] {
                    let refused = rename(&path(from), &path(taken)).unwrap_err();
                    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists, "{taken}");
                }
            }
            assert_eq!(fs::read(path("other")).unwrap(), b"other");
            rename(&path("file"), &path("new")).unwrap();
            rename(&path("folder"), &path("new folder")).unwrap();
            assert_eq!(fs::read(path("new")).unwrap(), b"file");
            assert_eq!(fs::read(path("new folder/file")).unwrap(), b"folder/file");
            assert!(!path("file").exists() && !path("folder").exists());
        }
    }
}
