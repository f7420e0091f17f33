//! The source stays what it is, and is not what is written to.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use detente_disk::{Image, Mapped};

use crate::qemu_locks::{self, Locked};
use crate::{ConvertError, SourceLock};

/// Holds the files of an image for as long as they are read.
pub(crate) struct Guard<'a> {
    files: Vec<Held<'a>>,
    lock: SourceLock,
}

struct Held<'a> {
    path: PathBuf,
    file: Option<&'a File>,
    /// None where the bytes are in memory.
    before: Option<State>,
}

/// What tells that a file is the same, and holds the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    /// Unless it is a device, whose times say nothing.
    content: Option<Content>,
}

/// Changes with the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content {
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl State {
    fn of(meta: &Metadata) -> Self {
        let is_device = meta.file_type().is_block_device();
        let content = || Content {
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        };
        Self {
            device: if is_device { meta.rdev() } else { meta.dev() },
            inode: if is_device { 0 } else { meta.ino() },
            content: (!is_device).then(content),
        }
    }

    fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

impl<'a> Guard<'a> {
    /// Locks every file of the image, and remembers how it is.
    pub(crate) fn hold(image: &'a Image, lock: SourceLock) -> Result<Self, ConvertError> {
        let mut guard = Self {
            files: Vec::new(),
            lock,
        };
        for file in image.stack.files() {
            let held = Held::new(&file.path, file.reader.host_file())?;
            if let (Some(host), SourceLock::Required) = (held.file, lock) {
                let locked = qemu_locks::lock(host).map_err(|source| held.cannot(source))?;
                if locked == Locked::ByOthers {
                    return Err(ConvertError::SourceInUse { path: held.path });
                }
            }
            guard.files.push(held);
        }
        Ok(guard)
    }

    /// Refuses to write to a file that is read, by whatever name.
    pub(crate) fn refuse_as_destination(&self, path: &Path) -> Result<(), ConvertError> {
        let Ok(meta) = std::fs::metadata(path) else {
            return Ok(());
        };
        let there = State::of(&meta);
        let is_ours = |held: &Held<'_>| held.before.is_some_and(|own| own.is_same_file(&there));
        if self.files.iter().any(is_ours) {
            let path = path.to_path_buf();
            return Err(ConvertError::DestinationIsSource { path });
        }
        Ok(())
    }

    /// Whether every file is still what it was.
    pub(crate) fn check_unchanged(&self) -> Result<(), ConvertError> {
        for held in &self.files {
            if held.state()? != held.before {
                let path = held.path.clone();
                return Err(ConvertError::SourceChanged { path });
            }
        }
        Ok(())
    }
}

/// Refuses to replace an image that a running QEMU writes to: its writes would go nowhere.
pub(crate) fn refuse_in_use(path: &Path) -> Result<(), ConvertError> {
    // Who may not read it may still replace it.
    let Ok(file) = File::open(path) else {
        return Ok(());
    };
    let cannot = |source| ConvertError::Examine {
        path: path.to_path_buf(),
        source,
    };
    // The locks go with the file, at the end of this function.
    match qemu_locks::lock(&file).map_err(cannot)? {
        Locked::Yes => Ok(()),
        Locked::ByOthers => Err(ConvertError::DestinationInUse {
            path: path.to_path_buf(),
        }),
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.lock == SourceLock::Required {
            for file in self.files.iter().filter_map(|held| held.file) {
                qemu_locks::unlock(file);
            }
        }
    }
}

impl<'a> Held<'a> {
    fn new(path: &Path, file: Option<&'a File>) -> Result<Self, ConvertError> {
        let mut held = Self {
            path: path.to_path_buf(),
            file,
            before: None,
        };
        held.before = held.state()?;
        Ok(held)
    }

    fn state(&self) -> Result<Option<State>, ConvertError> {
        match self.file {
            Some(file) => {
                let meta = file.metadata().map_err(|source| self.cannot(source))?;
                Ok(Some(State::of(&meta)))
            }
            None => Ok(std::fs::metadata(&self.path).ok().as_ref().map(State::of)),
        }
    }

    fn cannot(&self, source: std::io::Error) -> ConvertError {
        ConvertError::Examine {
            path: self.path.clone(),
            source,
        }
    }
}
