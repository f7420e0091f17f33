//! A file that gets its name when it is whole.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use detente_block::{BlockRead, FileBackend};
use rustix::fs::{
    Advice, FallocateFlags, FlockOperation, copy_file_range, fadvise, fallocate, fchown, flock,
};
use rustix::fs::{Gid, Uid};
use rustix::io::Errno;

use crate::OnExisting;
use crate::destination::Destination;
use crate::direct::{Direct, WORTH_IT};
use crate::name::rename_new;
use crate::space;

const SUFFIX: &str = ".part";
const INFIX: &str = ".detente-";
/// How much of the file's name the temporary one repeats.
const MAX_NAME: usize = 200;

/// A new file. Until it is published it has a temporary name in the same folder, and is locked, so
/// that those who come later can tell it from one whose writer died.
pub(crate) struct NewFile {
    file: File,
    path: PathBuf,
    temporary: PathBuf,
    on_existing: OnExisting,
    is_published: bool,
    /// Opened when it is first wanted.
    direct: OnceLock<Option<Direct>>,
}

impl NewFile {
    /// A new file for `path`. What dead writers of the same file left is removed.
    pub(crate) fn create(path: &Path, on_existing: OnExisting) -> io::Result<Self> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        // Names have 255 bytes at most, and more is added to it.
        let name = name.as_bytes();
        let name = OsStr::from_bytes(name.get(..MAX_NAME).unwrap_or(name));
        let folder = folder_of(path);
        remove_stale(&folder, name);
        let (file, temporary) = create_locked(&folder, name)?;
        if let (Ok(old), OnExisting::Replace | OnExisting::KeepOld) =
            (std::fs::metadata(path), on_existing)
        {
            take_over(&file, &old);
        }
        Ok(Self {
            file,
            path: path.to_path_buf(),
            temporary,
            on_existing,
            is_published: false,
            direct: OnceLock::new(),
        })
    }

    /// The way past the page cache, unless its bytes are shared with those of `source`.
    fn direct(&self, source: &File) -> Option<&Direct> {
        let open = || {
            let device = |file: &File| file.metadata().map(|meta| meta.dev()).ok();
            let shares = device(source) == device(&self.file)
                && space::shares_extents(&folder_of(&self.path));
            (!shares).then(|| Direct::open(&self.temporary)).flatten()
        };
        self.direct.get_or_init(open).as_ref()
    }
}

/// What the old file is called when a new one took its name.
pub(crate) fn old_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".before");
    PathBuf::from(name)
}

/// Gives the old file a second name: it has the first one until the new file gets it.
fn keep_old(path: &Path) -> io::Result<()> {
    let kept = old_name(path);
    match std::fs::hard_link(path, &kept) {
        Ok(()) => Ok(()),
        // There is nothing to be kept.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A run that was killed in between left it.
        Err(_) if is_same_file(path, &kept) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let number = |path: &Path| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    matches!((number(one), number(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether [`OnExisting::KeepOld`] would meet another file of the old one's new name.
pub(crate) fn cannot_keep_old(path: &Path) -> bool {
    let kept = old_name(path);
    kept.symlink_metadata().is_ok() && !is_same_file(path, &kept)
}

/// Gives the new file the owner and the mode of the one that it replaces, as far as we may.
fn take_over(file: &File, old: &Metadata) {
    let owner = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
    let given = fchown(file, Some(owner.0), Some(owner.1));
    // Another's file must not get the rights that were meant for its owner alone.
    if given.is_ok() {
        let _ = file.set_permissions(old.permissions());
    }
}

/// The folder that a file is in; never the empty path.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn create_locked(folder: &Path, name: &OsStr) -> io::Result<(File, PathBuf)> {
    // Somebody may take a file that is not locked yet for a dead writer's; not for ever.
    for _ in 0..100 {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!("{INFIX}{:08x}{SUFFIX}", u32::from_ne_bytes(random)));
        let path = folder.join(temporary);
        let mut options = OpenOptions::new();
        let file = match options.read(true).write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        // File systems without locks have no stale files removed either.
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let is_ours = std::fs::metadata(&path)
            .is_ok_and(|now| file.metadata().is_ok_and(|own| own.ino() == now.ino()));
        if is_ours && !matches!(locked, Err(Errno::WOULDBLOCK)) {
            return Ok((file, path));
        }
    }
    let what = "no temporary file can be made";
    Err(io::Error::new(io::ErrorKind::ResourceBusy, what))
}

/// Removes temporary files for `name` that nobody holds. Failures are nobody's concern: the file is
/// still there next time.
fn remove_stale(folder: &Path, name: &OsStr) {
    let mut prefix = b".".to_vec();
    prefix.extend(name.as_encoded_bytes());
    prefix.extend(INFIX.as_bytes());
    let Ok(entries) = folder.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let found = entry.file_name();
        let found = found.as_encoded_bytes();
        let is_temporary = found.starts_with(&prefix)
            && found.ends_with(SUFFIX.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_temporary {
            continue;
        }
        if let Ok(file) = File::open(entry.path())
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

impl Destination for NewFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn starts_empty(&self) -> bool {
        true
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn copy_from(&self, source: &File, from: u64, to: u64, len: u64) -> io::Result<u64> {
        if len >= WORTH_IT
            && let Some(direct) = self.direct(source)
            && let Some(moved) = direct.copy(&self.file, source, (from, to), len)?
        {
            return Ok(moved);
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let (mut from, mut to) = (from, to);
        let moved = copy_file_range(source, Some(&mut from), &self.file, Some(&mut to), len)?;
        Ok(moved as u64)
    }

    fn waits_for_medium(&self, source: &File) -> bool {
        self.direct(source).is_some_and(Direct::works)
    }

    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        match self.direct.get() {
            Some(Some(direct)) => direct.reserve(offset, len),
            Some(None) | None => Ok(()),
        }
    }

    fn zero_at(&self, offset: u64, len: u64) -> io::Result<()> {
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(&self.file, hole, offset, len)?)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        Ok(fallocate(&self.file, FallocateFlags::empty(), 0, len)?)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn reopen(&self) -> io::Result<Arc<dyn BlockRead>> {
        let path = match self.is_published {
            true => &self.path,
            false => &self.temporary,
        };
        // A hint: a file system that keeps everything in memory has nothing else to read from.
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        Ok(Arc::new(FileBackend::open(path)?))
    }

    fn allocated_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.blocks().saturating_mul(512))
    }

    fn publish(&mut self) -> io::Result<()> {
        match self.on_existing {
            OnExisting::Refuse => rename_new(&self.temporary, &self.path)?,
            OnExisting::Replace => std::fs::rename(&self.temporary, &self.path)?,
            OnExisting::KeepOld => {
                keep_old(&self.path)?;
                std::fs::rename(&self.temporary, &self.path)?;
            }
        }
        self.is_published = true;
        File::open(folder_of(&self.path))?.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_published {
            // Whoever comes next removes what cannot be removed now.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
