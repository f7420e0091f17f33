//! What stands in a guest's tree, and the bytes that a step writes.

use super::digest::sha256;
use super::{Content, FileState, PlanError, guest_tree};
use crate::files::Files;
use crate::guest::Guest;

impl Guest {
    /// The bytes of what a plan writes. Those that are copied within the guest are read from its
    /// disks.
    ///
    /// # Errors
    /// [`PlanError::Read`] when they cannot be read, [`PlanError::Changed`] when they are others
    /// than the plan says.
    pub fn content(&self, content: &Content) -> Result<Vec<u8>, PlanError> {
        match content {
            Content::Text { text } => Ok(text.clone().into_bytes()),
            Content::Bytes { hex } => Ok(hex.clone()),
            Content::Copy {
                path,
                sha256: wanted,
                len_bytes,
            } => {
                let bytes = self.tree().read(path, *len_bytes)?;
                let found = sha256(&bytes);
                if found == *wanted {
                    return Ok(bytes);
                }
                Err(PlanError::Changed {
                    path: path.clone(),
                    wanted: wanted.clone(),
                    found,
                })
            }
        }
    }

    /// What stands at a path of the guest's tree; a link is not followed.
    ///
    /// # Errors
    /// [`PlanError::Read`] when it cannot be read.
    pub fn file_state(&self, path: &str) -> Result<FileState, PlanError> {
        let tree = self.tree();
        Ok(guest_tree::state(Files::new(&*tree), path)?)
    }
}
