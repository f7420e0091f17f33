//! The files behind disks that are plugged in.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use detente_evidence::Outcome;
use detente_plan::judge::Finding;
use sha2::{Digest as _, Sha256};

use super::operating::Step;
use crate::agent::hex;

const CHUNK: usize = 1 << 16;

/// An empty, sparse file. Its name's ending has it removed with the overlays.
pub(super) fn sparse(work: &Path, name: &str, bytes: u64) -> Step<PathBuf> {
    let path = work.join(format!("{name}.overlay"));
    let made = File::create(&path).and_then(|file| file.set_len(bytes));
    made.map_err(|error| broken(&path, &error))?;
    Ok(path)
}

/// A file with content in it, of which no two runs have the same.
pub(super) fn filled(work: &Path, name: &str, bytes: usize, seed: u64) -> Step<PathBuf> {
    let path = work.join(format!("{name}.overlay"));
    let mut content = Vec::with_capacity(bytes);
    let mut number = 0_u64;
    while content.len() < bytes {
        content.extend(Sha256::digest(
            [seed.to_le_bytes(), number.to_le_bytes()].concat(),
        ));
        number += 1;
    }
    content.truncate(bytes);
    std::fs::write(&path, content).map_err(|error| broken(&path, &error))?;
    Ok(path)
}

/// SHA-256 of a file's first bytes, hex.
pub(super) fn sha256(path: &Path, bytes: u64) -> Step<String> {
    let (mut digest, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    let opened = File::open(path).map_err(|error| broken(path, &error))?;
    let mut file = opened.take(bytes);
    loop {
        match file
            .read(&mut chunk)
            .map_err(|error| broken(path, &error))?
        {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(chunk.get(..count).unwrap_or_default()),
        }
    }
}

/// A file of the host's that cannot be used is no fault of the guest's.
fn broken(path: &Path, error: &std::io::Error) -> Finding {
    let message = format!("{}: {error}", path.display());
    Finding::plain(Outcome::Error, "host_file", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_length_and_content_that_was_asked_for() {
        let work = tempfile::tempdir().unwrap();
        let Ok(empty) = sparse(work.path(), "empty", 1 << 20) else {
            panic!("it can be made");
        };
        assert_eq!(std::fs::metadata(&empty).unwrap().len(), 1 << 20);
        let Ok(full) = filled(work.path(), "full", 100, 7) else {
            panic!("it can be made");
        };
        let content = std::fs::read(&full).unwrap();
        assert_eq!(content.len(), 100);
        let Ok(digest) = sha256(&full, 100) else {
            panic!("it can be read");
        };
        assert_eq!(digest, hex(&Sha256::digest(&content)));
        assert!(sha256(Path::new("/nonexistent"), 1).is_err());
    }
}
