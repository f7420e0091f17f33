//! Log trees: what was synced after the last commit. \[log\] `fs/btrfs/tree-log.c` of Linux says
//! what replaying one means; here it is looked through, and nothing is written.
//!
//! Inode items and extents of the log stand over those of its subvolume. Names are gathered once:
//! those that the log adds, those that it has no more in ranges that it is complete for, and those
//! that an inode no longer has in a directory.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::dir_item::{self, Target};
use super::inode_ref;
use super::key::{Key, kind, object};
use super::root_item::{FileTree, RootItem};
use super::space::Space;
use super::superblock::TreeRoot;
use super::tree::{Cursor, Item};
use super::{corrupt, unsupported};
use crate::FsError;
use crate::fields::le64;

/// What all names of all logs may take.
const MAX_BYTES: usize = 16 << 20;
/// What a name takes beside its bytes.
const NAME_BYTES: usize = 160;

/// The log tree of one subvolume.
pub(super) struct Log {
    pub(super) root: TreeRoot,
    /// Names by directory.
    added: HashMap<u64, BTreeMap<Vec<u8>, Target>>,
    /// Ranges of a directory's index in which only the log's names are left.
    complete: HashMap<u64, Vec<(u64, u64)>>,
    /// Names that an inode had in a directory, by directory.
    unlinked: HashMap<u64, HashSet<Vec<u8>>>,
}

/// All logs by subvolume, if there is a tree of them.
pub(super) fn load(space: &Space) -> Result<HashMap<u64, Log>, FsError> {
    let mut logs = HashMap::new();
    let Some(log_root) = &space.superblock.log_root else {
        return Ok(logs);
    };
    let mut room = MAX_BYTES;
    let from = Key::new(object::TREE_LOG, kind::ROOT_ITEM, 0);
    space.each_beside(log_root, &from, |item| {
        let id = item.key.offset;
        let root = RootItem::parse(item)?.tree.root;
        // The subvolume may have been deleted since.
        if let Some(found) = space.root_item(id)? {
            let log = Gathering::new(space, found.tree, root, &mut room).run()?;
            logs.insert(id, log);
        }
        Ok(true)
    })?;
    Ok(logs)
}

impl Log {
    /// Whether it says anything of the names in `directory`.
    pub(super) fn touches(&self, directory: u64) -> bool {
        self.added.contains_key(&directory)
            || self.complete.contains_key(&directory)
            || self.unlinked.contains_key(&directory)
    }

    /// Whether a committed name is no more, or was replaced.
    pub(super) fn hides(&self, directory: u64, index: u64, name: &[u8]) -> bool {
        let ranges = self.complete.get(&directory);
        let is_gone = ranges.is_some_and(|ranges| {
            ranges
                .iter()
                .any(|&(first, last)| (first..=last).contains(&index))
        });
        is_gone
            || self
                .added
                .get(&directory)
                .is_some_and(|names| names.contains_key(name))
            || self
                .unlinked
                .get(&directory)
                .is_some_and(|names| names.contains(name))
    }

    /// The names that it adds to `directory`.
    pub(super) fn added(&self, directory: u64) -> impl Iterator<Item = (&[u8], Target)> {
        let names = self.added.get(&directory).into_iter().flatten();
        names.map(|(name, &target)| (name.as_slice(), target))
    }
}

/// A log whose names are being gathered.
struct Gathering<'s> {
    space: &'s Space,
    tree: FileTree,
    log: Log,
    /// How many bytes of names may still be held.
    room: &'s mut usize,
}

impl<'s> Gathering<'s> {
    fn new(space: &'s Space, tree: FileTree, root: TreeRoot, room: &'s mut usize) -> Self {
        Self {
            space,
            tree,
            log: Log {
                root,
                added: HashMap::new(),
                complete: HashMap::new(),
                unlinked: HashMap::new(),
            },
            room,
        }
    }

    /// Directories first, names of inodes after them: the latter win, as in Linux.
    fn run(mut self) -> Result<Log, FsError> {
        self.each(|all, item| match item.key.kind {
            kind::DIR_INDEX => all.directory_entry(item),
            kind::DIR_LOG_INDEX => all.complete_range(item),
            _ => Ok(()),
        })?;
        self.each(|all, item| match item.key.kind {
            kind::INODE_REF | kind::INODE_EXTREF => all.inode_names(item),
            _ => Ok(()),
        })?;
        Ok(self.log)
    }

    fn each(
        &mut self,
        mut each: impl FnMut(&mut Self, &Item) -> Result<(), FsError>,
    ) -> Result<(), FsError> {
        let mut cursor = Cursor::seek(self.space, &self.log.root, &Key::new(0, 0, 0))?;
        while let Some(item) = cursor.item() {
            each(self, &item)?;
            cursor.advance()?;
        }
        Ok(())
    }

    fn directory_entry(&mut self, item: &Item) -> Result<(), FsError> {
        for entry in dir_item::entries(item)? {
            // The name of an inode that was not logged itself is not replayed.
            let is_there = match entry.target {
                Target::Inode(number) => self.has_inode(number)?,
                Target::Subvolume(_) => true,
            };
            if is_there {
                self.add(item.key.objectid, entry.name, entry.target)?;
            }
        }
        Ok(())
    }

    fn complete_range(&mut self, item: &Item) -> Result<(), FsError> {
        let last = le64(item.data(), 0).ok_or_else(|| corrupt("a range of the log is cut off"))?;
        self.take_room(0)?;
        let ranges = self.log.complete.entry(item.key.objectid).or_default();
        ranges.push((item.key.offset, last));
        Ok(())
    }

    fn inode_names(&mut self, item: &Item) -> Result<(), FsError> {
        let number = item.key.objectid;
        if !self.has_inode(number)? {
            return Ok(());
        }
        let logged = inode_ref::names(item)?;
        for name in &logged {
            // The root directory is in itself, as "..".
            let is_root = name.directory == number;
            if !is_root && self.has_inode(name.directory)? {
                self.add(name.directory, name.name, Target::Inode(number))?;
            }
        }
        let Some(committed) = self.space.find(&self.tree.root, &item.key)? else {
            return Ok(());
        };
        for name in inode_ref::names(&committed)? {
            if !logged.contains(&name) {
                self.take_room(name.name.len())?;
                let names = self.log.unlinked.entry(name.directory).or_default();
                names.insert(name.name.to_vec());
            }
        }
        Ok(())
    }

    fn add(&mut self, directory: u64, name: &[u8], target: Target) -> Result<(), FsError> {
        self.take_room(name.len())?;
        let names = self.log.added.entry(directory).or_default();
        names.insert(name.to_vec(), target);
        Ok(())
    }

    fn has_inode(&self, number: u64) -> Result<bool, FsError> {
        let key = Key::new(number, kind::INODE_ITEM, 0);
        Ok(self.space.find(&self.log.root, &key)?.is_some()
            || self.space.find(&self.tree.root, &key)?.is_some())
    }

    fn take_room(&mut self, len: usize) -> Result<(), FsError> {
        let left = self.room.checked_sub(len.saturating_add(NAME_BYTES));
        *self.room = left.ok_or_else(|| unsupported("a log tree of more than 16 MiB of names"))?;
        Ok(())
    }
}
