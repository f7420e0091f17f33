//! What a step changes in a text: for `--dry-run`.

use super::diff::unified;
use super::{Change, FileState, PlanError};
use crate::guest::Guest;

impl Guest {
    /// What a change does to a text, as `diff -u` shows it. `None` where a program is run, another
    /// file is copied, or either side is no UTF-8.
    ///
    /// # Errors
    /// [`PlanError`] when the file that is changed cannot be read.
    pub fn diff(&self, change: &Change) -> Result<Option<String>, PlanError> {
        let (path, new, before) = match change {
            Change::Write {
                path,
                content,
                before,
                ..
            } => (path, content.inline(), before),
            Change::Remove { path, before } => (path, Some(&[][..]), before),
            Change::Run { .. } => return Ok(None),
        };
        let Some(new) = new else {
            return Ok(None);
        };
        let old = match before {
            FileState::File(file) => self.tree().read(path, file.len_bytes)?,
            FileState::Absent => Vec::new(),
            FileState::Link { .. } | FileState::Other => return Ok(None),
        };
        Ok(unified(path, &old, new))
    }
}
