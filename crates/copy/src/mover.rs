//! Moves bytes as they are: inside the kernel if it can be, through a buffer if not.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use detente_disk::{FileIndex, Image, Mapped};

use crate::ConvertError;
use crate::destination::{Destination, write_error};
use crate::losses::Losses;
use crate::progress::Watch;

/// How much moves between two looks at whether to stop.
const KERNEL_PIECE: u64 = 32 << 20;
/// What a buffer holds; decision 0020 says what others cost.
pub(crate) const BUFFER: usize = 1 << 20;

/// Where everything goes.
pub(crate) struct Mover<'a> {
    pub(crate) image: &'a Image,
    pub(crate) out: &'a dyn Destination,
    pub(crate) losses: &'a Losses,
    pub(crate) watch: &'a Watch<'a>,
    /// For each file of the image whether the kernel may still be asked.
    kernel: Vec<AtomicBool>,
    pub(crate) kernel_bytes: AtomicU64,
    pub(crate) buffered_bytes: AtomicU64,
    pub(crate) zero_bytes: AtomicU64,
}

/// Bytes that go from one place to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    /// In the guest's view.
    pub(crate) guest: u64,
    /// In the destination.
    pub(crate) to: u64,
    pub(crate) len: u64,
}

impl Move {
    /// The part behind the first `done` bytes.
    pub(crate) fn after(self, done: u64) -> Self {
        Self {
            guest: self.guest.saturating_add(done),
            to: self.to.saturating_add(done),
            len: self.len.saturating_sub(done),
        }
    }
}

impl<'a> Mover<'a> {
    pub(crate) fn new(
        image: &'a Image,
        out: &'a dyn Destination,
        losses: &'a Losses,
        watch: &'a Watch<'a>,
    ) -> Self {
        let files = image.stack.files();
        let has_file = |file: &detente_disk::ImageFile| file.reader.host_file().is_some();
        Self {
            image,
            out,
            losses,
            watch,
            kernel: files.iter().map(|f| AtomicBool::new(has_file(f))).collect(),
            kernel_bytes: AtomicU64::new(0),
            buffered_bytes: AtomicU64::new(0),
            zero_bytes: AtomicU64::new(0),
        }
    }

    /// Moves bytes that lie at `from` in one of the image's files.
    pub(crate) fn move_file(
        &self,
        file: FileIndex,
        from: u64,
        what: Move,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ConvertError> {
        let done = self.move_in_kernel(file, from, what)?;
        self.move_buffered(what.after(done), buffer)
    }

    /// Whether moving bytes of a file waits for the medium, and is for several threads.
    pub(crate) fn waits_for_medium(&self, file: FileIndex) -> bool {
        let may = self.kernel.get(file.0);
        let host = self.image.stack.files().get(file.0);
        match (may, host.and_then(|file| file.reader.host_file())) {
            (Some(may), Some(host)) => {
                may.load(Ordering::Relaxed) && self.out.waits_for_medium(host)
            }
            (Some(_) | None, _) => false,
        }
    }

    /// Takes room for what is going to be moved.
    pub(crate) fn reserve(&self, what: Move) -> Result<(), ConvertError> {
        let reserved = self.out.reserve(what.to, what.len);
        reserved.map_err(|error| write_error(self.out.path(), error))
    }

    /// How many bytes the kernel moved; where it does not want to, the rest is for a buffer.
    fn move_in_kernel(&self, file: FileIndex, from: u64, what: Move) -> Result<u64, ConvertError> {
        let may = self.kernel.get(file.0);
        let host = self.image.stack.files().get(file.0);
        let host = host.and_then(|file| file.reader.host_file());
        let (Some(may), Some(host)) = (may, host) else {
            return Ok(0);
        };
        let mut done = 0;
        while done < what.len && may.load(Ordering::Relaxed) {
            self.watch.check()?;
            let len = what.len.saturating_sub(done).min(KERNEL_PIECE);
            let (from, to) = (from.saturating_add(done), what.to.saturating_add(done));
            match self.out.copy_from(host, from, to, len) {
                // The reader says what is the matter with the end.
                Ok(0) => break,
                Ok(moved) => {
                    done = done.saturating_add(moved);
                    self.kernel_bytes.fetch_add(moved, Ordering::Relaxed);
                    self.watch.add(moved);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_final(&error) => return Err(write_error(self.out.path(), error)),
                // Not between these files; or the source failed, which the reader says better.
                Err(_) => may.store(false, Ordering::Relaxed),
            }
        }
        Ok(done)
    }

    /// Moves bytes that only the image's reader yields.
    pub(crate) fn move_buffered(
        &self,
        what: Move,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ConvertError> {
        let mut rest = what;
        while rest.len > 0 {
            self.watch.check()?;
            let len = usize::try_from(rest.len).map_or(BUFFER, |len| len.min(BUFFER));
            buffer.resize(len.max(buffer.len()), 0);
            let part = buffer.get_mut(..len).expect("it was made as long");
            let reader = &*self.image.reader;
            self.losses
                .fill(reader, rest.guest, part)
                .map_err(ConvertError::Source)?;
            self.write(rest.to, part)?;
            let moved = len as u64;
            self.buffered_bytes.fetch_add(moved, Ordering::Relaxed);
            self.watch.add(moved);
            rest = rest.after(moved);
        }
        Ok(())
    }

    /// So many bytes went through a buffer.
    pub(crate) fn count_buffered(&self, len: usize) {
        self.buffered_bytes.fetch_add(len as u64, Ordering::Relaxed);
    }

    pub(crate) fn write(&self, to: u64, bytes: &[u8]) -> Result<(), ConvertError> {
        self.out
            .write_all_at(to, bytes)
            .map_err(|error| write_error(self.out.path(), error))
    }
}

/// Whether another way of writing would fail as well.
fn is_final(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
