//! The footer: what every VHD file has at its end, and all but fixed ones at the start too.

use detente_block::{BlockRead, ReadError};

use super::field::{array, checksum, put, read_bytes, to_u64, u16_at, u32_at, u64_at};
use super::geometry::VhdGeometry;
use super::{corrupt, unsupported};

/// \[VHD\] "Cookie".
pub(crate) const COOKIE: [u8; 8] = *b"conectix";
/// The length of a footer.
pub(super) const FOOTER_BYTES: u64 = 512;
/// Virtual PC before 2004 left the last byte away, which is reserved and zero.
const OLD_FOOTER_BYTES: u64 = 511;
/// \[VHD\] "Data Offset" of a fixed disk.
pub(super) const NO_OFFSET: u64 = u64::MAX;
/// \[VHD\] "File Format Version": the major number is in the upper half.
pub(super) const VERSION: u32 = 0x0001_0000;
/// QEMU's `VHD_MAX_SECTORS` and the limit that Microsoft states: 2040 GiB.
pub(super) const MAX_BYTES: u64 = 2040 << 30;
/// \[VHD\] "Features": always set.
pub(super) const FEATURE_RESERVED: u32 = 2;
const FEATURE_TEMPORARY: u32 = 1;

/// Where the fields are.
pub(super) mod at {
    pub(in super::super) const FEATURES: usize = 8;
    pub(in super::super) const VERSION: usize = 12;
    pub(in super::super) const DATA_OFFSET: usize = 16;
    pub(in super::super) const TIMESTAMP: usize = 24;
    pub(in super::super) const CREATOR_APPLICATION: usize = 28;
    pub(in super::super) const CREATOR_VERSION: usize = 32;
    pub(in super::super) const CREATOR_HOST_OS: usize = 36;
    pub(in super::super) const ORIGINAL_SIZE: usize = 40;
    pub(in super::super) const CURRENT_SIZE: usize = 48;
    pub(in super::super) const GEOMETRY: usize = 56;
    pub(in super::super) const DISK_TYPE: usize = 60;
    pub(in super::super) const CHECKSUM: usize = 64;
    pub(in super::super) const UNIQUE_ID: usize = 68;
    pub(in super::super) const SAVED_STATE: usize = 84;
}

/// How the blocks of a VHD file are allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VhdDiskType {
    /// The guest's bytes as they are, and a footer.
    Fixed,
    /// Blocks that hold something.
    Dynamic,
    /// Sectors that differ from a parent's.
    Differencing,
}

/// Which field says how large the disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VhdSizeRule {
    /// The geometry, as for Virtual PC.
    Geometry,
    /// The current size, as for Hyper-V.
    CurrentSize,
}

/// A footer whose checksum is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) features: u32,
    pub(super) version: u32,
    pub(super) data_offset: u64,
    pub(super) timestamp: u32,
    pub(super) creator_application: [u8; 4],
    pub(super) creator_version: u32,
    pub(super) creator_host_os: [u8; 4],
    pub(super) original_size: u64,
    pub(super) current_size: u64,
    pub(super) geometry: VhdGeometry,
    pub(super) disk_type: VhdDiskType,
    pub(super) unique_id: [u8; 16],
    pub(super) saved_state: bool,
}

/// The footer of a file, and what lies before it.
pub(super) struct FoundFooter {
    pub(super) footer: Footer,
    /// Where it was read.
    pub(super) at: u64,
    /// Where the footer at the end starts, or the end of the file if there is none: nothing of the
    /// guest's lies behind.
    pub(super) data_end: u64,
}

impl FoundFooter {
    /// Where a field of the footer is in the file.
    pub(super) fn place(&self, field: usize) -> u64 {
        self.at.saturating_add(to_u64(field))
    }
}

/// Where the footer at the end starts, if there is one, sound or not.
pub(super) fn end_footer(file: &dyn BlockRead) -> Result<Option<u64>, ReadError> {
    for footer_bytes in [FOOTER_BYTES, OLD_FOOTER_BYTES] {
        let Some(at) = file.len_bytes().checked_sub(footer_bytes) else {
            continue;
        };
        if read_bytes(file, at, to_u64(COOKIE.len()))? == COOKIE {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// The footer at `at`, as many bytes of it as there are, filled up.
pub(super) fn read_footer(file: &dyn BlockRead, at: u64) -> Result<Vec<u8>, ReadError> {
    let len = file.len_bytes().saturating_sub(at).min(FOOTER_BYTES);
    let mut bytes = read_bytes(file, at, len)?;
    bytes.resize(512, 0);
    Ok(bytes)
}

/// The file's footer: the one at the end, or its copy at the start if the first is not sound.
///
/// # Errors
/// What is wrong with the one at the end, if neither is sound.
pub(super) fn find(file: &dyn BlockRead) -> Result<FoundFooter, ReadError> {
    let end = end_footer(file)?;
    let data_end = end.unwrap_or(file.len_bytes());
    let found = |at: u64| -> Result<FoundFooter, ReadError> {
        let footer = Footer::parse(&read_footer(file, at)?, at)?;
        Ok(FoundFooter {
            footer,
            at,
            data_end,
        })
    };
    let Some(end) = end else {
        return found(0);
    };
    match found(end) {
        Ok(footer) => Ok(footer),
        // A fixed disk has none at the start: what looks like one there is the guest's.
        Err(error) => match found(0) {
            Ok(copy) if copy.footer.disk_type != VhdDiskType::Fixed => Ok(copy),
            Ok(_) | Err(_) => Err(error),
        },
    }
}

impl Footer {
    /// Parses 512 bytes that were read at `offset`.
    pub(super) fn parse(footer: &[u8], offset: u64) -> Result<Self, ReadError> {
        let place = |at: usize| offset.saturating_add(to_u64(at));
        if !footer.starts_with(&COOKIE) {
            return Err(corrupt(offset, "there is no VHD footer here"));
        }
        let (stated, sum) = (u32_at(footer, at::CHECKSUM), checksum(footer, at::CHECKSUM));
        if stated != sum {
            let rule =
                format!("the footer's checksum is {stated:#010x}, its bytes sum up to {sum:#010x}");
            return Err(corrupt(place(at::CHECKSUM), rule));
        }
        let version = u32_at(footer, at::VERSION);
        if version >> 16 != VERSION >> 16 {
            let what = format!("version {version:#010x} of the VHD format");
            return Err(unsupported(place(at::VERSION), what));
        }
        let [heads, sectors_per_track] = array(footer, at::GEOMETRY.saturating_add(2));
        Ok(Self {
            features: u32_at(footer, at::FEATURES),
            version,
            data_offset: u64_at(footer, at::DATA_OFFSET),
            timestamp: u32_at(footer, at::TIMESTAMP),
            creator_application: array(footer, at::CREATOR_APPLICATION),
            creator_version: u32_at(footer, at::CREATOR_VERSION),
            creator_host_os: array(footer, at::CREATOR_HOST_OS),
            original_size: u64_at(footer, at::ORIGINAL_SIZE),
            current_size: u64_at(footer, at::CURRENT_SIZE),
            geometry: VhdGeometry {
                cylinders: u16_at(footer, at::GEOMETRY),
                heads,
                sectors_per_track,
            },
            disk_type: disk_type(u32_at(footer, at::DISK_TYPE), place(at::DISK_TYPE))?,
            unique_id: array(footer, at::UNIQUE_ID),
            saved_state: array(footer, at::SAVED_STATE) != [0],
        })
    }

    /// Its 512 bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut footer = vec![0; 512];
        put(&mut footer, 0, &COOKIE);
        put(&mut footer, at::FEATURES, &self.features.to_be_bytes());
        put(&mut footer, at::VERSION, &self.version.to_be_bytes());
        put(
            &mut footer,
            at::DATA_OFFSET,
            &self.data_offset.to_be_bytes(),
        );
        put(&mut footer, at::TIMESTAMP, &self.timestamp.to_be_bytes());
        put(
            &mut footer,
            at::CREATOR_APPLICATION,
            &self.creator_application,
        );
        put(
            &mut footer,
            at::CREATOR_VERSION,
            &self.creator_version.to_be_bytes(),
        );
        put(&mut footer, at::CREATOR_HOST_OS, &self.creator_host_os);
        put(
            &mut footer,
            at::ORIGINAL_SIZE,
            &self.original_size.to_be_bytes(),
        );
        put(
            &mut footer,
            at::CURRENT_SIZE,
            &self.current_size.to_be_bytes(),
        );
        let VhdGeometry {
            cylinders,
            heads,
            sectors_per_track,
        } = self.geometry;
        let [high, low] = cylinders.to_be_bytes();
        put(
            &mut footer,
            at::GEOMETRY,
            &[high, low, heads, sectors_per_track],
        );
        put(
            &mut footer,
            at::DISK_TYPE,
            &self.disk_type.number().to_be_bytes(),
        );
        put(&mut footer, at::UNIQUE_ID, &self.unique_id);
        put(&mut footer, at::SAVED_STATE, &[u8::from(self.saved_state)]);
        let sum = checksum(&footer, at::CHECKSUM);
        put(&mut footer, at::CHECKSUM, &sum.to_be_bytes());
        footer
    }

    /// Virtual PC and QEMU say how large a disk is by its geometry, all others by the current size
    /// (QEMU's `block/vpc.c`). The largest geometry says only that the disk is large, and none says
    /// nothing.
    pub(super) fn size_rule(&self) -> VhdSizeRule {
        let by_geometry = matches!(&self.creator_application, b"vpc " | b"qemu");
        if by_geometry && !self.geometry.is_largest() && self.geometry.sectors() != 0 {
            VhdSizeRule::Geometry
        } else {
            VhdSizeRule::CurrentSize
        }
    }

    /// How large the disk is, in whole sectors.
    pub(super) fn virtual_size(&self) -> u64 {
        let sectors = match self.size_rule() {
            VhdSizeRule::Geometry => self.geometry.sectors(),
            VhdSizeRule::CurrentSize => self.current_size / 512,
        };
        sectors.saturating_mul(512)
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.features & FEATURE_TEMPORARY != 0
    }
}

impl VhdDiskType {
    /// \[VHD\] "Disk Type".
    fn number(self) -> u32 {
        match self {
            Self::Fixed => 2,
            Self::Dynamic => 3,
            Self::Differencing => 4,
        }
    }
}

fn disk_type(number: u32, offset: u64) -> Result<VhdDiskType, ReadError> {
    match number {
        2 => Ok(VhdDiskType::Fixed),
        3 => Ok(VhdDiskType::Dynamic),
        4 => Ok(VhdDiskType::Differencing),
        other => Err(unsupported(
            offset,
            format!("disk type {other} of the VHD format"),
        )),
    }
}
