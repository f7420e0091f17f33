//! The header of a hosted sparse extent: \[VMDK\] "Hosted Sparse Extents".

use detente_block::{BlockRead, ReadError};

use super::field::{array, read, to_u64, u16_at, u32_at, u64_at};
use super::open::HOSTED_MAGIC;
use super::shape::{GrainKind, Shape};
use super::{SECTOR, corrupt, unsupported};

/// \[VMDK\] `gdOffset`: the header that counts is at the end of the stream.
const AT_END: u64 = u64::MAX;
const REDUNDANT: u32 = 2;
const ZEROED: u32 = 4;
const COMPRESSED: u32 = 0x1_0000;
const MARKERS: u32 = 0x2_0000;
/// \[VMDK\] "Special Markers".
const FOOTER_MARKER: u32 = 3;
/// \[VMDK\] `compressAlgorithm`.
const DEFLATE: u16 = 1;

/// Where the fields are.
pub(super) mod at {
    pub(in super::super) const VERSION: usize = 4;
    pub(in super::super) const FLAGS: usize = 8;
    pub(in super::super) const CAPACITY: usize = 12;
    pub(in super::super) const GRAIN_SIZE: usize = 20;
    pub(in super::super) const DESCRIPTOR_OFFSET: usize = 28;
    pub(in super::super) const DESCRIPTOR_SIZE: usize = 36;
    pub(in super::super) const NUM_GTES_PER_GT: usize = 44;
    pub(in super::super) const RGD_OFFSET: usize = 48;
    pub(in super::super) const GD_OFFSET: usize = 56;
    pub(in super::super) const OVER_HEAD: usize = 64;
    pub(in super::super) const UNCLEAN_SHUTDOWN: usize = 72;
    pub(in super::super) const LINE_CHARACTERS: usize = 73;
    pub(in super::super) const COMPRESS_ALGORITHM: usize = 77;
}

/// A hosted sparse extent's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hosted {
    /// Where it was read: 0, or the footer of a stream.
    pub(super) at: u64,
    pub(super) flags: u32,
    /// In sectors, as are all that follow.
    pub(super) capacity: u64,
    pub(super) grain_size: u64,
    pub(super) descriptor_offset: u64,
    pub(super) descriptor_size: u64,
    pub(super) gtes_per_gt: u32,
    pub(super) rgd_offset: u64,
    pub(super) gd_offset: u64,
    pub(super) over_head: u64,
    pub(super) unclean_shutdown: bool,
    pub(super) line_characters: [u8; 4],
    pub(super) compressed: bool,
}

impl Hosted {
    /// Reads the header, or the footer that stands in for it.
    pub(super) fn read(file: &dyn BlockRead) -> Result<Self, ReadError> {
        let header = Self::read_at(file, 0)?;
        if header.gd_offset != AT_END {
            return Ok(header);
        }
        let end = file.len_bytes() / SECTOR;
        let sector = |from_end: u64| end.saturating_sub(from_end).saturating_mul(SECTOR);
        // Footer marker, footer, end-of-stream marker.
        let marker = read(file, sector(3), SECTOR, "footer's marker")?;
        if u32_at(&marker, 8) != 0 || u32_at(&marker, 12) != FOOTER_MARKER {
            return Err(corrupt(
                sector(3),
                "the stream has no footer before its end",
            ));
        }
        let footer = Self::read_at(file, sector(2))?;
        if footer.gd_offset == AT_END {
            let rule = "the footer does not say where the grain directory is";
            return Err(corrupt(footer.place(at::GD_OFFSET), rule));
        }
        Ok(Self {
            descriptor_offset: header.descriptor_offset,
            descriptor_size: header.descriptor_size,
            ..footer
        })
    }

    fn read_at(file: &dyn BlockRead, offset: u64) -> Result<Self, ReadError> {
        let header = read(file, offset, SECTOR, "sparse extent header")?;
        let place = |at: usize| offset.saturating_add(to_u64(at));
        if !header.starts_with(&HOSTED_MAGIC) {
            return Err(corrupt(offset, "there is no sparse extent header here"));
        }
        let version = u32_at(&header, at::VERSION);
        if version == 0 || version > 3 {
            let what = format!("version {version} of sparse extents");
            return Err(unsupported(place(at::VERSION), what));
        }
        let flags = u32_at(&header, at::FLAGS);
        let algorithm = u16_at(&header, at::COMPRESS_ALGORITHM);
        if algorithm > DEFLATE {
            let what = format!("compression algorithm {algorithm}");
            return Err(unsupported(place(at::COMPRESS_ALGORITHM), what));
        }
        let compressed = algorithm == DEFLATE;
        if compressed && flags & MARKERS == 0 {
            return Err(unsupported(
                place(at::FLAGS),
                "compressed grains without markers",
            ));
        }
        if !compressed && flags & COMPRESSED != 0 {
            let rule = "grains are compressed, but by no algorithm";
            return Err(corrupt(place(at::FLAGS), rule));
        }
        Ok(Self {
            at: offset,
            flags,
            capacity: u64_at(&header, at::CAPACITY),
            grain_size: u64_at(&header, at::GRAIN_SIZE),
            descriptor_offset: u64_at(&header, at::DESCRIPTOR_OFFSET),
            descriptor_size: u64_at(&header, at::DESCRIPTOR_SIZE),
            gtes_per_gt: u32_at(&header, at::NUM_GTES_PER_GT),
            rgd_offset: u64_at(&header, at::RGD_OFFSET),
            gd_offset: u64_at(&header, at::GD_OFFSET),
            over_head: u64_at(&header, at::OVER_HEAD),
            unclean_shutdown: array(&header, at::UNCLEAN_SHUTDOWN) != [0],
            line_characters: array(&header, at::LINE_CHARACTERS),
            compressed,
        })
    }

    /// Where a field is in the file.
    pub(super) fn place(&self, field: usize) -> u64 {
        self.at.saturating_add(to_u64(field))
    }

    /// How the grains are laid out, checked.
    pub(super) fn shape(&self) -> Result<Shape, ReadError> {
        if self.gtes_per_gt == 0 || self.gtes_per_gt > 512 {
            let rule = format!("grain tables of {} entries", self.gtes_per_gt);
            return Err(corrupt(self.place(at::NUM_GTES_PER_GT), rule));
        }
        let has_redundant = self.flags & REDUNDANT != 0 && self.rgd_offset != 0;
        let shape = Shape {
            capacity: self.capacity,
            grain_sectors: self.grain_size,
            entries_per_table: u64::from(self.gtes_per_gt),
            directory_offset: self.gd_offset.saturating_mul(SECTOR),
            redundant_offset: has_redundant.then(|| self.rgd_offset.saturating_mul(SECTOR)),
            kind: GrainKind::Hosted {
                zeroed: self.flags & ZEROED != 0,
                compressed: self.compressed,
            },
        };
        shape.check(self.place(at::CAPACITY))?;
        Ok(shape)
    }
}
