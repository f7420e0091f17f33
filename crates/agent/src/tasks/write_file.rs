//! Putting a file in its place.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use detente_plan::protocol::{
    Before, ChangeEnd, Content, FileContent, FileState, INLINE_LIMIT_BYTES, WriteFile, Written,
};

use super::file_state::{holds, shown, state};
use super::metadata::{self, Metadata};
use super::place::{Place, sync_folder};
use super::{payload_disk, relabel};
use crate::task_error::{Doing as _, TaskError};

/// Writes the file, unless something else is there than was demanded.
///
/// # Errors
/// Something could not be done; then the place is as it was, but for folders that were made.
pub(super) fn run(root: &Path, order: &WriteFile) -> Result<Written, TaskError> {
    let place = place(root, order)?;
    let found = state(&place.path())?;
    let mut written = Written {
        end: ChangeEnd::Refused,
        resolved: shown(&place.path()),
        left: found.clone(),
        found,
        made_folders: Vec::new(),
        relabelled: None,
    };
    if !holds(&order.before, &written.found) || matches!(written.found, FileState::Other { .. }) {
        return Ok(written);
    }
    place.make_folders()?;
    written.made_folders = place.missing.iter().map(|folder| shown(folder)).collect();
    let temporary = place.temporary();
    let _ = fs::remove_file(&temporary);
    let done = make(root, &temporary, order, &written.found).and_then(|()| {
        let what = format!("rename to {}", place.path().display());
        fs::rename(&temporary, place.path()).doing(&what)
    });
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done?;
    if order.xattrs.is_none() && !matches!(written.found, FileState::File(_)) {
        let first = place
            .missing
            .first()
            .map_or_else(|| place.path(), Clone::clone);
        written.relabelled = relabel::run(root, &first);
    }
    sync_folder(&place.folder)?;
    written.left = state(&place.path())?;
    written.end = ChangeEnd::Done;
    Ok(written)
}

/// The place that is meant: a last name that is a link is followed, unless it is about the link.
fn place(root: &Path, order: &WriteFile) -> Result<Place, TaskError> {
    let about_the_name = matches!(order.content, Content::Link { .. })
        || matches!(order.before, Before::Absent | Before::Link { .. });
    if about_the_name {
        Place::of(root, &order.path)
    } else {
        Place::followed(root, &order.path)
    }
}

/// The new file under its temporary name, on stable storage.
fn make(root: &Path, path: &Path, order: &WriteFile, found: &FileState) -> Result<(), TaskError> {
    let what = format!("write {}", path.display());
    if let Content::Link { target } = &order.content {
        return std::os::unix::fs::symlink(target, path).doing(&what);
    }
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .doing(&what)?;
    fill(root, &file, &order.content)?;
    metadata::set(&file, &wanted(order, found))?;
    rustix::fs::fsync(&file).doing(&what)
}

fn fill(root: &Path, mut file: &File, content: &Content) -> Result<(), TaskError> {
    match content {
        Content::Message { bytes } if bytes.0.len() > INLINE_LIMIT_BYTES => {
            Err(TaskError::Spoiled {
                what: format!("a content of {} bytes in a message", bytes.0.len()),
            })
        }
        Content::Message { bytes } => file.write_all(&bytes.0).doing("write the content"),
        Content::Payload(span) => {
            let disk = payload_disk::find(root, &span.run_id)?;
            payload_disk::copy(&disk, span, file)
        }
        Content::Link { .. } => Ok(()),
    }
}

/// What was ordered, and for the rest what the file had that is replaced.
fn wanted(order: &WriteFile, found: &FileState) -> Metadata {
    let old: Option<&FileContent> = match found {
        FileState::File(file) => Some(file),
        FileState::Absent | FileState::Link { .. } | FileState::Other { .. } => None,
    };
    let kept = || old.map(|old| metadata::kept_xattrs(&old.xattrs));
    Metadata {
        mode: order.mode.or(old.map(|old| old.mode)).unwrap_or(0o644),
        owner: order.owner.or(old.map(|old| old.owner)),
        modified: order.modified,
        xattrs: order.xattrs.clone().or_else(kept).unwrap_or_default(),
    }
}

#[cfg(test)]
#[path = "write_file_tests.rs"]
mod tests;
