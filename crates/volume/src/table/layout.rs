//! Collects partitions: inside the disk, none over another, not too many.

use std::collections::BTreeMap;
use std::sync::Arc;

use detente_block::{BlockRead, Window};

use super::Volume;
use crate::content::Content;

/// More than any tool makes by default (128), few enough to look into each.
const MAX_VOLUMES: usize = 1024;
/// More notes than this say nothing new.
const MAX_NOTES: usize = 64;

/// A partition as its table describes it, in bytes.
pub(super) struct Partition {
    pub(super) number: u32,
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) type_id: String,
    pub(super) partuuid: Option<String>,
    pub(super) name: Option<String>,
}

/// The partitions accepted so far.
pub(super) struct Layout<'d> {
    disk: &'d Arc<dyn BlockRead>,
    /// Start to end of every accepted partition.
    taken: BTreeMap<u64, u64>,
    pub(super) volumes: Vec<Volume>,
    pub(super) notes: Vec<String>,
}

impl<'d> Layout<'d> {
    pub(super) fn new(disk: &'d Arc<dyn BlockRead>) -> Self {
        Self {
            disk,
            taken: BTreeMap::new(),
            volumes: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note.into());
        }
    }

    /// Takes a partition if it is sound, else leaves a note.
    pub(super) fn add(&mut self, partition: Partition) {
        let Partition {
            number,
            start,
            len,
            type_id,
            partuuid,
            name,
        } = partition;
        if self.volumes.len() >= MAX_VOLUMES {
            return self.note(format!(
                "partition {number} left out: more than {MAX_VOLUMES}"
            ));
        }
        let window = match Window::new(self.disk.clone(), start, len) {
            Ok(window) if len > 0 => window,
            Ok(_) => return self.note(format!("partition {number} left out: it is empty")),
            Err(_) => {
                return self.note(format!(
                    "partition {number} left out: it goes past the disk"
                ));
            }
        };
        let end = start.saturating_add(len);
        let before = self.taken.range(..end).next_back();
        if before.is_some_and(|(_, &other_end)| other_end > start) {
            return self.note(format!("partition {number} left out: it overlaps another"));
        }
        self.taken.insert(start, end);
        let content = Content::Unknown;
        self.volumes.push(Volume {
            number,
            offset: start,
            type_id,
            partuuid,
            name,
            window,
            content,
        });
    }
}
