//! What is in a place of the guest's tree.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use detente_plan::protocol::{
    Before, Bytes, FileContent, FileSeen, FileState, GuestPath, MAX_DESCRIBED, Moment, Owner, Xattr,
};
use rustix::fs::OFlags;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::place::Place;
use crate::seeded::finish_hex;
use crate::task_error::{Doing as _, TaskError};

const CHUNK: usize = 256 * 1024;
/// Linux, `XATTR_LIST_MAX` and `XATTR_SIZE_MAX`.
const MAX_XATTR_BYTES: usize = 64 * 1024;
/// More names than anything gives to a file that is kept.
const MAX_XATTRS: usize = 64;
const PERMISSIONS: u32 = 0o7777;

/// Says what is in each place, links followed.
///
/// # Errors
/// Too many places, or one that cannot be read.
pub(super) fn describe(root: &Path, paths: &[GuestPath]) -> Result<Vec<FileSeen>, TaskError> {
    let paths = paths.get(..paths.len().min(MAX_DESCRIBED));
    let seen = paths.unwrap_or_default().iter().map(|path| {
        let link = fs::read_link(root.join(path.as_str().trim_start_matches('/')));
        let link = link
            .ok()
            .map(|target| target.to_string_lossy().into_owned());
        let (resolved, state) = match Place::followed(root, path) {
            // The root has no name in any folder.
            _ if path.as_str() == "/" => (Some("/".to_owned()), state(root)?),
            Ok(place) => (Some(shown(&place.path())), state(&place.path())?),
            Err(TaskError::Io { source, .. }) if leads_nowhere(&source) => {
                (None, FileState::Absent)
            }
            Err(error) => return Err(error),
        };
        Ok(FileSeen {
            path: path.as_str().to_owned(),
            link,
            resolved,
            state,
        })
    });
    seen.collect()
}

/// A path for a message.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// What is at a path, a link not followed.
///
/// # Errors
/// It cannot be read.
pub(super) fn state(path: &Path) -> Result<FileState, TaskError> {
    let what = format!("look at {}", path.display());
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if is_nothing(&error) => return Ok(FileState::Absent),
        Err(error) => return Err(error).doing(&what),
    };
    if kind.is_file() {
        return Ok(FileState::File(Box::new(content(path).doing(&what)?)));
    }
    if kind.is_symlink() {
        let target = fs::read_link(path).doing(&what)?;
        return Ok(FileState::Link {
            target: shown(&target),
        });
    }
    let kind = match () {
        () if kind.is_dir() => "folder",
        () if kind.is_fifo() => "pipe",
        () if kind.is_socket() => "socket",
        () => "device",
    };
    Ok(FileState::Other {
        kind: kind.to_owned(),
    })
}

fn leads_nowhere(error: &io::Error) -> bool {
    is_nothing(error) || Errno::from_io_error(error) == Some(Errno::LOOP)
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether what was found is what is demanded.
pub(super) fn holds(before: &Before, found: &FileState) -> bool {
    match (before, found) {
        (Before::Anything, FileState::Other { .. }) => false,
        (Before::Anything, _) | (Before::Absent, FileState::Absent) => true,
        (Before::File { sha256 }, FileState::File(file)) => file.sha256 == *sha256,
        (Before::Link { target }, FileState::Link { target: found }) => found == target,
        (Before::Absent | Before::File { .. } | Before::Link { .. }, _) => false,
    }
}

fn content(path: &Path) -> io::Result<FileContent> {
    // A device that took the place meanwhile must not hold us.
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY).bits();
    let mut file = File::options()
        .read(true)
        .custom_flags(i32::try_from(flags).map_err(|_| Errno::INVAL)?)
        .open(path)?;
    let (mut digest, mut bytes) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else {
            break;
        };
        digest.update(part);
        bytes = bytes.saturating_add(part.len() as u64);
    }
    let metadata = file.metadata()?;
    Ok(FileContent {
        bytes,
        sha256: finish_hex(digest),
        mode: metadata.mode() & PERMISSIONS,
        owner: Owner {
            uid: metadata.uid(),
            gid: metadata.gid(),
        },
        modified: Moment {
            seconds: metadata.mtime(),
            nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or_default(),
        },
        names: metadata.nlink(),
        xattrs: xattrs(&file)?,
    })
}

/// Extended attributes, sorted by name; none where the file system has none.
fn xattrs(file: &File) -> io::Result<Vec<Xattr>> {
    let mut list = vec![0_u8; MAX_XATTR_BYTES];
    let len = match rustix::fs::flistxattr(file, &mut list[..]) {
        Ok(len) => len,
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => 0,
        Err(error) => return Err(error.into()),
    };
    let names = list.get(..len).unwrap_or_default().split(|byte| *byte == 0);
    let mut found = Vec::new();
    let mut value = vec![0_u8; MAX_XATTR_BYTES];
    for name in names.filter(|name| !name.is_empty()).take(MAX_XATTRS) {
        let (Ok(text), Ok(name)) = (std::str::from_utf8(name), CString::new(name)) else {
            continue;
        };
        match rustix::fs::fgetxattr(file, &name, &mut value[..]) {
            Ok(len) => found.push(Xattr {
                name: text.to_owned(),
                value: Bytes(value.get(..len).unwrap_or_default().to_vec()),
            }),
            // What vanishes or is hidden from us is not there for us.
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::ACCESS | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use detente_plan::protocol::{Before, FileState};

    use super::{describe, holds, state};

    /// FIPS 180-2, B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_is_described_through_a_link() {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().join("real");
        fs::write(&real, "abc").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o4640)).unwrap();
        symlink("real", root.path().join("link")).unwrap();
        symlink("round", root.path().join("round")).unwrap();
        let paths = [
            "/link", "/gone", "/real/x", "/gone/x", "/round", "/round/x", "/",
        ];
        let paths = paths.map(|path| path.try_into().unwrap());
        let seen = describe(root.path(), &paths).unwrap();
        assert_eq!(seen[0].link.as_deref(), Some("real"));
        let FileState::File(file) = &seen[0].state else {
            panic!("{seen:?}")
        };
        assert_eq!((file.bytes, &*file.sha256), (3, ABC));
        assert_eq!((file.mode, file.names), (0o4640, 1));
        for nothing in &seen[1..6] {
            assert_eq!(nothing.state, FileState::Absent, "{}", nothing.path);
        }
        assert_eq!(seen[4].link.as_deref(), Some("round"));
        assert!(matches!(seen[6].state, FileState::Other { .. }));
    }

    #[test]
    fn what_is_no_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        let folder = state(root.path()).unwrap();
        assert_eq!(
            folder,
            FileState::Other {
                kind: "folder".into()
            }
        );
        symlink("x", root.path().join("link")).unwrap();
        let link = state(&root.path().join("link")).unwrap();
        assert_eq!(link, FileState::Link { target: "x".into() });
        assert!(holds(&Before::Anything, &link));
        assert!(!holds(&Before::Anything, &folder));
        assert!(!holds(&Before::Absent, &link));
        assert!(holds(&Before::Link { target: "x".into() }, &link));
        assert!(!holds(&Before::Link { target: "y".into() }, &link));
    }
}
