//! What disks did wrong, for the owner: the guest sees only a medium error.

use std::io;

use detente_block::{ReadError, WriteError, with_causes};

/// A disk failed, and the guest was told of a medium error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The unit.
    pub lun: u8,
    /// The error, with what caused it.
    pub error: String,
    /// There is no room for what the guest wrote: the host's fault, not the guest's.
    pub no_room: bool,
}

/// How a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error: String,
    pub(super) no_room: bool,
}

impl Failure {
    pub(super) fn of_read(error: &ReadError) -> Self {
        Self {
            error: with_causes(error),
            no_room: false,
        }
    }

    pub(super) fn of_write(error: &WriteError) -> Self {
        let no_room = match error {
            WriteError::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            ),
            _ => false,
        };
        Self {
            error: with_causes(error),
            no_room,
        }
    }

    pub(super) fn at(self, lun: u8) -> Fault {
        Fault {
            lun,
            error: self.error,
            no_room: self.no_room,
        }
    }
}
