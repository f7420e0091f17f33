//! Taking a file away.

use std::fs;
use std::path::Path;

use detente_plan::protocol::{ChangeEnd, FileState, RemoveFile, Removed};
use rustix::io::Errno;

use super::file_state::{holds, shown, state};
use super::place::{Place, sync_folder};
use crate::task_error::{Doing as _, TaskError};

/// Removes the file, unless something else is there than was demanded. One that is not there is
/// as it should be.
///
/// # Errors
/// The kernel refuses.
pub(super) fn run(root: &Path, order: &RemoveFile) -> Result<Removed, TaskError> {
    let place = Place::of(root, &order.path)?;
    let path = place.path();
    let found = state(&path)?;
    let refused = !holds(&order.before, &found);
    let mut removed = Removed {
        end: if refused {
            ChangeEnd::Refused
        } else {
            ChangeEnd::Done
        },
        resolved: shown(&path),
        found,
        removed_folders: Vec::new(),
    };
    if refused {
        return Ok(removed);
    }
    if removed.found != FileState::Absent {
        fs::remove_file(&path).doing(&format!("remove {}", path.display()))?;
        sync_folder(&place.folder)?;
    }
    for folder in &order.empty_folders {
        let place = Place::of(root, folder)?;
        let path = place.path();
        match rustix::fs::rmdir(&path) {
            Ok(()) => {
                sync_folder(&place.folder)?;
                removed.removed_folders.push(shown(&path));
            }
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR | Errno::BUSY) => {}
            Err(error) => return Err(error).doing(&format!("remove {}", path.display())),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use detente_plan::protocol::{Before, ChangeEnd, RemoveFile};

    use super::run;

    /// FIPS 180-2, B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn only_what_is_meant_is_removed_and_only_empty_folders() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        fs::create_dir_all(root.join("etc/made")).unwrap();
        fs::write(root.join("etc/made/file"), "abd").unwrap();
        fs::write(root.join("etc/kept"), "").unwrap();
        let order = RemoveFile {
            path: "/etc/made/file".try_into().unwrap(),
            before: Before::File { sha256: ABC.into() },
            empty_folders: ["/etc/made", "/etc"]
                .map(|path| path.try_into().unwrap())
                .into(),
        };
        assert_eq!(run(&root, &order).unwrap().end, ChangeEnd::Refused);
        fs::write(root.join("etc/made/file"), "abc").unwrap();
        let removed = run(&root, &order).unwrap();
        assert_eq!(removed.end, ChangeEnd::Done);
        let made = root.join("etc/made").to_string_lossy().into_owned();
        assert_eq!(removed.removed_folders, [made]);
        assert!(root.join("etc/kept").exists());
    }
}
