//! Opening a disk's chain again, with nothing but the files that the run started with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, FileBackend, Gate, GateError, Opened};

use crate::DiskInput;

/// Lets exactly the files of a known chain through.
struct ChainGate {
    known: Vec<PathBuf>,
    folder: PathBuf,
}

impl Gate for ChainGate {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        // `join` takes an absolute name as it is.
        let path = self.folder.join(name);
        let whole = path.canonicalize().map_err(|source| GateError::Open {
            path: path.clone(),
            source,
        })?;
        if !self.known.contains(&whole) {
            let rule = "it is not a file of the chain that the run started with";
            return Err(GateError::Refused {
                name: name.to_owned(),
                rule,
            });
        }
        let reader = FileBackend::open(&whole).map_err(|source| GateError::Open {
            path: whole.clone(),
            source,
        })?;
        let folder = whole.parent().map(Path::to_path_buf).unwrap_or_default();
        let gate = Self {
            known: self.known.clone(),
            folder,
        };
        Ok(Opened {
            reader: Arc::new(reader),
            path: whole,
            gate: Box::new(gate),
        })
    }
}

/// The guest's view of the disk whose top file is `top`, resting on files of `chain` alone; `None`
/// where it cannot be opened.
pub(crate) fn open_known(top: &Path, chain: &[PathBuf]) -> Option<Arc<dyn BlockRead>> {
    let known = chain
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let folder = top.parent().map(Path::to_path_buf).unwrap_or_default();
    let file = FileBackend::open(top).ok()?;
    let gate = ChainGate { known, folder };
    let image = detente_disk::open(top, Arc::new(file), &gate).ok()?;
    Some(image.reader)
}

/// A disk opened anew: what is read of it then is what its files hold now, not what an earlier
/// reader remembers of them.
pub(crate) fn reopen(disk: &DiskInput) -> Option<Arc<dyn BlockRead>> {
    let layers = disk.image.layers.iter();
    let chain: Vec<PathBuf> = layers.map(|layer| layer.path.clone()).collect();
    open_known(&disk.path, &chain)
}
