//! Whether the guest left its root file system clean: read from the overlay after the power went off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{FileBackend, Gate, GateError, Opened};
use detente_volume::{ext4_state, scan};

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

/// Whether partition `partition` of the disk in `overlay` is a cleanly unmounted file system;
/// `None` where that cannot be told (another kind of file system, unreadable).
pub(crate) fn root_is_clean(overlay: &Path, chain: &[PathBuf], partition: u32) -> Option<bool> {
    let known = chain
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let folder = overlay.parent().map(Path::to_path_buf).unwrap_or_default();
    let file = FileBackend::open(overlay).ok()?;
    let gate = ChainGate { known, folder };
    let image = detente_disk::open(overlay, Arc::new(file), &gate).ok()?;
    let (_, volumes) = scan(&image.reader).ok()?;
    let root = volumes.iter().find(|volume| volume.number == partition)?;
    let state = ext4_state(&root.window).ok()?;
    Some(state.clean && !state.needs_recovery && !state.errors)
}
