//! The few things that were read last, kept for the next read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use detente_block::ReadError;

/// Keeps the latest `capacity` things; few enough to be searched one after the other.
pub(crate) struct Cache<K, T> {
    capacity: usize,
    latest: Mutex<VecDeque<(K, Arc<T>)>>,
}

impl<K: Copy + Eq, T> Cache<K, T> {
    /// Keeps things of `each_bytes`, up to `budget_bytes`, but between 2 and `most`.
    pub(crate) fn new(budget_bytes: u64, each_bytes: u64, most: usize) -> Self {
        let fitting = budget_bytes.checked_div(each_bytes).unwrap_or_default();
        let capacity = usize::try_from(fitting)
            .unwrap_or(usize::MAX)
            .clamp(2, most);
        Self {
            capacity,
            latest: Mutex::new(VecDeque::with_capacity(capacity)),
        }
    }

    /// What is kept under `key`, or what `read` yields. Threads that miss at the same time each
    /// read: nobody waits for the disk while holding the lock.
    pub(crate) fn get_or(
        &self,
        key: K,
        read: impl FnOnce() -> Result<T, ReadError>,
    ) -> Result<Arc<T>, ReadError> {
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let fresh = Arc::new(read()?);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.truncate(self.capacity.saturating_sub(1));
        latest.push_front((key, Arc::clone(&fresh)));
        Ok(fresh)
    }

    fn find(&self, key: K) -> Option<Arc<T>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let index = latest.iter().position(|(known, _)| *known == key)?;
        let entry = latest.remove(index)?;
        let found = Arc::clone(&entry.1);
        latest.push_front(entry);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept() {
        let cache = Cache::new(3, 1, 3);
        let fails = |key| {
            cache
                .get_or(key, || {
                    Err(ReadError::Corrupt {
                        offset: 0,
                        rule: "not kept".to_owned(),
                    })
                })
                .is_err()
        };
        for key in [1, 2, 3] {
            assert_eq!(*cache.get_or(key, || Ok(key)).unwrap(), key);
        }
        assert!(!fails(1));
        assert_eq!(*cache.get_or(4, || Ok(4)).unwrap(), 4);
        assert_eq!([1, 2, 3, 4].map(fails), [false, true, false, false]);
    }
}
