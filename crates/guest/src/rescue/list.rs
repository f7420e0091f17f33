//! The lists that depmod writes, line by line.

use std::io::{self, BufRead as _, BufReader, Read};

use detente_block::ReadError;
use detente_initramfs::BlockReader;
use detente_volume::FsError;

use crate::files::{Files, absent};

/// A line of `modules.dep` names every module that one needs, which are never so many.
const LINE_BYTES: u64 = 64 * 1024;
/// Ten times the longest list.
const MAX_LIST_BYTES: u64 = 16 << 20;

/// Gives each line of a file to `take`; none if there is no such file.
pub(super) fn read(
    files: Files<'_>,
    path: &str,
    take: &mut dyn FnMut(&str),
) -> Result<(), FsError> {
    match absent(files.system().open(path))? {
        Some(file) => lines(BlockReader::new(file), take).map_err(failed),
        None => Ok(()),
    }
}

/// Lines that are no UTF-8 are passed over: no module has such a name.
pub(super) fn lines(file: impl Read, take: &mut dyn FnMut(&str)) -> io::Result<()> {
    let mut file = BufReader::with_capacity(64 * 1024, file.take(MAX_LIST_BYTES));
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut file).take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if let Ok(text) = std::str::from_utf8(&line) {
            take(text.trim());
        }
    }
}

/// A failed read, as the layer below reported it.
fn failed(error: io::Error) -> FsError {
    FsError::Read(match error.downcast::<ReadError>() {
        Ok(error) => error,
        Err(source) => ReadError::Io { offset: 0, source },
    })
}
