//! Why the root could not be mounted.

use rustix::io::Errno;

/// Why the root could not be mounted; the kernel would have panicked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootError {
    /// There is no `root=`.
    #[error("the command line names no root")]
    Unnamed,
    /// Only programs in an initramfs know such a name.
    #[error(
        "root={device} is found by an initramfs, and the guest has none: the kernel knows PARTUUID=, PARTLABEL= and its own names"
    )]
    NeedsInitramfs {
        /// The value.
        device: String,
    },
    /// A root of a kind that we do not mount.
    #[error("root={device} is no block device, and only those are mounted by this version")]
    NoBlockDevice {
        /// The value.
        device: String,
    },
    /// The device never came.
    #[error("no device root={device} after {waited_s} s; there are: {there}")]
    NotFound {
        /// The value.
        device: String,
        /// How long it was waited for.
        waited_s: u64,
        /// The block devices that there are.
        there: String,
    },
    /// No file system could be mounted from it.
    #[error("root={device} cannot be mounted as {kinds}: {source}")]
    Mount {
        /// The value.
        device: String,
        /// What was tried.
        kinds: String,
        /// What the kernel said last.
        source: Errno,
    },
    /// Something that belongs to it failed.
    #[error("cannot {action}: {source}")]
    Step {
        /// What.
        action: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
}

/// Says what was being done when something failed.
pub(super) trait While<T> {
    /// Names the step.
    fn in_step(self, action: &'static str) -> Result<T, RootError>;
}

impl<T, E: Into<std::io::Error>> While<T> for Result<T, E> {
    fn in_step(self, action: &'static str) -> Result<T, RootError> {
        self.map_err(|source| RootError::Step {
            action,
            source: source.into(),
        })
    }
}
