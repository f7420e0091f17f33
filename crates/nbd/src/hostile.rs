//! The hostile exerciser: serves a client that says whatever it is given. It must come back,
//! with errors or without, and what it replies is bounded by what was said.

use std::io::{self, Cursor, Write};
use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, MemoryBackend, MemoryDisk, Overlay, ReadError};

use crate::{Export, serve};

/// How much a client says at most.
const SAID_BYTES: usize = 16 * 1024;

/// How long the disk is, and each of its stretches.
const DISK_BYTES: usize = 64 * 1024;
const STRETCH_BYTES: u64 = 3 * 512;

/// Serves `said` as all that a client says, over disks of every kind.
pub fn exercise(said: &[u8]) {
    let said = said.get(..SAID_BYTES).unwrap_or(said);
    let disk: Arc<dyn BlockRead> = Arc::new(Striped::new());
    run(said, &Export::read_only(Arc::clone(&disk)));
    run(said, &Export::read_only(Arc::new(Failing)));
    let store = Arc::new(MemoryDisk::default());
    if let Ok(overlay) = Overlay::new(disk, store) {
        run(said, &Export::writable(Arc::new(overlay)));
    }
}

fn run(said: &[u8], export: &Export) {
    if let Err(error) = serve(Cursor::new(said), Heard(0), export) {
        drop(error.to_string());
    }
}

/// Counts what is replied, which what was said must bound: every 16 bytes of it are one message at
/// most, and its reply at most the disk, with a head for every 4 KiB, or 2,048 descriptors.
struct Heard(usize);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        let most = (SAID_BYTES / 16).saturating_mul(DISK_BYTES.saturating_mul(2));
        assert!(self.0 <= most, "{} bytes were replied", self.0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Data and zeroes by turns.
struct Striped(MemoryBackend);

impl Striped {
    fn new() -> Self {
        Self(MemoryBackend::new(vec![0; DISK_BYTES]))
    }
}

impl BlockRead for Striped {
    fn len_bytes(&self) -> u64 {
        self.0.len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.0.read_exact_at(offset, buf)
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let mut extent = self.0.next_extent(offset)?;
        let stretch = offset / STRETCH_BYTES;
        let rest = STRETCH_BYTES.saturating_sub(offset % STRETCH_BYTES);
        // Every fifth stretch joins its neighbour and is long enough for a hole.
        if !stretch.is_multiple_of(5) {
            extent.len = extent.len.min(rest);
        }
        if stretch % 2 == 1 || stretch.is_multiple_of(5) {
            extent.kind = ExtentKind::Zero;
        }
        Ok(extent)
    }
}

/// A disk of which nothing can be read.
struct Failing;

impl BlockRead for Failing {
    fn len_bytes(&self) -> u64 {
        1 << 17
    }

    fn read_exact_at(&self, offset: u64, _: &mut [u8]) -> Result<(), ReadError> {
        let rule = "nothing can be read here".repeat(100);
        Err(ReadError::Corrupt { offset, rule })
    }
}
