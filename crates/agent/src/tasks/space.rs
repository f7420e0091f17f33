//! How much room there is.

use std::path::Path;

use detente_plan::protocol::{GuestPath, MAX_DESCRIBED, Space, Spaces};
use rustix::fs::StatVfsMountFlags;

use super::place::Place;
use crate::task_error::{Doing as _, TaskError};

/// The room on the file system of each place. Of one that does not exist yet it is the room of the
/// folder that would hold it.
///
/// # Errors
/// The kernel does not tell.
pub(super) fn run(root: &Path, paths: &[GuestPath]) -> Result<Spaces, TaskError> {
    let spaces = paths
        .iter()
        .take(MAX_DESCRIBED)
        .map(|path| space(root, path));
    Ok(Spaces {
        spaces: spaces.collect::<Result<_, _>>()?,
    })
}

fn space(root: &Path, path: &GuestPath) -> Result<Space, TaskError> {
    let mut there = root.join(path.as_str().trim_start_matches('/'));
    if !there.exists() {
        let place = Place::of(root, path)?;
        let above = place.missing.first().and_then(|first| first.parent());
        there = above.unwrap_or(&place.folder).to_owned();
    }
    let room = rustix::fs::statvfs(&there).doing(&format!("ask for room in {path}"))?;
    Ok(Space {
        path: path.as_str().to_owned(),
        free_bytes: room.f_bfree.saturating_mul(room.f_frsize),
        total_bytes: room.f_blocks.saturating_mul(room.f_frsize),
        // btrfs and FAT count none.
        free_files: (room.f_files > 0).then_some(room.f_ffree),
        read_only: room.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn a_place_that_is_missing_has_the_room_of_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let paths = ["/", "/a/b"].map(|path| path.try_into().unwrap());
        let spaces = run(root.path(), &paths).unwrap().spaces;
        assert_eq!(spaces[0].total_bytes, spaces[1].total_bytes);
        assert!(spaces[0].total_bytes >= spaces[0].free_bytes);
        assert!(!spaces[1].read_only);
    }
}
