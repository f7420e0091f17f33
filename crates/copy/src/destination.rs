//! What is written to.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use detente_block::BlockRead;

use crate::ConvertError;

/// A file that is not there before it is whole, or a device. Written by many threads at once.
pub(crate) trait Destination: Sync {
    /// Its name.
    fn path(&self) -> &Path;

    /// Whether what nobody wrote reads as zero.
    fn starts_empty(&self) -> bool;

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Moves bytes inside the kernel: how many, which is 0 when the source ends.
    fn copy_from(&self, source: &File, from: u64, to: u64, len: u64) -> io::Result<u64>;

    /// Whether moving `source`'s bytes waits for the medium, so that several threads should do it.
    fn waits_for_medium(&self, _source: &File) -> bool {
        false
    }

    /// Takes room for what [`Destination::copy_from`] will be asked for.
    fn reserve(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }

    /// Makes a range read as zero, where [`Destination::starts_empty`] is not so.
    fn zero_at(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Makes it as long as it is to be.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Keeps room for its first `len` bytes.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Returns when everything is on stable storage.
    fn sync(&self) -> io::Result<()>;

    /// Opens what was written anew, as far from memory as the system lets go of it.
    fn reopen(&self) -> io::Result<Arc<dyn BlockRead>>;

    /// How much room it takes.
    fn allocated_bytes(&self) -> io::Result<u64>;

    /// Gives it its name, which is on stable storage afterwards too.
    fn publish(&mut self) -> io::Result<()>;
}

/// What the caller is told of a failed write.
pub(crate) fn write_error(path: &Path, source: io::Error) -> ConvertError {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ConvertError::Full { path, source }
        }
        io::ErrorKind::AlreadyExists => ConvertError::DestinationExists { path },
        _ => ConvertError::Write { path, source },
    }
}
