//! A gate that lets the files of a list through, and no others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{FileBackend, Gate, GateError, Opened};

/// Lets exactly the files of a list through, however an image spells them: for opening a chain again
/// whose files are known by then.
#[derive(Debug, Clone)]
pub struct ListGate {
    known: Arc<[PathBuf]>,
    folder: PathBuf,
}

impl ListGate {
    /// The gate for what the image at `path` names; relative names start from its folder. A file of
    /// the list that is not there any more lets nothing through.
    #[must_use]
    pub fn of(path: &Path, known: &[PathBuf]) -> Self {
        let known = known.iter().filter_map(|path| path.canonicalize().ok());
        Self {
            known: known.collect(),
            folder: folder_of(path),
        }
    }
}

impl Gate for ListGate {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        // `join` takes an absolute name as it is.
        let path = self.folder.join(name);
        let whole = path.canonicalize().map_err(|source| GateError::Open {
            path: path.clone(),
            source,
        })?;
        if !self.known.contains(&whole) {
            return Err(GateError::Refused {
                name: name.to_owned(),
                rule: "it is not one of the files that the image is known to rest on",
            });
        }
        let reader = FileBackend::open(&whole).map_err(|source| GateError::Open {
            path: whole.clone(),
            source,
        })?;
        let gate = Self {
            known: Arc::clone(&self.known),
            folder: folder_of(&whole),
        };
        Ok(Opened {
            reader: Arc::new(reader),
            path: whole,
            gate: Box::new(gate),
        })
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn files_of_the_list_open_however_they_are_spelt_and_others_do_not() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir(path("far")).unwrap();
        for name in ["top", "base", "far/lowest", "other"] {
            fs::write(path(name), name).unwrap();
        }
        symlink("../far/lowest", path("far/link")).unwrap();
        let known = [path("base"), path("far/lowest"), path("gone")];
        let gate = ListGate::of(&path("top"), &known);
        let whole = path("far/lowest").display().to_string();
        for name in ["base", "./base", "far/../base", "far/link", &whole] {
            assert!(gate.open(name).is_ok(), "{name}");
        }
        for name in ["top", "other", "far/../other"] {
            let refused = gate.open(name).err();
            assert!(matches!(refused, Some(GateError::Refused { .. })), "{name}");
        }
        for name in ["gone", "nowhere", "json:{}"] {
            let missing = gate.open(name).err();
            assert!(matches!(missing, Some(GateError::Open { .. })), "{name}");
        }
        // What a file of the list names starts from its own folder.
        let lower = gate.open("far/lowest").unwrap();
        assert!(lower.gate.open("../base").is_ok());
        assert!(lower.gate.open("base").is_err());
    }
}
