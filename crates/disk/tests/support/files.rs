//! Images in memory, and the files that they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, Gate, GateError, MemoryBackend, Opened};
use detente_disk::{Image, OpenError};

/// A gate that knows some files by the names that images use.
pub(crate) struct Files(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Gate for Files {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let refused = || GateError::Refused {
            name: name.to_owned(),
            rule: "it is not here",
        };
        let known = self.0.iter().find(|(known, _)| *known == name);
        let (path, bytes) = known.ok_or_else(refused)?;
        Ok(Opened {
            reader: Arc::new(MemoryBackend::new(bytes.clone())),
            path: PathBuf::from(path),
            gate: Box::new(Self(self.0.clone())),
        })
    }
}

/// Opens an image in memory, by this name.
pub(crate) fn open(name: &str, image: Vec<u8>, files: &Files) -> Result<Image, OpenError> {
    let file: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(image));
    detente_disk::open(Path::new(name), file, files)
}

/// What opening and reading an image says is wrong.
pub(crate) fn refusal(opened: Result<Image, OpenError>) -> String {
    match opened {
        Ok(image) => {
            let mut all = vec![0; usize::try_from(image.reader.len_bytes()).unwrap()];
            let read = image.reader.read_exact_at(0, &mut all);
            read.err()
                .map_or_else(|| "it is read".to_owned(), |error| error.to_string())
        }
        Err(error) => error.to_string(),
    }
}
