//! The index of a directory: hashes of names, sorted, in leaves below nodes.

use super::data;
use crate::FsError;
use crate::fields::{be16, be32};
use crate::xfs::block::{Block, Places};
use crate::xfs::bmap::partition;
use crate::xfs::inode::Inode;
use crate::xfs::{Xfs, corrupt};

/// \[xfs\] `XFS_DIR2_LEAF_OFFSET`: the byte of a directory where its index starts.
const INDEX_START: u64 = 1 << 35;
/// \[xfs\] `XFS_DA_NODE_MAXDEPTH`.
const MAX_DEPTH: u32 = 5;
/// How many leaves names of one hash may fill: each has hundreds of entries.
const MAX_LEAVES: u32 = 64;
/// How much is read to compare names of one hash.
const MAX_COMPARED_BYTES: u64 = 8 * 1024 * 1024;
const PLACES: Places = Places {
    what: "an index block",
    crc: 12,
    address: 16,
    uuid: 32,
    owner: 48,
};

/// \[xfs\] `xfs_da_hashname`.
fn hash_of(name: &[u8]) -> u32 {
    let (groups, rest) = name.as_chunks::<4>();
    let hash = groups.iter().fold(0_u32, |hash, &[a, b, c, d]| {
        u32::from(a) << 21
            ^ u32::from(b) << 14
            ^ u32::from(c) << 7
            ^ u32::from(d)
            ^ hash.rotate_left(28)
    });
    match *rest {
        [a, b, c] => u32::from(a) << 14 ^ u32::from(b) << 7 ^ u32::from(c) ^ hash.rotate_left(21),
        [a, b] => u32::from(a) << 7 ^ u32::from(b) ^ hash.rotate_left(14),
        [a] => u32::from(a) ^ hash.rotate_left(7),
        _ => hash,
    }
}

/// What a block of the index is.
enum Index {
    Node(Entries),
    Leaf { entries: Entries, next: u32 },
}

/// Pairs of a hash and a number, sorted by hash.
struct Entries {
    block: Block,
    start: usize,
    count: usize,
}

impl Entries {
    fn get(&self, index: usize) -> Option<(u32, u32)> {
        let at = index.checked_mul(8)?.checked_add(self.start)?;
        let bytes = &self.block.bytes;
        let pair = (be32(bytes, at)?, be32(bytes, at.checked_add(4)?)?);
        (index < self.count).then_some(pair)
    }

    /// The first entry whose hash is not below `hash`.
    fn first(&self, hash: u32) -> usize {
        partition(self.count, |index| {
            self.get(index).is_some_and(|(own, _)| own < hash)
        })
    }
}

/// The inode that `wanted` stands for.
pub(super) fn lookup(fs: &Xfs, directory: &Inode, wanted: &[u8]) -> Result<Option<u64>, FsError> {
    let hash = hash_of(wanted);
    let Some((mut entries, mut next)) = find_leaf(fs, directory, hash)? else {
        return Ok(None);
    };
    let mut held = Held::default();
    for _ in 0..MAX_LEAVES {
        let mut index = entries.first(hash);
        while let Some((own, address)) = entries.get(index) {
            if own != hash || held.read_bytes > MAX_COMPARED_BYTES {
                return Ok(None);
            }
            // A name that is gone leaves its place in the leaf.
            if address != 0
                && let Some(inode) = name_at(fs, directory, address, wanted, &mut held)?
            {
                return Ok(Some(inode));
            }
            index = index.saturating_add(1);
        }
        if next == 0 {
            return Ok(None);
        }
        let Index::Leaf {
            entries: following,
            next: after,
        } = read(fs, directory, next)?
        else {
            return Err(broken(directory, "leads from a leaf to a node"));
        };
        (entries, next) = (following, after);
    }
    Ok(None)
}

/// Goes down to the first leaf that may have `hash`, and says which one follows it.
fn find_leaf(fs: &Xfs, directory: &Inode, hash: u32) -> Result<Option<(Entries, u32)>, FsError> {
    let root = fs.superblock.block_of(INDEX_START);
    let mut at = u32::try_from(root).map_err(|_| broken(directory, "is too far away"))?;
    for _ in 0..=MAX_DEPTH {
        match read(fs, directory, at)? {
            Index::Leaf { entries, next } => return Ok(Some((entries, next))),
            // Each entry of a node has the highest hash of what is below it.
            Index::Node(entries) => match entries.get(entries.first(hash)) {
                Some((_, child)) => at = child,
                None => return Ok(None),
            },
        }
    }
    Err(broken(directory, "is too deep"))
}

/// The last block of names: those of one hash are often together.
#[derive(Default)]
struct Held {
    last: Option<(u64, Block)>,
    read_bytes: u64,
}

/// The inode of the name at `address` (in units of eight bytes), if it is `wanted`.
fn name_at(
    fs: &Xfs,
    directory: &Inode,
    address: u32,
    wanted: &[u8],
    held: &mut Held,
) -> Result<Option<u64>, FsError> {
    let bytes = fs.superblock.directory_bytes;
    let place = u64::from(address).saturating_mul(8);
    let within = place.checked_rem(bytes).unwrap_or(0);
    let outside = || broken(directory, "leads to where no name is");
    let start = place.saturating_sub(within);
    let (_, block) = match held.last.take().filter(|(own, _)| *own == start) {
        Some(same) => held.last.insert(same),
        None => {
            held.read_bytes = held.read_bytes.saturating_add(bytes);
            let block = fs.directory_block(directory, start)?;
            held.last.insert((start, block.ok_or_else(outside)?))
        }
    };
    let within = usize::try_from(within).map_err(|_| outside())?;
    let name = data::names(fs, directory, block)?.at(within);
    let name = name.ok_or_else(outside)??;
    Ok((name.bytes == wanted).then_some(name.inode))
}

/// The block of the index at block `at` of the directory.
fn read(fs: &Xfs, directory: &Inode, at: u32) -> Result<Index, FsError> {
    let offset = u64::from(at).saturating_mul(fs.superblock.block_bytes);
    let block = fs.directory_block(directory, offset)?;
    let block = block.ok_or_else(|| broken(directory, "has a hole"))?;
    let (is_node, is_new) = match be16(&block.bytes, 8) {
        Some(0xfebe) => (true, false),
        Some(0xd2f1 | 0xd2ff) => (false, false),
        Some(0x3ebe) => (true, true),
        Some(0x3df1 | 0x3dff) => (false, true),
        _ => return Err(broken(directory, "has a block without magic number")),
    };
    if is_new != fs.superblock.has_checksums {
        return Err(broken(directory, "has a block of another version"));
    }
    if is_new {
        fs.check_block(&block, &PLACES, directory.number)?;
    }
    let next = be32(&block.bytes, 0).unwrap_or(0);
    let (count_at, start) = if is_new { (56, 64) } else { (12, 16) };
    let count = usize::from(be16(&block.bytes, count_at).unwrap_or(0));
    let room = block.bytes.len().saturating_sub(start).checked_div(8);
    if room.is_none_or(|room| count > room) {
        return Err(broken(
            directory,
            "claims more entries than it has room for",
        ));
    }
    let entries = Entries {
        block,
        start,
        count,
    };
    Ok(if is_node {
        Index::Node(entries)
    } else {
        Index::Leaf { entries, next }
    })
}

fn broken(directory: &Inode, what: &str) -> FsError {
    let number = directory.number;
    corrupt(format!("the index of directory inode {number} {what}"))
}
