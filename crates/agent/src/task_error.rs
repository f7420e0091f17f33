//! Why a task saw nothing.

use std::io;

/// Why a task saw nothing. Its text goes to the host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The kernel refused something.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Something that the task needs is not there.
    #[error("{what} is missing")]
    Missing {
        /// What.
        what: String,
    },
    /// Something is there, but not what was meant.
    #[error("{what} is not what it should be")]
    Spoiled {
        /// What.
        what: String,
    },
    /// The disk has too little room.
    #[error("{free_bytes} bytes are free, too few to write {wanted_bytes}")]
    NoRoom {
        /// What is free.
        free_bytes: u64,
        /// What was to be written.
        wanted_bytes: u64,
    },
}

/// Says what was tried when the kernel refuses.
pub(crate) trait Doing<T> {
    /// `what` completes "cannot …".
    ///
    /// # Errors
    /// The same one, with the words.
    fn doing(self, what: &str) -> Result<T, TaskError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: &str) -> Result<T, TaskError> {
        self.map_err(|source| TaskError::Io {
            what: what.to_owned(),
            source: source.into(),
        })
    }
}
