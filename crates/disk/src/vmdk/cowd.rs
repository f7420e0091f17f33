//! The header of ESX's sparse extents: \[VMDK\] "ESXi Host Sparse Extents".

use detente_block::{BlockRead, ReadError};

use super::field::{read, u32_at};
use super::open::COWD_MAGIC;
use super::shape::{GrainKind, Shape};
use super::{SECTOR, corrupt, unsupported};

/// \[VMDK\] `COWDisk_Header`: so many entries a grain table.
const ENTRIES_PER_TABLE: u64 = 4096;

/// How the grains of the extent are laid out.
pub(super) fn shape(file: &dyn BlockRead) -> Result<Shape, ReadError> {
    let header = read(file, 0, SECTOR, "COWD header")?;
    if !header.starts_with(&COWD_MAGIC) {
        return Err(corrupt(0, "there is no COWD header here"));
    }
    let version = u32_at(&header, 4);
    if version != 1 {
        return Err(unsupported(4, format!("version {version} of COWD extents")));
    }
    let field = |at: usize| u64::from(u32_at(&header, at));
    let (capacity, grain_sectors) = (field(12), field(16));
    let (directory, entries) = (field(20), field(24));
    let shape = Shape {
        capacity,
        grain_sectors,
        entries_per_table: ENTRIES_PER_TABLE,
        directory_offset: directory.saturating_mul(SECTOR),
        redundant_offset: None,
        kind: GrainKind::Hosted {
            zeroed: false,
            compressed: false,
        },
    };
    shape.check(12)?;
    if shape.tables() > entries {
        let rule = format!("a directory of {entries} entries is too small for {capacity} sectors");
        return Err(corrupt(24, rule));
    }
    Ok(shape)
}
