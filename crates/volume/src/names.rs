//! Remembers where names led: the same few folders are walked again and again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// At most about 3 MiB; all is forgotten when full, which costs little and needs no order.
const MAX_NAMES: usize = 8192;
/// Longer names are not remembered.
const MAX_NAME_BYTES: usize = 64;

/// What names lead to, by what is known of each directory.
struct Known<D, N> {
    count: usize,
    by_directory: HashMap<D, HashMap<Box<[u8]>, N>>,
}

impl<D, N> Default for Known<D, N> {
    fn default() -> Self {
        Self {
            count: 0,
            by_directory: HashMap::new(),
        }
    }
}

/// What names in directories of a file system lead to; shared by all threads.
pub(crate) struct Names<D, N>(Mutex<Known<D, N>>);

impl<D, N> Default for Names<D, N> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<D: Eq + Hash, N: Clone> Names<D, N> {
    pub(crate) fn get(&self, directory: D, name: &[u8]) -> Option<N> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_directory.get(&directory)?.get(name).cloned()
    }

    /// Remembers a node, which should be small: whoever calls this leaves out the large ones.
    pub(crate) fn put(&self, directory: D, name: &[u8], node: &N) {
        if name.len() > MAX_NAME_BYTES {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.count >= MAX_NAMES {
            *known = Known::default();
        }
        known.count = known.count.saturating_add(1);
        let names = known.by_directory.entry(directory).or_default();
        names.insert(name.into(), node.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_their_directory_and_forgotten_when_full() {
        let names = Names::default();
        names.put(1, b"a", &10);
        assert_eq!(names.get(1, b"a"), Some(10));
        assert_eq!(names.get(2, b"a"), None);
        assert_eq!(names.get(1, b"b"), None);
        let long = [b'x'; MAX_NAME_BYTES + 1];
        names.put(1, &long, &11);
        assert_eq!(names.get(1, &long), None);
        for number in 1..MAX_NAMES {
            names.put(3, &number.to_le_bytes(), &12);
        }
        assert_eq!(names.get(1, b"a"), Some(10));
        names.put(3, b"one more", &13);
        assert_eq!(names.get(1, b"a"), None);
        assert_eq!(names.get(3, b"one more"), Some(13));
    }
}
