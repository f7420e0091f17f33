//! All extents of a disk, neighbours that continue each other joined.

use detente_block::ReadError;
use detente_disk::{MapExtent, Mapped, Place};

/// Whether what is compressed is told apart: each cluster is unpacked by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    /// Each cluster with its place.
    Apart,
    /// Clusters of one file that follow each other, with the first one's place.
    Joined,
}

/// The extents in turn. Ends at the first that cannot be told.
pub(super) struct Walk<'a> {
    disk: &'a dyn Mapped,
    packed: Packed,
    next: u64,
    /// Looked up, and perhaps continued by what follows.
    held: Option<MapExtent>,
    fault: Option<ReadError>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(disk: &'a dyn Mapped, packed: Packed) -> Self {
        Self {
            disk,
            packed,
            next: 0,
            held: None,
            fault: None,
        }
    }

    /// Why it ended before the end, if it did.
    pub(super) fn into_fault(self) -> Option<ReadError> {
        self.fault
    }

    fn look_up(&mut self) -> Option<MapExtent> {
        if self.next >= self.disk.len_bytes() || self.fault.is_some() {
            return None;
        }
        match self.disk.map_extent(self.next, u64::MAX) {
            Ok(extent) => {
                // An extent is never empty; one that is must not keep us here for ever.
                self.next = self.next.saturating_add(extent.len.max(1));
                Some(extent)
            }
            Err(error) => {
                self.fault = Some(error);
                None
            }
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = MapExtent;

    fn next(&mut self) -> Option<MapExtent> {
        let mut extent = self.held.take().or_else(|| self.look_up())?;
        while let Some(next) = self.look_up() {
            if !continues(&extent, &next, self.packed) {
                self.held = Some(next);
                break;
            }
            extent.len = extent.len.saturating_add(next.len);
        }
        Some(extent)
    }
}

/// Whether `next` is more of the same.
fn continues(extent: &MapExtent, next: &MapExtent, packed: Packed) -> bool {
    if extent.depth != next.depth {
        return false;
    }
    match (extent.place, next.place) {
        (Place::Unallocated, Place::Unallocated) => true,
        (Place::Zero { room: None }, Place::Zero { room: None }) => true,
        (Place::Zero { room: Some(one) }, Place::Zero { room: Some(other) }) => {
            one.0 == other.0 && one.1.checked_add(extent.len) == Some(other.1)
        }
        (
            Place::File { file, offset },
            Place::File {
                file: next_file,
                offset: next_offset,
            },
        ) => file == next_file && offset.checked_add(extent.len) == Some(next_offset),
        (Place::Compressed { file, .. }, Place::Compressed { file: other, .. }) => {
            packed == Packed::Joined && file == other
        }
        (
            Place::File { .. } | Place::Compressed { .. } | Place::Zero { .. } | Place::Unallocated,
            _,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detente_block::BlockRead;
    use detente_disk::{FileIndex, ImageFile};

    /// A disk with these extents, 10 bytes each; nothing can be told of place 99.
    struct Listed(Vec<Place>);

    impl BlockRead for Listed {
        fn len_bytes(&self) -> u64 {
            self.0.len() as u64 * 10
        }

        fn read_exact_at(&self, _offset: u64, _buf: &mut [u8]) -> Result<(), ReadError> {
            unreachable!("a map does not read")
        }
    }

    impl Mapped for Listed {
        fn map_extent(&self, offset: u64, _most: u64) -> Result<MapExtent, ReadError> {
            let place = self.0[usize::try_from(offset / 10).unwrap()];
            if place == at(99) {
                let rule = "bad".to_owned();
                return Err(ReadError::Corrupt { offset, rule });
            }
            Ok(MapExtent {
                offset,
                len: 10,
                depth: 0,
                place,
            })
        }

        fn files(&self) -> &[ImageFile] {
            &[]
        }
    }

    fn at(offset: u64) -> Place {
        Place::File {
            file: FileIndex(0),
            offset,
        }
    }

    fn room(offset: u64) -> Place {
        Place::Zero {
            room: Some((FileIndex(0), offset)),
        }
    }

    fn packed(offset: u64) -> Place {
        Place::Compressed {
            file: FileIndex(0),
            offset,
            len: 3,
        }
    }

    #[track_caller]
    fn check(places: &[Place], lens: &[u64], sound: bool) {
        let disk = Listed(places.to_vec());
        let mut walk = Walk::new(&disk, Packed::Apart);
        let got: Vec<u64> = (&mut walk).map(|extent| extent.len).collect();
        assert_eq!(got, lens);
        assert_eq!(walk.into_fault().is_none(), sound);
    }

    #[test]
    fn what_continues_is_joined() {
        let zero = Place::Zero { room: None };
        check(&[], &[], true);
        check(&[at(0), at(10), at(20)], &[30], true);
        check(&[at(0), at(20), at(30)], &[10, 20], true);
        check(&[at(0), room(10), room(20), zero], &[10, 20, 10], true);
        check(
            &[Place::Unallocated, Place::Unallocated, zero, zero],
            &[20, 20],
            true,
        );
        check(&[packed(0), packed(10)], &[10, 10], true);
    }

    #[test]
    fn compressed_clusters_are_joined_where_they_are_not_told_apart() {
        let disk = Listed(vec![packed(0), packed(3), at(10), packed(6)]);
        let lens: Vec<u64> = Walk::new(&disk, Packed::Joined)
            .map(|extent| extent.len)
            .collect();
        assert_eq!(lens, [20, 10, 10]);
    }

    #[test]
    fn what_stands_before_a_fault_is_told() {
        check(&[at(0), at(10), at(99), at(20)], &[20], false);
        check(&[at(99)], &[], false);
    }
}
