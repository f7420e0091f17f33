//! Remembers where names led: the same few folders are walked again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::inode_item::Inode;

/// At most about 2 MiB; all is forgotten when full, which costs little and needs no order.
const MAX_NAMES: usize = 8192;
/// Longer names are not remembered.
const MAX_NAME_BYTES: usize = 64;

/// A directory: its subvolume and its inode.
type Directory = (u64, u64);

/// Inodes by name, for each directory.
#[derive(Default)]
struct Known {
    count: usize,
    by_directory: HashMap<Directory, HashMap<Box<[u8]>, Inode>>,
}

/// See above; shared by all threads.
#[derive(Default)]
pub(super) struct Names(Mutex<Known>);

impl Names {
    pub(super) fn get(&self, directory: Directory, name: &[u8]) -> Option<Inode> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_directory.get(&directory)?.get(name).cloned()
    }

    pub(super) fn put(&self, directory: Directory, name: &[u8], inode: &Inode) {
        if name.len() > MAX_NAME_BYTES {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.count >= MAX_NAMES {
            *known = Known::default();
        }
        known.count = known.count.saturating_add(1);
        known
            .by_directory
            .entry(directory)
            .or_default()
            .insert(name.into(), inode.clone());
    }
}
