//! Errors say which file of the chain they are about, if it is not the one that the user named.

use std::io;
use std::path::{Path, PathBuf};

use detente_block::ReadError;

/// The name that a layer's errors bear: none for the top file, which the caller knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerName(Option<PathBuf>);

impl LayerName {
    /// The top file's.
    pub(crate) fn top() -> Self {
        Self(None)
    }

    /// A backing file's.
    pub(crate) fn backing(path: &Path) -> Self {
        Self(Some(path.to_path_buf()))
    }

    /// The error with the file's name in its words.
    pub(crate) fn on(&self, error: ReadError) -> ReadError {
        let Some(path) = &self.0 else { return error };
        let named = |words: &str| format!("{words} (in the backing file {})", path.display());
        match error {
            ReadError::Corrupt { offset, rule } => ReadError::Corrupt {
                offset,
                rule: named(&rule),
            },
            ReadError::Unsupported { offset, what } => ReadError::Unsupported {
                offset,
                what: named(&what),
            },
            ReadError::Io { offset, source } => {
                let source = io::Error::new(source.kind(), named(&source.to_string()));
                ReadError::Io { offset, source }
            }
            other => other,
        }
    }
}
