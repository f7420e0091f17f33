//! Chunks: where ranges of the logical address space lie on devices.

use super::key::{KEY_BYTES, Key, kind};
use super::{corrupt, unsupported};
use crate::FsError;
use crate::fields::{le16, le64};

/// How long a chunk is without its stripes, and each stripe.
const HEAD_BYTES: usize = 48;
const STRIPE_BYTES: usize = 32;
/// The only stripe length that Linux writes.
const STRIPE_LEN: u64 = 64 << 10;
/// More than 64 TiB in the usual chunks of 1 GiB; what has more is not read.
const MAX_CHUNKS: usize = 65_536;
/// All stripes of all chunks: 4 MiB.
const MAX_STRIPES: usize = 262_144;

/// How a chunk uses its stripes. \[btrfs\] block group profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// Each stripe is a copy of all: SINGLE, DUP, RAID1, RAID1C3, RAID1C4.
    Copies,
    /// Pieces in turn on groups of `copies` stripes: RAID0 and RAID10.
    Striped { copies: u16 },
}

/// Where a copy is: a device and a byte on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) device: u64,
    pub(super) offset: u64,
}

/// A range of logical addresses.
#[derive(Debug, Clone)]
struct Chunk {
    start: u64,
    len: u64,
    profile: Profile,
    stripes: Box<[Place]>,
}

impl Chunk {
    /// The chunk whose item has `key`, and how long the item is.
    fn parse(key: Key, bytes: &[u8]) -> Result<(Self, usize), FsError> {
        let cut = || corrupt(format!("the chunk at {:#x} is cut off", key.offset));
        let fields = || {
            let (len, stripe_len) = (le64(bytes, 0)?, le64(bytes, 16)?);
            let (flags, sub_stripes) = (le64(bytes, 24)?, le16(bytes, 46)?);
            Some((len, stripe_len, flags, le16(bytes, 44)?, sub_stripes))
        };
        let (len, stripe_len, flags, count, sub_stripes) = fields().ok_or_else(cut)?;
        let bad = |rule| corrupt(format!("the chunk at {:#x} {rule}", key.offset));
        let profile = profile(flags, count, sub_stripes, &bad)?;
        if len == 0 || key.offset.checked_add(len).is_none() {
            return Err(bad("has an impossible length"));
        }
        if stripe_len != STRIPE_LEN {
            return Err(bad("has stripes that are not of 64 KiB"));
        }
        let stripe = |index: u16| {
            let at = STRIPE_BYTES.checked_mul(usize::from(index))?;
            let at = HEAD_BYTES.checked_add(at)?;
            bytes.get(at..at.checked_add(STRIPE_BYTES)?)?;
            let (device, offset) = (le64(bytes, at)?, le64(bytes, at.checked_add(8)?)?);
            Some(Place { device, offset })
        };
        let stripes: Option<Box<[Place]>> = (0..count).map(stripe).collect();
        let item_bytes = STRIPE_BYTES
            .saturating_mul(usize::from(count))
            .saturating_add(HEAD_BYTES);
        let chunk = Self {
            start: key.offset,
            len,
            profile,
            stripes: stripes.ok_or_else(cut)?,
        };
        Ok((chunk, item_bytes))
    }

    /// Every copy of the byte `logical`, and how many bytes go on like that.
    fn locate(&self, logical: u64) -> Option<(Vec<Place>, u64)> {
        let within = logical.checked_sub(self.start)?;
        let left = self.len.checked_sub(within).filter(|&left| left > 0)?;
        let on = |place: &Place, skip: u64| {
            Some(Place {
                device: place.device,
                offset: place.offset.checked_add(skip)?,
            })
        };
        let Profile::Striped { copies } = self.profile else {
            let all: Option<Vec<Place>> =
                self.stripes.iter().map(|place| on(place, within)).collect();
            return Some((all?, left));
        };
        let copies = usize::from(copies);
        let groups = u64::try_from(self.stripes.len().checked_div(copies)?).ok()?;
        let (piece, inside) = (within.checked_div(STRIPE_LEN)?, within % STRIPE_LEN);
        let first = usize::try_from(piece.checked_rem(groups)?).ok()?;
        let first = first.checked_mul(copies)?;
        let skip = piece.checked_div(groups)?.checked_mul(STRIPE_LEN)?;
        let skip = skip.checked_add(inside)?;
        let group = self.stripes.get(first..first.checked_add(copies)?)?;
        let all: Option<Vec<Place>> = group.iter().map(|place| on(place, skip)).collect();
        Some((all?, left.min(STRIPE_LEN.checked_sub(inside)?)))
    }
}

/// What the flags of a chunk say; the number of its stripes must fit.
fn profile(
    flags: u64,
    stripes: u16,
    sub_stripes: u16,
    bad: &dyn Fn(&'static str) -> FsError,
) -> Result<Profile, FsError> {
    /// `DATA`, `SYSTEM` and `METADATA`: any of them.
    const TYPES: u64 = 0x7;
    let (wanted, profile) = match flags & !TYPES {
        0 => (stripes == 1, Profile::Copies),
        0x8 => (stripes >= 1, Profile::Striped { copies: 1 }),
        0x10 | 0x20 => (stripes == 2, Profile::Copies),
        0x40 => {
            let is_whole = stripes.checked_rem(sub_stripes) == Some(0);
            let copies = sub_stripes;
            (is_whole && stripes > 0, Profile::Striped { copies })
        }
        0x80 => return Err(unsupported("RAID5")),
        0x100 => return Err(unsupported("RAID6")),
        0x200 => (stripes == 3, Profile::Copies),
        0x400 => (stripes == 4, Profile::Copies),
        other => return Err(unsupported(format!("chunks of profile {other:#x}"))),
    };
    if !wanted {
        return Err(bad("has a wrong number of stripes"));
    }
    Ok(profile)
}

/// All chunks that are known, by address.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunks {
    sorted: Vec<Chunk>,
    stripes: usize,
}

impl Chunks {
    /// Those in the superblock, which hold the chunk tree: keys and items in turn.
    pub(super) fn of_superblock(bytes: &[u8]) -> Result<Self, FsError> {
        let mut found = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let bad = || corrupt("the superblock's chunks are cut off");
            let key = Key::parse(rest, 0).ok_or_else(bad)?;
            let item = rest.get(KEY_BYTES..).ok_or_else(bad)?;
            if key.kind != kind::CHUNK_ITEM {
                return Err(corrupt("the superblock's chunks are not chunks"));
            }
            let len = found.add(key, item)?;
            rest = item.get(len..).ok_or_else(bad)?;
        }
        Ok(found)
    }

    /// Adds a chunk that lies behind all others (unless they are the superblock's); says how long
    /// its item is.
    pub(super) fn add(&mut self, key: Key, item: &[u8]) -> Result<usize, FsError> {
        let (chunk, len) = Chunk::parse(key, item)?;
        self.stripes = self.stripes.saturating_add(chunk.stripes.len());
        if self.sorted.len() >= MAX_CHUNKS || self.stripes > MAX_STRIPES {
            return Err(unsupported("more than 65536 chunks"));
        }
        let at = self
            .sorted
            .partition_point(|known| known.start < chunk.start);
        let before = at.checked_sub(1).and_then(|at| self.sorted.get(at));
        let is_apart = before
            .is_none_or(|before| before.start.saturating_add(before.len) <= chunk.start)
            && self
                .sorted
                .get(at)
                .is_none_or(|after| chunk.start.saturating_add(chunk.len) <= after.start);
        if !is_apart {
            return Err(corrupt(format!(
                "the chunk at {:#x} overlaps another",
                chunk.start
            )));
        }
        self.sorted.insert(at, chunk);
        Ok(len)
    }

    /// Every copy of the byte `logical`, and how many bytes (at least one) go on like that.
    pub(super) fn locate(&self, logical: u64) -> Result<(Vec<Place>, u64), FsError> {
        let after = self.sorted.partition_point(|known| known.start <= logical);
        let chunk = after.checked_sub(1).and_then(|at| self.sorted.get(at));
        chunk
            .and_then(|chunk| chunk.locate(logical))
            .ok_or_else(|| corrupt(format!("no chunk holds address {logical:#x}")))
    }
}
