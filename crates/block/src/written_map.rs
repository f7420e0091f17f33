//! Which grains of a disk were written.

use std::collections::BTreeMap;

/// Words in a leaf of the map: one page of memory for 32,768 grains.
const LEAF_WORDS: usize = 512;

/// Grains in a leaf.
const LEAF_GRAINS: u64 = 64 * LEAF_WORDS as u64;

/// A set of grain numbers. It takes one bit a grain, in leaves that are made when first needed:
/// with grains of 4 KiB, 4 KiB of memory for each 128 MiB in which anything was written.
#[derive(Debug, Default)]
pub(crate) struct WrittenMap {
    leaves: BTreeMap<u64, Box<[u64; LEAF_WORDS]>>,
}

impl WrittenMap {
    /// Whether `grain` was written, and how many grains from there on are alike: at least one, and
    /// no more than `most` or than its leaf has.
    pub(crate) fn run(&self, grain: u64, most: u64) -> (bool, u64) {
        let in_leaf = grain % LEAF_GRAINS;
        let most = most.min(LEAF_GRAINS - in_leaf).max(1);
        let Some(leaf) = self.leaves.get(&(grain / LEAF_GRAINS)) else {
            return (false, most);
        };
        let written = bit(leaf, in_leaf);
        let mut count = 1;
        while count < most {
            let next = in_leaf + count;
            // A whole word of neighbours at once, where it is all one thing.
            let word =
                usize::try_from(next / 64).map_or(0, |index| leaf.get(index).copied().unwrap_or(0));
            if next.is_multiple_of(64) && word == if written { u64::MAX } else { 0 } {
                count += 64;
            } else if bit(leaf, next) == written {
                count += 1;
            } else {
                break;
            }
        }
        (written, count.min(most))
    }

    /// Notes that `count` grains from `first` on were written.
    pub(crate) fn set(&mut self, first: u64, count: u64) {
        let end = first.saturating_add(count);
        let mut grain = first;
        while grain < end {
            let leaf = self
                .leaves
                .entry(grain / LEAF_GRAINS)
                .or_insert_with(|| Box::new([0; LEAF_WORDS]));
            let last = end.min(
                (grain / LEAF_GRAINS)
                    .saturating_add(1)
                    .saturating_mul(LEAF_GRAINS),
            );
            while grain < last {
                let in_leaf = grain % LEAF_GRAINS;
                let whole = in_leaf.is_multiple_of(64) && last - grain >= 64;
                let index = usize::try_from(in_leaf / 64).unwrap_or(0);
                if let Some(word) = leaf.get_mut(index) {
                    *word |= if whole { u64::MAX } else { 1 << (in_leaf % 64) };
                }
                grain += if whole { 64 } else { 1 };
            }
        }
    }

    /// How many leaves there are.
    #[cfg(test)]
    fn leaves(&self) -> usize {
        self.leaves.len()
    }
}

/// Whether the bit of a grain of the leaf is set.
fn bit(leaf: &[u64; LEAF_WORDS], in_leaf: u64) -> bool {
    let index = usize::try_from(in_leaf / 64).unwrap_or(0);
    leaf.get(index)
        .is_some_and(|word| word >> (in_leaf % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::{LEAF_GRAINS, WrittenMap};

    #[test]
    fn runs_end_where_the_kind_changes_or_the_leaf_does() {
        let mut map = WrittenMap::default();
        map.set(100, 200);
        assert_eq!(map.run(0, 1000), (false, 100));
        assert_eq!(map.run(100, 1000), (true, 200));
        assert_eq!(map.run(150, 20), (true, 20));
        assert_eq!(map.run(300, 1000), (false, 1000));
        assert_eq!(map.run(LEAF_GRAINS - 5, 1000), (false, 5));
    }

    #[test]
    fn memory_is_taken_only_where_something_was_written() {
        let mut map = WrittenMap::default();
        map.set(1 << 40, 1);
        map.set(LEAF_GRAINS - 1, 2);
        assert_eq!(map.leaves(), 3);
        assert_eq!(map.run(1 << 40, 10), (true, 1));
        assert_eq!(map.run(LEAF_GRAINS - 1, 10), (true, 1));
        assert_eq!(map.run(LEAF_GRAINS, 10), (true, 1));
    }
}
