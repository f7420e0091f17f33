//! What is read of the source while the guest boots: the old bytes of every file that may be
//! changed, and the listing of the whole tree.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use detente_block::BlockRead;
use detente_guest::DiskFiles;
use detente_guest::prepare::{BLOB_FOLDER, FileState, TREE_FILE};
use detente_volume::{FileSystem, FsError};
use sha2::{Digest as _, Sha256};

use super::error::PrepareError;
use super::tree;
use crate::agent::hex;

/// How much less of the processors than the guest it claims (nice(2)).
const STAND_BACK: i32 = 10;

/// What is read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// The reading, in a thread of its own.
pub(crate) struct Background {
    hurry: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Option<String>, PrepareError>>>,
}

impl Background {
    /// Begins: the bytes of `files` and the listing go into the folder of the journal.
    pub(crate) fn start(
        disks: Vec<Arc<dyn BlockRead>>,
        files: Vec<(String, FileState)>,
        journal: &Path,
    ) -> Self {
        let hurry = Arc::new(AtomicBool::new(false));
        let (told, journal) = (hurry.clone(), journal.to_owned());
        let thread = std::thread::spawn(move || {
            // On Linux this is the thread's own. Where it is refused it is only less polite.
            let _ = rustix::process::nice(STAND_BACK);
            read(&disks, &files, &journal, &told)
        });
        Self {
            hurry,
            thread: Some(thread),
        }
    }

    /// Waits for it; from now on only lengths and times are listed. The digest of the listing.
    pub(crate) fn finish(mut self) -> Result<Option<String>, PrepareError> {
        self.hurry.store(true, Ordering::Relaxed);
        let thread = self
            .thread
            .take()
            .expect("it is taken only here and at the end");
        thread.join().unwrap_or_else(|_| Ok(None))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.hurry.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Nobody wants it any more.
            let _ = thread.join();
        }
    }
}

fn read(
    disks: &[Arc<dyn BlockRead>],
    files: &[(String, FileState)],
    journal: &Path,
    hurry: &AtomicBool,
) -> Result<Option<String>, PrepareError> {
    let disks = DiskFiles::open(disks).map_err(inspect)?;
    let Ok(tree) = disks.tree() else {
        return Ok(None);
    };
    let blobs = journal.join(BLOB_FOLDER);
    fs::create_dir(&blobs).map_err(|source| write_error(&blobs, source))?;
    for (path, state) in files {
        if let FileState::File(facts) = state {
            let blob = blobs.join(&facts.sha256);
            let copied = copy(&*tree, path, &blob)?;
            if copied != facts.sha256 {
                return Err(PrepareError::NotAsPlanned { path: path.clone() });
            }
        }
    }
    let path = journal.join(TREE_FILE);
    list(&*tree, &path, hurry)
        .map(Some)
        .map_err(|source| write_error(&path, source))
}

/// Writes a listing; its digest.
fn list(tree: &dyn FileSystem, path: &Path, hurry: &AtomicBool) -> io::Result<String> {
    let mut into = Digested {
        file: BufWriter::new(File::create(path)?),
        digest: Sha256::new(),
    };
    tree::list(tree, &mut into, hurry)?;
    into.flush()?;
    Ok(hex(&into.digest.finalize()))
}

/// Copies a file of the guest's; its digest.
fn copy(tree: &dyn FileSystem, path: &str, blob: &Path) -> Result<String, PrepareError> {
    let unread = |source: FsError| PrepareError::GuestFile {
        path: path.to_owned(),
        source,
    };
    let file = tree.open(path).map_err(unread)?;
    let new = File::create(blob).map_err(|source| write_error(blob, source))?;
    let mut into = Digested {
        file: BufWriter::new(new),
        digest: Sha256::new(),
    };
    let mut buffer = vec![0; CHUNK_BYTES];
    let (mut at, end) = (0, file.len_bytes());
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(CHUNK_BYTES);
        let piece = buffer.get_mut(..left.min(CHUNK_BYTES)).unwrap_or_default();
        file.read_exact_at(at, piece)
            .map_err(|error| unread(error.into()))?;
        into.write_all(piece)
            .map_err(|source| write_error(blob, source))?;
        at += piece.len() as u64;
    }
    into.flush().map_err(|source| write_error(blob, source))?;
    Ok(hex(&into.digest.finalize()))
}

/// A file that is digested as it is written.
struct Digested {
    file: BufWriter<File>,
    digest: Sha256,
}

impl io::Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn inspect(source: detente_guest::InspectError) -> PrepareError {
    PrepareError::Inspect {
        what: "the source",
        source,
    }
}

fn write_error(path: &Path, source: io::Error) -> PrepareError {
    let path: PathBuf = path.to_owned();
    PrepareError::Write { path, source }
}
