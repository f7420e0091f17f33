//! Root references: in which directory, and by which name, a subvolume stands in another.

use super::corrupt;
use super::key::{Key, kind};
use super::space::Space;
use crate::FsError;
use crate::fields::{le16, le64};

/// Where a subvolume stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootRef {
    /// The subvolume that it stands in.
    pub(super) parent: u64,
    /// The directory there.
    pub(super) directory: u64,
    pub(super) name: Vec<u8>,
}

impl RootRef {
    fn parse(parent: u64, bytes: &[u8]) -> Result<Self, FsError> {
        let fields = || {
            let len = usize::from(le16(bytes, 16)?);
            Some(Self {
                parent,
                directory: le64(bytes, 0)?,
                name: bytes.get(18..len.checked_add(18)?)?.to_vec(),
            })
        };
        fields().ok_or_else(|| corrupt("a root reference is cut off"))
    }
}

impl Space {
    /// Where subvolume `id` stands; `None` for the top level.
    pub(super) fn place_of(&self, id: u64) -> Result<Option<RootRef>, FsError> {
        let last = Key::new(id, kind::ROOT_BACKREF, u64::MAX);
        let found = self.last_at_or_before(&self.superblock.root, &last)?;
        let found = found.filter(|item| item.key.is_beside(&last));
        let parse = |item: super::tree::Item| RootRef::parse(item.key.offset, item.data());
        found.map(parse).transpose()
    }

    /// Whether `id` stands in `directory` of `parent` by this name. A snapshot has the names of
    /// the subvolumes below its source, but not those subvolumes.
    pub(super) fn stands_in(
        &self,
        id: u64,
        parent: u64,
        directory: u64,
        name: &[u8],
    ) -> Result<bool, FsError> {
        let key = Key::new(parent, kind::ROOT_REF, id);
        let Some(item) = self.find(&self.superblock.root, &key)? else {
            return Ok(false);
        };
        let found = RootRef::parse(parent, item.data())?;
        Ok(found.directory == directory && found.name == name)
    }
}
