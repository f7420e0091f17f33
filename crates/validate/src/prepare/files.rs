//! The guest's files, read from the image.

use std::collections::BTreeMap;

use detente_guest::prepare::{FileFacts, FileState, Owner};
use detente_plan::protocol;
use detente_volume::{FileKind, FileSystem, FsError};

use super::tree::sha256_of;

/// What stands at a path; a link in its last part is not followed. Owner and attributes are not
/// known from outside.
pub(crate) fn state(tree: &dyn FileSystem, path: &str) -> Result<FileState, FsError> {
    match tree.read_link(path) {
        Ok(target) => return Ok(FileState::Link { target }),
        Err(FsError::NotFound { .. }) => return Ok(FileState::Absent),
        Err(FsError::WrongKind { .. }) => {}
        Err(error) => return Err(error),
    }
    let metadata = match tree.metadata(path) {
        Ok(metadata) => metadata,
        Err(FsError::NotFound { .. }) => return Ok(FileState::Absent),
        Err(error) => return Err(error),
    };
    match metadata.kind {
        FileKind::File => {}
        FileKind::Directory | FileKind::Symlink | FileKind::Special => return Ok(FileState::Other),
    }
    let file = tree.open(path)?;
    Ok(FileState::File(FileFacts {
        sha256: sha256_of(&*file)?,
        len_bytes: file.len_bytes(),
        mode: u32::from(metadata.mode),
        modified_s: metadata.modified_s,
        owner: None,
        xattrs: None,
    }))
}

/// The same state with the owner and the attributes that the agent saw, where it saw the same file.
pub(crate) fn with_seen(state: FileState, seen: Option<&protocol::FileState>) -> FileState {
    let (FileState::File(facts), Some(protocol::FileState::File(seen))) = (&state, seen) else {
        return state;
    };
    if facts.sha256 != seen.sha256 {
        return state;
    }
    FileState::File(FileFacts {
        owner: Some(Owner {
            uid: seen.owner.uid,
            gid: seen.owner.gid,
        }),
        xattrs: Some(xattrs(&seen.xattrs)),
        ..facts.clone()
    })
}

fn xattrs(seen: &[protocol::Xattr]) -> BTreeMap<String, String> {
    let pair = |own: &protocol::Xattr| (own.name.clone(), String::from(own.value.clone()));
    seen.iter().map(pair).collect()
}
