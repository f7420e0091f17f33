//! The run's folder: written under another name, and renamed when it is whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use detente_copy::rename_new;
use detente_evidence::FileEntry;
use sha2::{Digest as _, Sha256};

use crate::ValidateError;
use crate::agent::hex;

/// A folder that is not there yet. Dropped before [`RunFolder::finish`], it leaves nothing.
pub(crate) struct RunFolder {
    out: PathBuf,
    partial: PathBuf,
    /// Folders above that were not there, the deepest first.
    made: Vec<PathBuf>,
    finished: bool,
}

impl RunFolder {
    /// Makes the folder under a name that nobody takes for a finished one.
    pub(crate) fn create(out: &Path, run_id: &str) -> Result<Self, ValidateError> {
        if fs::symlink_metadata(out).is_ok() {
            return Err(busy(out));
        }
        let name = out
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| "run".to_owned());
        let parent = parent(out);
        let made = missing(&parent);
        let partial = parent.join(format!(".{name}.{run_id}.partial"));
        let above = fs::create_dir_all(&parent).map_err(|source| write_error(&parent, source));
        let whole =
            above.and_then(|()| fs::create_dir(&partial).map_err(|e| write_error(&partial, e)));
        if let Err(error) = whole {
            remove_empty(&made);
            return Err(error);
        }
        Ok(Self {
            out: out.to_path_buf(),
            partial,
            made,
            finished: false,
        })
    }

    /// Where files go until the folder is whole.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Makes a folder inside.
    pub(crate) fn subfolder(&self, name: &str) -> Result<PathBuf, ValidateError> {
        let path = self.partial.join(name);
        fs::create_dir_all(&path).map_err(|source| write_error(&path, source))?;
        Ok(path)
    }

    /// Writes a file and makes it last.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ValidateError> {
        write_file(&self.partial.join(name), bytes)
    }

    /// Every regular file that is there now, with its digest. Overlays that are kept are not
    /// evidence and are left out.
    pub(crate) fn entries(&self) -> Result<Vec<FileEntry>, ValidateError> {
        let mut entries = Vec::new();
        collect(&self.partial, "", &mut entries)?;
        Ok(entries)
    }

    /// Gives the folder its name, once everything in it lasts.
    pub(crate) fn finish(mut self) -> Result<(), ValidateError> {
        sync_all(&self.partial)?;
        let above = parent(&self.out);
        let handle = File::open(&above).map_err(|source| write_error(&above, source))?;
        self.rename()?;
        if let Err(source) = handle.sync_all() {
            // It may not last: then it shall not look finished either.
            self.partial.clone_from(&self.out);
            return Err(write_error(&above, source));
        }
        self.finished = true;
        Ok(())
    }

    fn rename(&self) -> Result<(), ValidateError> {
        // Another run may have taken the name meanwhile.
        rename_new(&self.partial, &self.out).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => busy(&self.out),
            _ => write_error(&self.out, error),
        })
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody can be told; what stays behind has a name that says "partial".
            let _ = fs::remove_dir_all(&self.partial);
            remove_empty(&self.made);
        }
    }
}

/// The folders above and at `folder` that are not there, the deepest first.
fn missing(folder: &Path) -> Vec<PathBuf> {
    folder
        .ancestors()
        .take_while(|folder| {
            !folder.as_os_str().is_empty() && fs::symlink_metadata(folder).is_err()
        })
        .map(Path::to_path_buf)
        .collect()
}

/// Takes away folders that we made; those in which somebody else has put something stay.
fn remove_empty(made: &[PathBuf]) {
    for folder in made {
        let _ = fs::remove_dir(folder);
    }
}

fn busy(path: &Path) -> ValidateError {
    ValidateError::FolderBusy {
        path: path.to_path_buf(),
    }
}

/// The folder that a path lies in.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Writes a file that is gone before the folder gets its name: it need not outlive a power cut.
pub(crate) fn write_scratch(path: &Path, bytes: &[u8]) -> Result<(), ValidateError> {
    fs::write(path, bytes).map_err(|source| write_error(path, source))
}

/// Writes a file and makes it last.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ValidateError> {
    let write = || -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| write_error(path, source))
}

fn write_error(path: &Path, source: io::Error) -> ValidateError {
    ValidateError::Write {
        path: path.to_path_buf(),
        source,
    }
}

/// Makes a folder of our own making last, with everything in it: others wrote there too.
fn sync_all(folder: &Path) -> Result<(), ValidateError> {
    let listing = fs::read_dir(folder).map_err(|source| write_error(folder, source))?;
    for entry in listing {
        let path = entry.map_err(|source| write_error(folder, source))?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<(), ValidateError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| write_error(path, source))
}

/// Goes through a folder of our own making: it is shallow.
fn collect(folder: &Path, prefix: &str, into: &mut Vec<FileEntry>) -> Result<(), ValidateError> {
    let listing = fs::read_dir(folder).map_err(|source| write_error(folder, source))?;
    for entry in listing {
        let entry = entry.map_err(|source| write_error(folder, source))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() {
            collect(&path, &format!("{name}/"), into)?;
        } else if path
            .extension()
            .is_none_or(|extension| extension != "overlay")
        {
            into.push(file_entry(&path, name)?);
        }
    }
    Ok(())
}

fn file_entry(path: &Path, name: String) -> Result<FileEntry, ValidateError> {
    let bytes = fs::read(path).map_err(|source| write_error(path, source))?;
    let media_type = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("png") => "image/png",
        Some("log" | "tap" | "txt") => "text/plain",
        Some(_) | None => "application/octet-stream",
    };
    Ok(FileEntry {
        name,
        size_bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(&bytes)),
        media_type: media_type.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("run");
        let folder = RunFolder::create(&out, "r1").unwrap();
        folder.write("run.json", b"{}").unwrap();
        assert!(!out.exists());
        folder.finish().unwrap();
        assert_eq!(fs::read(out.join("run.json")).unwrap(), b"{}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_dropped_folder_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&place.path().join("run"), "r1").unwrap();
        folder.write("run.json", b"{}").unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn folders_made_above_go_too_unless_somebody_uses_them() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("a/b/run");
        drop(RunFolder::create(&out, "r1").unwrap());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);

        let folder = RunFolder::create(&out, "r1").unwrap();
        fs::write(place.path().join("a/mine"), b"").unwrap();
        drop(folder);
        assert!(place.path().join("a/mine").exists());
        assert!(!place.path().join("a/b").exists());
    }

    #[test]
    fn a_partial_folder_of_others_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let theirs = place.path().join(".run.r1.partial");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("file"), b"").unwrap();
        let refused = RunFolder::create(&place.path().join("run"), "r1");
        assert!(matches!(refused, Err(ValidateError::Write { .. })));
        assert!(theirs.join("file").exists());
    }

    #[test]
    fn a_name_that_was_taken_meanwhile_is_busy() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("run");
        let folder = RunFolder::create(&out, "r1").unwrap();
        fs::create_dir(&out).unwrap();
        let busy = folder.finish();
        assert!(matches!(busy, Err(ValidateError::FolderBusy { .. })));
        // The other one's is there, and nothing of ours.
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(out).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_exists_is_busy() {
        let place = tempfile::tempdir().unwrap();
        let busy = RunFolder::create(place.path(), "r1");
        assert!(matches!(busy, Err(ValidateError::FolderBusy { .. })));
    }

    #[test]
    fn the_entries_say_what_the_files_hold() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&place.path().join("run"), "r1").unwrap();
        let inside = folder.subfolder("kvm").unwrap();
        write_file(&inside.join("console.log"), b"abc").unwrap();
        write_file(&inside.join("disk0.overlay"), b"left out").unwrap();
        let entries = folder.entries().unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].name, "kvm/console.log");
        // FIPS 180-2, appendix B.1: the digest of "abc".
        assert!(entries[0].sha256.starts_with("ba7816bf8f01cfea"));
    }
}
