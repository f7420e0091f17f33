//! What the machine says for its log: a bounded file beside the console's.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// How much of it is kept.
const LIMIT_BYTES: usize = 1024 * 1024;

/// The machine's log.
pub(crate) struct Log {
    file: File,
    left: usize,
}

impl Log {
    pub(crate) fn create(work: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(work.join("machine.log"))?,
            left: LIMIT_BYTES,
        })
    }

    /// Takes a sentence. What finds no room is not kept: a log is no reason to end a run.
    pub(crate) fn take(&mut self, text: &str) {
        let Some(left) = self.left.checked_sub(text.len().saturating_add(1)) else {
            return;
        };
        self.left = left;
        let _ = writeln!(self.file, "{text}");
    }
}
