//! What stands around the blocks of a new file.

use super::field::MIB;
use super::file_identifier;
use super::geometry::Geometry;
use super::header::{self, Header};
use super::metadata;
use super::metadata_item::{
    FILE_PARAMETERS, Known, LOGICAL_SECTOR_SIZE, PARENT_LOCATOR, PHYSICAL_SECTOR_SIZE,
    VIRTUAL_DISK_ID, VIRTUAL_DISK_SIZE,
};
use super::parent_locator;
use super::region::{self, BAT, METADATA, Region, RegionTable};
use super::spec::VhdxParent;
use crate::Stamp;
use crate::guid::Guid;
use crate::layout::Patch;

/// Who made the file.
const CREATOR: &str = concat!("detente ", env!("CARGO_PKG_VERSION"));
/// As Hyper-V has them: a log of 1 MiB behind the header section, then the metadata, then the BAT.
const LOG: u64 = MIB;
const LOG_LENGTH: u32 = 1 << 20;
const METADATA_START: u64 = 2 * MIB;
const METADATA_LENGTH: u32 = 1 << 20;
pub(super) const BAT_START: u64 = 3 * MIB;

/// How long the BAT's region is.
pub(super) fn bat_length(geometry: &Geometry) -> u32 {
    let bytes = geometry.bat_entries().saturating_mul(8).max(1);
    let whole = bytes.checked_next_multiple_of(MIB).unwrap_or(u64::MAX);
    u32::try_from(whole).expect("64 TiB need half a gibibyte at most")
}

/// Where blocks begin.
pub(super) fn data_start(geometry: &Geometry) -> u64 {
    BAT_START.saturating_add(u64::from(bat_length(geometry)))
}

/// The structures, in the order in which they are to be written: the headers, without which nothing
/// is a VHDX file, come last.
pub(super) fn patches(
    geometry: &Geometry,
    parent: Option<&VhdxParent>,
    stamp: &Stamp,
) -> Vec<Patch> {
    let [file_write, data_write, disk, _] = stamp.ids.map(Guid::random);
    // \[MS-VHDX\] 2.6.1.2: items of the virtual disk are copied to a fork.
    let disk = parent.map_or(disk, |parent| Guid(parent.virtual_disk_id));
    let mut patches = vec![
        patch(
            METADATA_START,
            metadata::encode(&items(geometry, parent, disk)),
        ),
        patch(0, file_identifier::encode(CREATOR)),
    ];
    let table = regions(geometry).encode();
    for place in region::PLACES {
        patches.push(patch(place, table.clone()));
    }
    for (place, sequence_number) in header::PLACES.into_iter().zip(1..) {
        let header = Header {
            sequence_number,
            file_write_guid: file_write,
            data_write_guid: data_write,
            log_guid: Guid::ZERO,
            log_version: 0,
            version: 1,
            log_length: LOG_LENGTH,
            log_offset: LOG,
        };
        patches.push(patch(place, header.encode()));
    }
    patches
}

fn patch(offset: u64, bytes: Vec<u8>) -> Patch {
    Patch { offset, bytes }
}

fn regions(geometry: &Geometry) -> RegionTable {
    let region = |guid, offset, length| Region {
        guid,
        offset,
        length,
        required: true,
        at: 0,
    };
    RegionTable {
        regions: vec![
            region(BAT, BAT_START, bat_length(geometry)),
            region(METADATA, METADATA_START, METADATA_LENGTH),
        ],
    }
}

fn items(geometry: &Geometry, parent: Option<&VhdxParent>, disk: Guid) -> Vec<(Known, Vec<u8>)> {
    let flags = u32::from(geometry.leave_blocks_allocated) | u32::from(geometry.has_parent) << 1;
    let mut parameters = geometry.block_bytes.to_le_bytes().to_vec();
    parameters.extend(flags.to_le_bytes());
    let sector = geometry.logical_sector_bytes.to_le_bytes();
    let physical = geometry.physical_sector_bytes.to_le_bytes();
    let mut items = vec![
        (FILE_PARAMETERS, parameters),
        (
            VIRTUAL_DISK_SIZE,
            geometry.virtual_size.to_le_bytes().to_vec(),
        ),
        (LOGICAL_SECTOR_SIZE, sector.to_vec()),
        (PHYSICAL_SECTOR_SIZE, physical.to_vec()),
        (VIRTUAL_DISK_ID, disk.0.to_vec()),
    ];
    if let Some(parent) = parent {
        items.push((PARENT_LOCATOR, parent_locator::encode(parent)));
    }
    items
}
