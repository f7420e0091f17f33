//! The guest's files as the running guest sees them: mounts joined, links followed.

use detente_volume::{DirEntry, FileKind, FileSystem, FsError};

/// A longer configuration file is not read.
pub(crate) const MAX_TEXT_BYTES: u64 = 1 << 20;

/// What gatherers of facts read from. A file that is not there, or not what it should be, is an
/// answer; a file system that cannot be read is an error.
#[derive(Clone, Copy)]
pub(crate) struct Files<'a>(&'a dyn FileSystem);

impl<'a> Files<'a> {
    pub(crate) fn new(root: &'a dyn FileSystem) -> Self {
        Self(root)
    }

    /// For what the methods below do not offer.
    pub(crate) fn system(&self) -> &'a dyn FileSystem {
        self.0
    }

    /// A file as text; what is not UTF-8 is replaced. `None` if it is longer than
    /// [`MAX_TEXT_BYTES`].
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, FsError> {
        let bytes = self.read(path, MAX_TEXT_BYTES)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A whole file of at most `limit_bytes`.
    pub(crate) fn read(&self, path: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, FsError> {
        absent(self.0.read(path, limit_bytes))
    }

    /// The first bytes of a file, at most `len`.
    pub(crate) fn head(&self, path: &str, len: usize) -> Result<Option<Vec<u8>>, FsError> {
        let Some(file) = absent(self.0.open(path))? else {
            return Ok(None);
        };
        let len = usize::try_from(file.len_bytes()).map_or(len, |all| all.min(len));
        let mut bytes = vec![0; len];
        file.read_exact_at(0, &mut bytes)?;
        Ok(Some(bytes))
    }

    /// The names in a folder, sorted; none if there is no such folder.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, FsError> {
        let entries = self.entries(path)?;
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }

    /// The entries of a folder, sorted by name; none if there is no such folder.
    pub(crate) fn entries(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = absent(self.0.read_dir(path))?.unwrap_or_default();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    /// What stands at a path, links followed.
    pub(crate) fn kind(&self, path: &str) -> Result<Option<FileKind>, FsError> {
        Ok(absent(self.0.metadata(path))?.map(|metadata| metadata.kind))
    }

    /// Whether a regular file is there.
    pub(crate) fn is_file(&self, path: &str) -> Result<bool, FsError> {
        Ok(self.kind(path)? == Some(FileKind::File))
    }

    /// The target of a symbolic link.
    pub(crate) fn link(&self, path: &str) -> Result<Option<String>, FsError> {
        absent(self.0.read_link(path))
    }
}

/// A file that is not there, or not what it should be, is no error but an answer.
pub(crate) fn absent<T>(result: Result<T, FsError>) -> Result<Option<T>, FsError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            FsError::NotFound { .. }
            | FsError::WrongKind { .. }
            | FsError::TooManyLinks { .. }
            | FsError::TooLong { .. },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}
