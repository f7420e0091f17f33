//! From bytes of a file to what holds them, the log looked through.

use std::sync::{Arc, Mutex, PoisonError};

use super::file_extent::{Content, FileExtent, Packed};
use super::inode_item::Inode;
use super::key::{Key, kind};
use super::space::Space;
use super::superblock::TreeRoot;
use super::tree::Cursor;
use super::{Core, corrupt};
use crate::FsError;

/// How many unpacked extents are held: 1 MiB.
const MAX_UNPACKED: usize = 8;

/// What holds a byte of a file.
pub(super) struct Span {
    pub(super) content: Content,
    /// How far the byte is from where `content` starts.
    pub(super) within: u64,
    /// How many bytes go on like that, at least one.
    pub(super) len: u64,
}

/// What a tree says of a byte.
enum Found {
    Extent(FileExtent),
    /// Nothing until there.
    Gap(u64),
}

impl Core {
    /// What holds byte `at` of a file. Ranges without an extent are holes.
    pub(super) fn span(&self, inode: &Inode, at: u64) -> Result<Span, FsError> {
        let logged = match self.logs.get(&inode.tree.id) {
            Some(log) => self.space.extent_at(&log.root, inode.number, at)?,
            None => Found::Gap(u64::MAX),
        };
        let (found, until) = match logged {
            Found::Extent(_) => (logged, u64::MAX),
            // What was committed counts until the log's next extent.
            Found::Gap(until) => {
                let tree = &inode.tree.root;
                (self.space.extent_at(tree, inode.number, at)?, until)
            }
        };
        Ok(match found {
            Found::Extent(extent) => Span {
                within: at.saturating_sub(extent.start),
                len: extent.end().min(until).saturating_sub(at).max(1),
                content: extent.content,
            },
            Found::Gap(next) => Span {
                content: Content::Zero,
                within: 0,
                len: next.min(until).saturating_sub(at).max(1),
            },
        })
    }

    /// Fills `buf` from byte `offset` of a file; holes and what lies behind the end are zero.
    pub(super) fn read_data(
        &self,
        inode: &Inode,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<(), FsError> {
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let span = self.span(inode, at)?;
            let count = usize::try_from(span.len)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            self.read_span(&span, now)?;
            at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(())
    }

    fn read_span(&self, span: &Span, buf: &mut [u8]) -> Result<(), FsError> {
        match &span.content {
            Content::Zero => buf.fill(0),
            Content::Plain { logical } => {
                self.space.read(logical.saturating_add(span.within), buf)?;
            }
            Content::Packed(packed) => {
                let unpacked = self.unpack(packed)?;
                copy(&unpacked, packed.skip.saturating_add(span.within), buf);
            }
            Content::Inline {
                item,
                compression,
                unpacked_bytes,
            } => {
                let bytes = FileExtent::inline_bytes(item);
                let Some(compression) = compression else {
                    copy(bytes, span.within, buf);
                    return Ok(());
                };
                let mut unpacked = vec![0; usize::try_from(*unpacked_bytes).unwrap_or(0)];
                let sector_bytes = self.space.superblock.sector_bytes;
                compression.unpack(bytes, sector_bytes, &mut unpacked)?;
                copy(&unpacked, span.within, buf);
            }
        }
        Ok(())
    }

    /// A whole compressed extent.
    fn unpack(&self, packed: &Packed) -> Result<Arc<[u8]>, FsError> {
        if let Some(known) = self.unpacked.get(packed) {
            return Ok(known);
        }
        let room = |bytes: u64| {
            usize::try_from(bytes).map_err(|_| corrupt("a compressed extent is too long"))
        };
        let mut bytes = vec![0; room(packed.packed_bytes)?];
        self.space.read(packed.logical, &mut bytes)?;
        let mut unpacked = vec![0; room(packed.unpacked_bytes)?];
        let sector_bytes = self.space.superblock.sector_bytes;
        packed
            .compression
            .unpack(&bytes, sector_bytes, &mut unpacked)?;
        let unpacked: Arc<[u8]> = unpacked.into();
        self.unpacked.put(packed, unpacked.clone());
        Ok(unpacked)
    }
}

impl Space {
    /// What `tree` has for byte `at` of a file.
    fn extent_at(&self, tree: &TreeRoot, inode: u64, at: u64) -> Result<Found, FsError> {
        let key = Key::new(inode, kind::EXTENT_DATA, at);
        let before = self.last_at_or_before(tree, &key)?;
        if let Some(item) = before.filter(|item| item.key.is_beside(&key)) {
            let extent = FileExtent::parse(&item, self.superblock.sector_bytes)?;
            if extent.end() > at {
                return Ok(Found::Extent(extent));
            }
        }
        let after = Key::new(inode, kind::EXTENT_DATA, at.saturating_add(1));
        let next = Cursor::seek(self, tree, &after)?.item();
        let next = next.filter(|item| item.key.is_beside(&key));
        Ok(Found::Gap(next.map_or(u64::MAX, |item| item.key.offset)))
    }
}

/// Fills `buf` from byte `skip` of `bytes`, and with zeros behind their end.
fn copy(bytes: &[u8], skip: u64, buf: &mut [u8]) {
    let source = usize::try_from(skip)
        .ok()
        .and_then(|skip| bytes.get(skip..));
    let source = source.unwrap_or_default();
    let count = source.len().min(buf.len());
    let (now, rest) = buf.split_at_mut(count);
    now.copy_from_slice(source.get(..count).unwrap_or_default());
    rest.fill(0);
}

/// The last compressed extents that were unpacked, the newest last.
#[derive(Default)]
pub(super) struct Unpacked(Mutex<Vec<(Packed, Arc<[u8]>)>>);

impl Unpacked {
    fn get(&self, wanted: &Packed) -> Option<Arc<[u8]>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(packed, _)| {
            let skip = packed.skip;
            *packed == Packed { skip, ..*wanted }
        });
        found.map(|(_, bytes)| bytes.clone())
    }

    fn put(&self, packed: &Packed, bytes: Arc<[u8]>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_UNPACKED {
            known.remove(0);
        }
        known.push((*packed, bytes));
    }
}
