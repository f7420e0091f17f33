//! The logical address space of a file system, and the tree blocks in it.

use std::sync::{Arc, Mutex, PoisonError};

use super::chunk::{Chunks, Place};
use super::corrupt;
use super::device::Devices;
use super::key::{Key, kind, object};
use super::node::Node;
use super::superblock::{Superblock, TreeRoot};
use super::tree::Cursor;
use crate::FsError;

/// How much of tree blocks is held: 4 MiB.
const CACHE_BYTES: usize = 4 << 20;

/// Devices and chunks, and a cache of tree blocks: a block has one slot where it can stand.
pub(super) struct Space {
    pub(super) superblock: Superblock,
    devices: Devices,
    chunks: Chunks,
    nodes: Mutex<Vec<Option<Arc<Node>>>>,
}

impl Space {
    /// Reads all chunks, first with the help of those in the superblock.
    pub(super) fn open(devices: Devices, superblock: Superblock) -> Result<Self, FsError> {
        let slots = CACHE_BYTES.checked_div(superblock.node_bytes).unwrap_or(1);
        let mut space = Self {
            chunks: Chunks::of_superblock(&superblock.sys_chunks)?,
            superblock,
            devices,
            nodes: Mutex::new((0..slots).map(|_| None).collect()),
        };
        space.chunks = space.read_chunks()?;
        Ok(space)
    }

    fn read_chunks(&self) -> Result<Chunks, FsError> {
        let mut chunks = Chunks::default();
        let key = Key::new(object::FIRST_CHUNK_TREE, kind::CHUNK_ITEM, 0);
        let mut cursor = Cursor::seek(self, &self.superblock.chunk_root, &key)?;
        while let Some(item) = cursor.item().filter(|item| item.key.is_beside(&key)) {
            chunks.add(item.key, item.data())?;
            cursor.advance()?;
        }
        Ok(chunks)
    }

    /// Fills `buf` from the address `logical`, from any copy that can be read.
    pub(super) fn read(&self, logical: u64, buf: &mut [u8]) -> Result<(), FsError> {
        self.each_piece(logical, buf, |places, now| {
            let mut last = Err(corrupt("a chunk has no stripes"));
            for place in self.present_first(places) {
                last = self.devices.read(place.device, place.offset, now);
                if last.is_ok() {
                    break;
                }
            }
            last
        })
    }

    /// Copies on given devices before those on others.
    fn present_first(&self, places: &[Place]) -> Vec<Place> {
        let mut sorted = places.to_vec();
        sorted.sort_by_key(|place| !self.devices.has(place.device));
        sorted
    }

    /// Cuts a range where its places change.
    fn each_piece(
        &self,
        logical: u64,
        buf: &mut [u8],
        mut each: impl FnMut(&[Place], &mut [u8]) -> Result<(), FsError>,
    ) -> Result<(), FsError> {
        let (mut at, mut rest) = (logical, buf);
        while !rest.is_empty() {
            let (places, there) = self.chunks.locate(at)?;
            let count = usize::try_from(there).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            each(&places, now)?;
            at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(())
    }

    /// The tree block that `expect` describes; the first of its copies that is sound.
    pub(super) fn node(&self, expect: &TreeRoot) -> Result<Arc<Node>, FsError> {
        let slot = self.slot(expect.logical);
        let lock = || self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(node)) = lock().get(slot)
            && node.logical == expect.logical
        {
            node.is_as_expected(expect)?;
            return Ok(node.clone());
        }
        // The lock is free while we read: two threads may read the same block, without harm.
        let (places, _) = self.chunks.locate(expect.logical)?;
        let mut first_error = None;
        for copy in self.copies(&places) {
            match self.read_node(copy, expect) {
                Ok(node) => {
                    let node = Arc::new(node);
                    if let Some(place) = lock().get_mut(slot) {
                        *place = Some(node.clone());
                    }
                    return Ok(node);
                }
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| corrupt("a chunk has no stripes")))
    }

    /// The numbers of copies, those on given devices first.
    fn copies(&self, places: &[Place]) -> Vec<usize> {
        let mut copies: Vec<usize> = (0..places.len()).collect();
        copies.sort_by_key(|&copy| {
            !places
                .get(copy)
                .is_some_and(|place| self.devices.has(place.device))
        });
        copies
    }

    fn read_node(&self, copy: usize, expect: &TreeRoot) -> Result<Node, FsError> {
        let mut bytes = vec![0; self.superblock.node_bytes].into_boxed_slice();
        self.each_piece(expect.logical, &mut bytes, |places, now| {
            let place = places
                .get(copy)
                .ok_or_else(|| corrupt("a tree block lies in chunks of two kinds"))?;
            self.devices.read(place.device, place.offset, now)
        })?;
        let node = Node::parse(bytes, expect.logical, &self.superblock)?;
        node.is_as_expected(expect)?;
        Ok(node)
    }

    fn slot(&self, logical: u64) -> usize {
        let bytes = u64::try_from(self.superblock.node_bytes).unwrap_or(1);
        let slots = CACHE_BYTES
            .checked_div(self.superblock.node_bytes)
            .and_then(|slots| u64::try_from(slots).ok());
        let number = logical.checked_div(bytes).unwrap_or(0);
        let slot = slots.and_then(|slots| number.checked_rem(slots));
        usize::try_from(slot.unwrap_or(0)).unwrap_or(0)
    }

    /// How many devices are missing.
    pub(super) fn missing_devices(&self) -> u64 {
        let given = u64::try_from(self.devices.count()).unwrap_or(u64::MAX);
        self.superblock.devices.saturating_sub(given)
    }
}
