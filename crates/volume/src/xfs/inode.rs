//! Inodes.

use super::checksum::is_intact;
use super::{Xfs, corrupt, unsupported};
use crate::fields::{array, be16, be32, be64};
use crate::{FileKind, FsError, Metadata};

/// \[xfs\] `di_flags`: the data stands on the realtime device.
const FLAG_REALTIME: u16 = 0x1;
/// `di_flags2`.
const FLAG2_BIG_TIME: u64 = 0x8;
const FLAG2_LARGE_COUNTERS: u64 = 0x10;

/// How the data fork is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A device, socket or pipe: no data.
    Device,
    /// The data itself.
    Local,
    /// A list of extents; how many.
    Extents(u64),
    /// The root of a tree of extents.
    Tree,
}

/// What an inode says.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(super) number: u64,
    pub(super) mode: u16,
    pub(super) len: u64,
    pub(super) modified_s: i64,
    pub(super) format: Format,
    /// The part of the data fork that is used.
    pub(super) fork: Box<[u8]>,
    is_realtime: bool,
}

impl Inode {
    pub(super) fn kind(&self) -> FileKind {
        match self.mode & 0xf000 {
            0x8000 => FileKind::File,
            0x4000 => FileKind::Directory,
            0xa000 => FileKind::Symlink,
            _ => FileKind::Special,
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        Metadata {
            kind: self.kind(),
            len: self.len,
            mode: self.mode & 0o7777,
            modified_s: self.modified_s,
        }
    }

    /// Refuses data on the realtime device, and lengths that no file can have.
    pub(super) fn check_data(&self) -> Result<(), FsError> {
        let number = self.number;
        if self.is_realtime {
            return Err(unsupported(format!(
                "inode {number} has its data on the realtime device"
            )));
        }
        if i64::try_from(self.len).is_err() {
            return Err(corrupt(format!("inode {number} is longer than can be")));
        }
        Ok(())
    }

    fn parse(number: u64, bytes: &[u8]) -> Result<Self, FsError> {
        let bad = |what: &str| corrupt(format!("inode {number} {what}"));
        let short = || bad("is cut off");
        let version = *bytes.get(4).ok_or_else(short)?;
        // [xfs] inode core: the literal area follows 100 bytes, in version 3 inodes 176.
        let core = if version >= 3 { 176 } else { 100 };
        let mode = be16(bytes, 2).ok_or_else(short)?;
        if mode == 0 {
            return Err(bad("is not in use"));
        }
        let len = be64(bytes, 56).ok_or_else(short)?;
        let flags2 = be64(bytes, 120).filter(|_| version >= 3).unwrap_or(0);
        let area = bytes.get(core..).ok_or_else(short)?;
        let area = match bytes.get(82) {
            Some(0) | None => area,
            Some(&units) => area
                .get(..usize::from(units).saturating_mul(8))
                .ok_or_else(|| bad("has its attributes outside itself"))?,
        };
        let count = if flags2 & FLAG2_LARGE_COUNTERS != 0 {
            be64(bytes, 24)
        } else {
            be32(bytes, 76).map(u64::from)
        };
        let (format, used) = match bytes.get(5) {
            Some(0) => (Format::Device, 0),
            Some(1) => (Format::Local, len),
            Some(2) => {
                let count = count.ok_or_else(short)?;
                (Format::Extents(count), count.saturating_mul(16))
            }
            Some(3) => (Format::Tree, u64::try_from(area.len()).unwrap_or(0)),
            other => {
                return Err(unsupported(format!(
                    "inode {number} has a data fork of format {}",
                    other.copied().unwrap_or(0)
                )));
            }
        };
        let used = usize::try_from(used).ok().and_then(|used| area.get(..used));
        Ok(Self {
            number,
            mode,
            len,
            modified_s: seconds(bytes, flags2 & FLAG2_BIG_TIME != 0).ok_or_else(short)?,
            format,
            fork: used
                .ok_or_else(|| bad("claims a longer data fork than it has room for"))?
                .into(),
            is_realtime: be16(bytes, 90).unwrap_or(0) & FLAG_REALTIME != 0,
        })
    }
}

/// When the content changed: signed seconds, or ("bigtime") nanoseconds since 1901.
fn seconds(bytes: &[u8], is_big: bool) -> Option<i64> {
    if is_big {
        let seconds = be64(bytes, 40)?.checked_div(1_000_000_000)?;
        // [xfs] `XFS_BIGTIME_EPOCH_OFFSET`: 2^31 seconds before 1970.
        return i64::try_from(seconds).ok()?.checked_sub(1 << 31);
    }
    array(bytes, 40).map(|bytes| i64::from(i32::from_be_bytes(bytes)))
}

impl Xfs {
    /// Reads inode `number`.
    pub(super) fn inode(&self, number: u64) -> Result<Inode, FsError> {
        let offset = self.superblock.offset_of_inode(number)?;
        let mut bytes = vec![0; usize::from(self.superblock.inode_bytes)];
        let is_replayed = self.read(offset, &mut bytes)?;
        let version = bytes.get(4).copied().unwrap_or(0);
        let wrong = |rule: &str| Err(corrupt(format!("inode {number} has {rule}")));
        if be16(&bytes, 0) != Some(0x494e) {
            return wrong("no magic number");
        }
        if self.superblock.has_checksums {
            if version != 3 {
                return wrong(&format!("version {version}, not 3"));
            }
            if !is_replayed && !is_intact(&bytes, 100) {
                return wrong("a wrong checksum");
            }
            if be64(&bytes, 152) != Some(number) {
                return wrong("the number of another");
            }
            if array(&bytes, 160) != Some(self.superblock.meta_uuid) {
                return wrong("the UUID of another file system");
            }
        } else if !matches!(version, 1 | 2) {
            return wrong(&format!("version {version}, neither 1 nor 2"));
        }
        Inode::parse(number, &bytes)
    }
}
