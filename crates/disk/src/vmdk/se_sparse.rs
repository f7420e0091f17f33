//! The header of space-efficient sparse extents. VMware publishes no specification; the rules are
//! those of QEMU's `vmdk_open_se_sparse`.

use detente_block::{BlockRead, ReadError};

use super::field::{read, u64_at};
use super::shape::{GrainKind, Shape};
use super::{SECTOR, corrupt, unsupported};

const MAGIC: u64 = 0xcafe_babe;
const VERSION: u64 = 0x2_0000_0001;
const VOLATILE_MAGIC: u64 = 0xcafe_cafe;
/// The only sizes there are, in sectors.
const GRAIN_SECTORS: u64 = 8;
const TABLE_SECTORS: u64 = 64;

/// How the grains of the extent are laid out.
pub(super) fn shape(file: &dyn BlockRead) -> Result<Shape, ReadError> {
    let header = read(file, 0, SECTOR, "seSparse header")?;
    let field = |at: usize| u64_at(&header, at);
    if field(0) != MAGIC {
        return Err(corrupt(0, "there is no seSparse header here"));
    }
    if field(8) != VERSION {
        return Err(unsupported(
            8,
            format!("version {:#x} of seSparse extents", field(8)),
        ));
    }
    if field(24) != GRAIN_SECTORS || field(32) != TABLE_SECTORS {
        let what = format!(
            "grains of {} and tables of {} sectors",
            field(24),
            field(32)
        );
        return Err(unsupported(24, what));
    }
    if field(40) != 0 {
        return Err(unsupported(
            40,
            format!("flags {:#x} of seSparse extents", field(40)),
        ));
    }
    check_volatile(file, field(80).saturating_mul(SECTOR))?;
    let shape = Shape {
        capacity: field(16),
        grain_sectors: GRAIN_SECTORS,
        entries_per_table: TABLE_SECTORS.saturating_mul(SECTOR / 8),
        directory_offset: field(128).saturating_mul(SECTOR),
        redundant_offset: None,
        kind: GrainKind::SeSparse {
            tables: field(144),
            grains: field(192),
        },
    };
    shape.check(16)?;
    if shape.tables() > field(136).saturating_mul(SECTOR / 8) {
        let rule = format!(
            "a grain directory of {} sectors is too small for {} sectors",
            field(136),
            field(16)
        );
        return Err(corrupt(136, rule));
    }
    Ok(shape)
}

/// A journal that has to be replayed would change what the tables say.
fn check_volatile(file: &dyn BlockRead, at: u64) -> Result<(), ReadError> {
    let header = read(file, at, SECTOR, "volatile header")?;
    if u64_at(&header, 0) != VOLATILE_MAGIC {
        return Err(corrupt(at, "there is no volatile header here"));
    }
    if u64_at(&header, 24) != 0 {
        let what = "a seSparse extent whose journal has to be replayed";
        return Err(unsupported(at.saturating_add(24), what));
    }
    Ok(())
}
