//! Remembers where names led: the same few folders are walked again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::node::Node;

/// At most about 2 MiB; all is forgotten when full, which costs little and needs no order.
const MAX_NAMES: usize = 4096;
/// Longer names, links, and files in more parts are not remembered.
const MAX_NAME_BYTES: usize = 64;
const MAX_LINK_BYTES: usize = 256;
const MAX_PARTS: usize = 4;

#[derive(Default)]
struct Names {
    count: usize,
    by_directory: HashMap<u32, HashMap<Box<[u8]>, Node>>,
}

/// What names lead to, by the block of each directory; shared by all threads.
#[derive(Default)]
pub(super) struct Known(Mutex<Names>);

impl Known {
    pub(super) fn get(&self, directory: u32, name: &[u8]) -> Option<Node> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.by_directory.get(&directory)?.get(name).cloned()
    }

    pub(super) fn put(&self, directory: u32, name: &[u8], node: &Node) {
        let link = node.link.as_ref().map_or(0, Vec::len);
        if name.len() > MAX_NAME_BYTES || link > MAX_LINK_BYTES || node.parts.len() > MAX_PARTS {
            return;
        }
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.count >= MAX_NAMES {
            *names = Names::default();
        }
        names.count = names.count.saturating_add(1);
        names
            .by_directory
            .entry(directory)
            .or_default()
            .insert(name.into(), node.clone());
    }
}
