//! Directories: listing them, and finding a name in them.

use super::dir_item::{self, Entry, Target};
use super::inode_item::Inode;
use super::key::{Key, kind};
use super::log::Log;
use super::{Core, checksum, unsupported};
use crate::FsError;

/// More than 300 000 names; what is longer is not read.
const MAX_BYTES: usize = 32 << 20;
/// What a name takes beside its bytes.
const NAME_BYTES: usize = 64;

impl Core {
    /// Calls `each` for every name until it returns false.
    pub(super) fn each_name(
        &self,
        directory: &Inode,
        mut each: impl FnMut(Entry<'_>) -> Result<bool, FsError>,
    ) -> Result<(), FsError> {
        let number = directory.number;
        let log = self.log_of(directory);
        let from = Key::new(number, kind::DIR_INDEX, 0);
        let mut bytes = 0_usize;
        let mut goes_on = true;
        self.space
            .each_beside(&directory.tree.root, &from, |item| {
                bytes = bytes.saturating_add(item.data().len().saturating_add(NAME_BYTES));
                if bytes > MAX_BYTES {
                    return Err(unsupported(format!(
                        "directory inode {number} has more than 32 MiB of names"
                    )));
                }
                for entry in dir_item::entries(item)? {
                    let index = item.key.offset;
                    let is_hidden = log.is_some_and(|log| log.hides(number, index, entry.name));
                    goes_on = goes_on && (is_hidden || each(entry)?);
                }
                Ok(goes_on)
            })?;
        for (name, target) in log.into_iter().flat_map(|log| log.added(number)) {
            let kind = None;
            goes_on = goes_on && each(Entry { name, target, kind })?;
        }
        Ok(())
    }

    /// The log, if it says anything of the names in `directory`.
    fn log_of(&self, directory: &Inode) -> Option<&Log> {
        let log = self.logs.get(&directory.tree.id)?;
        log.touches(directory.number).then_some(log)
    }

    /// What `wanted` leads to.
    fn lookup(&self, directory: &Inode, wanted: &[u8]) -> Result<Option<Target>, FsError> {
        let mut found = None;
        let mut compare = |entry: Entry<'_>| {
            if entry.name == wanted {
                found = Some(entry.target);
            }
            Ok(found.is_none())
        };
        if self.log_of(directory).is_some() {
            self.each_name(directory, compare)?;
            return Ok(found);
        }
        let hash = checksum::name_hash(wanted);
        let key = Key::new(directory.number, kind::DIR_ITEM, hash);
        if let Some(item) = self.space.find(&directory.tree.root, &key)? {
            for entry in dir_item::entries(&item)? {
                compare(entry)?;
            }
        }
        Ok(found)
    }

    /// What `name` leads to in `directory`, subvolumes entered.
    pub(super) fn child(&self, directory: &Inode, name: &[u8]) -> Result<Option<Inode>, FsError> {
        let tree = directory.tree;
        if let Some(inode) = self.names.get((tree.id, directory.number), name) {
            return Ok(Some(inode));
        }
        let inode = match self.lookup(directory, name)? {
            None => return Ok(None),
            Some(Target::Inode(number)) => self.inode(tree, number)?,
            Some(Target::Subvolume(id)) => self.enter(directory, name, id)?,
        };
        self.names.put((tree.id, directory.number), name, &inode);
        Ok(Some(inode))
    }

    /// The root directory of subvolume `id`; an empty one if it stands elsewhere, as for Linux.
    fn enter(&self, directory: &Inode, name: &[u8], id: u64) -> Result<Inode, FsError> {
        let (parent, number) = (directory.tree.id, directory.number);
        let stands_here = self.space.stands_in(id, parent, number, name)?;
        match self.space.root_item(id)?.filter(|_| stands_here) {
            Some(found) => self.inode(found.tree, found.tree.root_dir),
            None => Ok(Inode::empty_directory(directory)),
        }
    }
}
