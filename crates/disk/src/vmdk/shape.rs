//! How a sparse extent is laid out, and what its entries mean.

use detente_block::ReadError;

use super::{SECTOR, corrupt};

/// QEMU's limit for grains, in sectors: 1 GiB.
const MAX_GRAIN_SECTORS: u64 = 0x20_0000;
/// Grains that have to be unpacked are held in memory.
const MAX_PACKED_GRAIN_SECTORS: u64 = 8192;

/// How a sparse extent is laid out, as its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// In sectors.
    pub(super) capacity: u64,
    pub(super) grain_sectors: u64,
    pub(super) entries_per_table: u64,
    pub(super) directory_offset: u64,
    /// A copy of directory and tables.
    pub(super) redundant_offset: Option<u64>,
    pub(super) kind: GrainKind,
}

/// What the entries of the tables mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrainKind {
    /// \[VMDK\] "Hosted Sparse Extents", and COWD: sector numbers of 32 bits.
    Hosted {
        /// Whether entry 1 means that the grain is zero.
        zeroed: bool,
        /// Whether grains are compressed, each behind a marker.
        compressed: bool,
    },
    /// seSparse: words of 64 bits, whose numbers count from here, in sectors.
    SeSparse { tables: u64, grains: u64 },
}

/// Where a grain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    Absent,
    Zero,
    /// In the file, in bytes.
    At(u64),
    /// Its marker is in the file here, in bytes.
    Packed(u64),
}

impl Shape {
    /// Bounds what the header says, before anything is made of it. `at` is where the header is.
    pub(super) fn check(&self, at: u64) -> Result<(), ReadError> {
        let packed = matches!(
            self.kind,
            GrainKind::Hosted {
                compressed: true,
                ..
            }
        );
        let most = if packed {
            MAX_PACKED_GRAIN_SECTORS
        } else {
            MAX_GRAIN_SECTORS
        };
        if !self.grain_sectors.is_power_of_two() || self.grain_sectors > most {
            let rule = format!(
                "grains of {} sectors: not a power of two up to {most}",
                self.grain_sectors
            );
            return Err(corrupt(at, rule));
        }
        if self.entries_per_table == 0 || self.entries_per_table > 4096 {
            let rule = format!("grain tables of {} entries", self.entries_per_table);
            return Err(corrupt(at, rule));
        }
        let bytes = self.capacity.checked_mul(SECTOR);
        if bytes.is_none_or(|bytes| i64::try_from(bytes).is_err()) {
            let rule = format!(
                "a capacity of {} sectors is more than 2^63 bytes",
                self.capacity
            );
            return Err(corrupt(at, rule));
        }
        Ok(())
    }

    pub(super) fn grain_bytes(&self) -> u64 {
        self.grain_sectors.saturating_mul(SECTOR)
    }

    pub(super) fn entry_bytes(&self) -> u64 {
        match self.kind {
            GrainKind::Hosted { .. } => 4,
            GrainKind::SeSparse { .. } => 8,
        }
    }

    /// How many tables the capacity needs.
    pub(super) fn tables(&self) -> u64 {
        self.capacity.div_ceil(
            self.grain_sectors
                .saturating_mul(self.entries_per_table)
                .max(1),
        )
    }

    /// How many grains there are.
    pub(super) fn grains(&self) -> u64 {
        self.capacity.div_ceil(self.grain_sectors.max(1))
    }

    pub(super) fn table_bytes(&self) -> u64 {
        self.entries_per_table.saturating_mul(self.entry_bytes())
    }

    /// How many bytes of a grain the disk has: the last one may be cut.
    pub(super) fn grain_len(&self, grain: u64) -> u64 {
        let start = grain.saturating_mul(self.grain_bytes());
        self.capacity
            .saturating_mul(SECTOR)
            .saturating_sub(start)
            .min(self.grain_bytes())
    }

    /// What an entry of a table means.
    pub(super) fn grain(&self, entry: u64, at: u64) -> Result<Grain, ReadError> {
        match self.kind {
            GrainKind::Hosted { zeroed, compressed } => Ok(match entry {
                0 => Grain::Absent,
                1 if zeroed => Grain::Zero,
                sector if compressed => Grain::Packed(sector.saturating_mul(SECTOR)),
                sector => Grain::At(sector.saturating_mul(SECTOR)),
            }),
            GrainKind::SeSparse { grains, .. } => se_sparse(entry, grains, self.grain_sectors, at),
        }
    }
}

/// QEMU's `get_cluster_offset`: the highest four bits are the type, the others a grain's number with
/// its upper part below its lower.
fn se_sparse(entry: u64, grains: u64, grain_sectors: u64, at: u64) -> Result<Grain, ReadError> {
    match entry >> 60 {
        0 if entry == 0 => Ok(Grain::Absent),
        // Unmapped by the guest, or zero: both read as zero.
        1 | 2 => Ok(Grain::Zero),
        3 => {
            let low = entry.unbounded_shr(48) & 0x0fff;
            let number = low | (entry & 0x0000_ffff_ffff_ffff).unbounded_shl(12);
            let sector = grains.saturating_add(number.saturating_mul(grain_sectors));
            Ok(Grain::At(sector.saturating_mul(SECTOR)))
        }
        _unknown => Err(corrupt(
            at,
            format!("the grain table entry {entry:#018x} has no known type"),
        )),
    }
}
