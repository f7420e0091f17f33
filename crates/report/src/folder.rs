//! The folder of a run: opened by its manifest, and no file of it that the manifest does not name.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use detente_evidence::{FileEntry, Manifest, ParseError, Run};
use sha2::{Digest as _, Sha256};

/// The largest document that is read.
const DOCUMENT_LIMIT: u64 = 16 * 1024 * 1024;

/// The files of a run, by its manifest.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    files: Vec<FileEntry>,
}

/// A run's folder whose files are as its manifest says.
#[derive(Debug)]
pub struct Opened {
    /// The run.
    pub run: Run,
    /// Its files.
    pub folder: Folder,
}

/// Why a run's folder could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A document is longer than any of ours.
    #[error("{} is larger than {DOCUMENT_LIMIT} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// A document is not what it should be.
    #[error("{} cannot be used", path.display())]
    Document {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ParseError,
    },
    /// The manifest names a file that is not in the folder, `../x` for instance.
    #[error("the manifest names {name:?}, which is no name of a file in the run's folder")]
    Name {
        /// The name.
        name: String,
    },
    /// Files are not as the manifest says.
    #[error("the run was changed after it was written: {}", listed(changes))]
    Changed {
        /// Every file, and how it differs.
        changes: Vec<Change>,
    },
    /// The manifest does not name the run's document.
    #[error("the manifest does not name run.json")]
    NoRun,
    /// The manifest belongs to another run, or to other results.
    #[error("the manifest and run.json do not belong together: {what} differ")]
    Apart {
        /// What differs.
        what: &'static str,
    },
}

/// How a file differs from what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is not there, or no ordinary file.
    Missing(String),
    /// Its content is another.
    Content(String),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Content(name) => write!(f, "{name} has other content"),
        }
    }
}

fn listed(changes: &[Change]) -> String {
    let names: Vec<_> = changes.iter().map(ToString::to_string).collect();
    names.join("; ")
}

/// Opens a run's folder and holds every file against the manifest.
///
/// # Errors
/// [`OpenError`]: unreadable, no run of ours, or changed since it was written.
pub fn open(root: &Path) -> Result<Opened, OpenError> {
    let path = root.join("manifest.json");
    let bytes = document(&path)?;
    let manifest =
        Manifest::parse(&bytes).map_err(|source| OpenError::Document { path, source })?;
    if let Some(entry) = manifest.files.iter().find(|file| !is_inside(&file.name)) {
        let name = entry.name.clone();
        return Err(OpenError::Name { name });
    }
    let folder = Folder::new(root, manifest.files.clone());
    let changes: Vec<_> = folder
        .files
        .iter()
        .filter_map(|f| folder.change(f))
        .collect();
    if !changes.is_empty() {
        return Err(OpenError::Changed { changes });
    }
    if !folder.has("run.json") {
        return Err(OpenError::NoRun);
    }
    let path = root.join("run.json");
    let bytes = document(&path)?;
    let run = Run::parse(&bytes).map_err(|source| OpenError::Document { path, source })?;
    belong_together(&run, &manifest)?;
    Ok(Opened { run, folder })
}

/// Whether the manifest lists what the run holds, case by case.
fn belong_together(run: &Run, manifest: &Manifest) -> Result<(), OpenError> {
    if run.run_id != manifest.run_id {
        return Err(OpenError::Apart {
            what: "their names",
        });
    }
    let wanted = Manifest::of(run, Vec::new()).planned_cases;
    if wanted != manifest.planned_cases {
        return Err(OpenError::Apart {
            what: "their cases",
        });
    }
    Ok(())
}

/// A document of bounded length.
fn document(path: &Path) -> Result<Vec<u8>, OpenError> {
    let failed = |source| OpenError::Io {
        path: path.to_path_buf(),
        source,
    };
    let bytes = ordinary(path)
        .and_then(|file| bounded(file, DOCUMENT_LIMIT))
        .map_err(failed)?;
    bytes.ok_or_else(|| OpenError::TooLarge {
        path: path.to_path_buf(),
    })
}

/// Opens an ordinary file: nothing that waits or never ends.
fn ordinary(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        let kind = io::ErrorKind::InvalidInput;
        return Err(io::Error::new(kind, "not an ordinary file"));
    }
    File::open(path)
}

/// Everything in a file, `None` if that is more than `limit`.
fn bounded(file: File, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((u64::try_from(read).unwrap_or(u64::MAX) <= limit).then_some(bytes))
}

/// Whether a name stays below the folder.
fn is_inside(name: &str) -> bool {
    name.len() <= 1_024
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !name.contains(|c: char| c == '\\' || c.is_control())
}

/// Why a file of the run is not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the manifest does not name it")]
    Unnamed,
    #[error("it cannot be read")]
    Io(#[source] io::Error),
    #[error("it has more than {limit} bytes")]
    TooLarge { limit: u64 },
}

impl Folder {
    /// The folder `root` with these files, for whoever has just written them.
    #[must_use]
    pub fn new(root: &Path, files: Vec<FileEntry>) -> Self {
        Self {
            root: root.to_path_buf(),
            files,
        }
    }

    /// The files, in the manifest's order.
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Whether a file is one of the run.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    /// What is in a file of the run.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        if !self.has(name) || !is_inside(name) {
            return Err(ReadError::Unnamed);
        }
        let file = ordinary(&self.root.join(name)).map_err(ReadError::Io)?;
        let bytes = bounded(file, limit).map_err(ReadError::Io)?;
        bytes.ok_or(ReadError::TooLarge { limit })
    }

    /// How a file differs from what the manifest says.
    fn change(&self, entry: &FileEntry) -> Option<Change> {
        let path = self.root.join(&entry.name);
        match ordinary(&path).and_then(digest) {
            Err(_) => Some(Change::Missing(entry.name.clone())),
            Ok(seen) => {
                let same = seen == (entry.size_bytes, entry.sha256.to_ascii_lowercase());
                (!same).then(|| Change::Content(entry.name.clone()))
            }
        }
    }
}

/// Length and SHA-256 of a file, in pieces.
fn digest(mut file: File) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut len: u64 = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            break;
        };
        digest.update(piece);
        len = len.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    let hex = digest
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    Ok((len, hex))
}
