//! The superblock, which each device has up to three times.

use detente_block::{BlockRead as _, Window};

use super::checksum::Checksum;
use super::{corrupt, unsupported};
use crate::FsError;
use crate::fields::{array, has, le16, le32, le64, read_if_inside, uuid};

/// Where the copies stand; the last two only where the device is long enough.
pub(super) const PLACES: [u64; 3] = [64 << 10, 64 << 20, 256 << 30];
/// How long it is.
pub(super) const BYTES: usize = 4096;
/// Where the chunks start that are needed to read the chunk tree, and how much room they have.
const SYS_CHUNKS_AT: usize = 811;
const SYS_CHUNKS_BYTES: usize = 2048;

/// Incompatible features. \[btrfs\] feature flags.
mod incompat {
    pub(super) const METADATA_UUID: u64 = 0x400;
    /// Those that a reader may meet: `MIXED_BACKREF`, `DEFAULT_SUBVOL`, `MIXED_GROUPS`,
    /// `COMPRESS_LZO`, `COMPRESS_ZSTD`, `BIG_METADATA`, `EXTENDED_IREF`, `RAID56`,
    /// `SKINNY_METADATA`, `NO_HOLES`, `METADATA_UUID`, `RAID1C34`, `SIMPLE_QUOTA`. Chunks of
    /// RAID5 and RAID6 are refused where they stand.
    pub(super) const KNOWN: u64 = 0x1_0fff;
    /// Those that are refused, by name.
    pub(super) const REFUSED: [(u64, &str); 4] = [
        (0x1000, "zoned devices"),
        (0x2000, "the extent tree of version 2"),
        (0x4000, "the RAID stripe tree"),
        (0x2_0000, "the remap tree"),
    ];
}

/// Flags of the superblock itself.
const FLAG_METADATA_DUMP: u64 = 1 << 33 | 1 << 34;

/// Where a tree's root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TreeRoot {
    pub(super) logical: u64,
    pub(super) level: u8,
    pub(super) generation: u64,
}

/// What the superblock says, proved.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub(super) checksum: Checksum,
    /// As users see it.
    pub(super) fsid: [u8; 16],
    /// As every tree block has it.
    pub(super) metadata_uuid: [u8; 16],
    pub(super) generation: u64,
    pub(super) root: TreeRoot,
    pub(super) chunk_root: TreeRoot,
    /// The tree of log trees, where files were synced after the last commit.
    pub(super) log_root: Option<TreeRoot>,
    pub(super) root_dir: u64,
    pub(super) devices: u64,
    pub(super) sector_bytes: u64,
    pub(super) node_bytes: usize,
    /// The device that this superblock stands on.
    pub(super) device: u64,
    pub(super) sys_chunks: Vec<u8>,
    device_bytes: u64,
    incompat: u64,
    flags: u64,
}

impl Superblock {
    /// The first sound copy, and a note if that is not the first. Linux reads the first only.
    pub(super) fn read(window: &Window) -> Result<(Self, Option<String>), FsError> {
        let first = match Self::read_at(window, PLACES[0]) {
            Ok(found) => return Ok((found, None)),
            Err(error @ FsError::Corrupt { .. }) => error,
            Err(other) => return Err(other),
        };
        for &place in PLACES.iter().skip(1) {
            if let Ok(found) = Self::read_at(window, place) {
                let note = format!("{first}; its copy at {place:#x} was taken");
                return Ok((found, Some(note)));
            }
        }
        Err(first)
    }

    fn read_at(window: &Window, place: u64) -> Result<Self, FsError> {
        let bytes = read_if_inside(window, place, BYTES)?
            .ok_or_else(|| corrupt("the volume ends before its superblock"))?;
        Self::parse(&bytes, place, window.len_bytes())
    }

    fn parse(bytes: &[u8], place: u64, volume_bytes: u64) -> Result<Self, FsError> {
        let cut = || corrupt("the superblock is cut off");
        if !has(bytes, 64, b"_BHRfS_M") {
            return Err(corrupt("the superblock has no magic number"));
        }
        let number = le16(bytes, 196).ok_or_else(cut)?;
        let checksum = Checksum::from_number(number)
            .ok_or_else(|| unsupported(format!("checksums of type {number}")))?;
        if !checksum.holds(bytes) {
            return Err(corrupt("the superblock's checksum is wrong"));
        }
        let found = Self::fields(bytes, checksum).ok_or_else(cut)?;
        if le64(bytes, 48) != Some(place) {
            return Err(corrupt("the superblock is that of another place"));
        }
        found.check_features()?;
        found.check(bytes, volume_bytes)?;
        Ok(found)
    }

    fn fields(bytes: &[u8], checksum: Checksum) -> Option<Self> {
        let generation = le64(bytes, 72)?;
        let tree = |at: usize, level: usize, generation: u64| {
            Some(TreeRoot {
                logical: le64(bytes, at)?,
                level: *bytes.get(level)?,
                generation,
            })
        };
        // The log is written in the transaction after the last one that was committed.
        let log_root = tree(96, 200, generation.wrapping_add(1))?;
        let fsid = array(bytes, 32)?;
        let incompat = le64(bytes, 188)?;
        let metadata_uuid = match incompat & incompat::METADATA_UUID {
            0 => fsid,
            _ => array(bytes, 571)?,
        };
        let used = usize::try_from(le32(bytes, 160)?).ok()?;
        let sys_chunks = bytes.get(SYS_CHUNKS_AT..SYS_CHUNKS_AT.checked_add(used)?)?;
        Some(Self {
            checksum,
            fsid,
            metadata_uuid,
            generation,
            root: tree(80, 198, generation)?,
            chunk_root: tree(88, 199, le64(bytes, 164)?)?,
            log_root: Some(log_root).filter(|root| root.logical != 0),
            root_dir: le64(bytes, 128)?,
            devices: le64(bytes, 136)?,
            sector_bytes: u64::from(le32(bytes, 144)?),
            node_bytes: usize::try_from(le32(bytes, 148)?).ok()?,
            device: le64(bytes, 201)?,
            sys_chunks: sys_chunks.to_vec(),
            device_bytes: le64(bytes, 209)?,
            incompat,
            flags: le64(bytes, 56)?,
        })
    }

    fn check_features(&self) -> Result<(), FsError> {
        for (flag, name) in incompat::REFUSED {
            if self.incompat & flag != 0 {
                return Err(unsupported(name));
            }
        }
        let unknown = self.incompat & !incompat::KNOWN;
        if unknown != 0 {
            return Err(unsupported(format!("incompatible features {unknown:#x}")));
        }
        if self.flags & FLAG_METADATA_DUMP != 0 {
            return Err(unsupported("a dump of its metadata, without data"));
        }
        Ok(())
    }

    fn check(&self, bytes: &[u8], volume_bytes: u64) -> Result<(), FsError> {
        let node_bytes = u64::try_from(self.node_bytes).unwrap_or(0);
        let size = |bytes: u64| bytes.is_power_of_two() && (4096..=65_536).contains(&bytes);
        let levels = [self.root.level, self.chunk_root.level];
        let log_level = self.log_root.map_or(0, |root| root.level);
        let rules = [
            (size(self.sector_bytes), "the sector size is not allowed"),
            (
                size(node_bytes) && node_bytes >= self.sector_bytes,
                "the node size is not allowed",
            ),
            (
                levels.into_iter().chain([log_level]).all(|level| level < 8),
                "a tree has more than eight levels",
            ),
            (
                self.sys_chunks.len() <= SYS_CHUNKS_BYTES,
                "its first chunks do not fit",
            ),
            (self.devices > 0, "it has no devices"),
            (
                self.device_bytes <= volume_bytes,
                "it is longer than its volume",
            ),
            (
                array::<16>(bytes, 283) == Some(self.metadata_uuid),
                "its device belongs to another file system",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(corrupt(rule)),
            None => Ok(()),
        }
    }

    /// The UUID that users see.
    pub(super) fn uuid(&self) -> String {
        uuid(&self.fsid, 0).unwrap_or_default()
    }
}
