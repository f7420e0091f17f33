//! The subvolumes of a file system, and their paths.

use super::dir_item::{self, Target};
use super::inode_ref;
use super::key::{Key, kind, object};
use super::root_item::{FileTree, RootItem, is_subvolume};
use super::tree::Cursor;
use super::{Core, checksum, corrupt, unsupported};
use crate::FsError;

/// More are not listed.
const MAX_SUBVOLUMES: usize = 16_384;
/// How many names one path may have: `PATH_MAX` with names of one letter.
const MAX_DEPTH: usize = 2048;
/// How many names are looked up for all paths together.
const MAX_STEPS: usize = 262_144;

/// One tree of files of a btrfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subvolume {
    /// Its number, as in `subvolid=`; 5 is the top level.
    pub id: u64,
    /// The subvolume that its path leads through last; `None` for the top level.
    pub parent: Option<u64>,
    /// Its path from the top level, without a slash in front, as `subvol=` and
    /// `btrfs subvolume list` have it; empty for the top level. Bytes that are not UTF-8 are
    /// replaced.
    pub path: String,
    /// Its own UUID; all zeros where the format has none.
    pub uuid: String,
    /// Whether it refuses writers, as snapshots often do.
    pub read_only: bool,
}

impl Core {
    /// All subvolumes in the order of their numbers.
    pub(super) fn subvolumes(&self) -> Result<Vec<Subvolume>, FsError> {
        let mut found = Vec::new();
        let mut steps = MAX_STEPS;
        let from = Key::new(object::FS_TREE, kind::ROOT_ITEM, 0);
        let mut cursor = Cursor::seek(&self.space, &self.space.superblock.root, &from)?;
        while let Some(item) = cursor.item() {
            cursor.advance()?;
            if item.key.kind != kind::ROOT_ITEM || !is_subvolume(item.key.objectid) {
                continue;
            }
            let root = RootItem::parse(&item)?;
            if root.is_deleted {
                continue;
            }
            if found.len() >= MAX_SUBVOLUMES {
                return Err(unsupported("more than 16384 subvolumes"));
            }
            found.push(self.subvolume(root, &mut steps)?);
        }
        Ok(found)
    }

    fn subvolume(&self, root: RootItem, steps: &mut usize) -> Result<Subvolume, FsError> {
        let id = root.tree.id;
        let place = self.space.place_of(id)?;
        Ok(Subvolume {
            id,
            parent: place.map(|place| place.parent),
            path: self.path_of(id, steps)?,
            uuid: root.uuid,
            read_only: root.read_only,
        })
    }

    /// The path of subvolume `id` from the top level: up to the root of the subvolume that it
    /// stands in, and so on.
    fn path_of(&self, id: u64, steps: &mut usize) -> Result<String, FsError> {
        let lost = || corrupt(format!("subvolume {id} does not stand in the top level"));
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let mut below = id;
        while below != object::FS_TREE {
            let place = self.space.place_of(below)?.ok_or_else(lost)?;
            let parent = self.space.root_item(place.parent)?.ok_or_else(lost)?.tree;
            parts.push(place.name);
            let mut directory = place.directory;
            while directory != parent.root_dir {
                *steps = steps
                    .checked_sub(1)
                    .filter(|_| parts.len() < MAX_DEPTH)
                    .ok_or_else(|| unsupported("subvolumes with very long paths"))?;
                let (above, name) = self.name_of(parent, directory)?.ok_or_else(lost)?;
                parts.push(name);
                directory = above;
            }
            *steps = steps
                .checked_sub(1)
                .filter(|_| parts.len() < MAX_DEPTH)
                .ok_or_else(|| unsupported("subvolumes with very long paths"))?;
            below = place.parent;
        }
        parts.reverse();
        Ok(String::from_utf8_lossy(&parts.join(&b'/')).into_owned())
    }

    /// The only name of a directory, and what it stands in; the log's counts.
    fn name_of(&self, tree: FileTree, directory: u64) -> Result<Option<(u64, Vec<u8>)>, FsError> {
        let last = Key::new(directory, kind::INODE_REF, u64::MAX);
        let log = self.logs.get(&tree.id).map(|log| &log.root);
        for root in log.into_iter().chain([&tree.root]) {
            let found = self.space.last_at_or_before(root, &last)?;
            if let Some(item) = found.filter(|item| item.key.is_beside(&last)) {
                let names = inode_ref::names(&item)?;
                return Ok(names
                    .first()
                    .map(|name| (name.directory, name.name.to_vec())));
            }
        }
        Ok(None)
    }

    /// The subvolume that is mounted where none is named. \[btrfs\] a name in a directory that only
    /// the tree of roots has; the top level where there is none.
    pub(super) fn default_subvolume(&self) -> Result<u64, FsError> {
        let superblock = &self.space.superblock;
        let hash = checksum::name_hash(b"default");
        let key = Key::new(superblock.root_dir, kind::DIR_ITEM, hash);
        let Some(item) = self.space.find(&superblock.root, &key)? else {
            return Ok(object::FS_TREE);
        };
        let entries = dir_item::entries(&item)?;
        let named = entries.iter().find(|entry| entry.name == b"default");
        match named.map(|entry| entry.target) {
            Some(Target::Subvolume(id)) => Ok(id),
            Some(Target::Inode(_)) => Err(corrupt("the default subvolume is a file")),
            None => Ok(object::FS_TREE),
        }
    }
}
