//! Everything that is read before the first block: in the order that \[MS-VHDX\] asks for.

use detente_block::BlockRead;

use super::areas::Areas;
use super::bat::Bat;
use super::details::{VhdxAllocation, VhdxDetails, VhdxLog};
use super::fault::Fault;
use super::file_identifier::creator;
use super::geometry::Geometry;
use super::header::Header;
use super::log::{Ring, active_sequence};
use super::metadata::MetadataTable;
use super::metadata_item::{PARENT_LOCATOR, VIRTUAL_DISK_ID};
use super::parent_locator::ParentLocator;
use super::region::{BAT, METADATA, RegionTable};
use super::replay::{Covers, View};
use crate::guid::Guid;

/// The current header, and what the log lays over the file.
pub(super) struct Replay {
    pub(super) header: Header,
    pub(super) covers: Covers,
    pub(super) log: VhdxLog,
}

impl Replay {
    /// Reads both.
    pub(super) fn read(file: &dyn BlockRead) -> Result<Self, Fault> {
        let (header, place) = Header::current(file)?;
        header.validate(place, file.len_bytes())?;
        let ring = Ring::new(file, &header);
        let Some(sequence) = active_sequence(ring, &header)? else {
            return Ok(Self {
                header,
                covers: Covers::none(file.len_bytes()),
                log: VhdxLog::Empty,
            });
        };
        let writes = sequence.entries.iter().map(|entry| entry.descriptors.len());
        Ok(Self {
            header,
            covers: Covers::new(&sequence, &ring),
            log: VhdxLog::Replayed {
                entries: sequence.entries.len(),
                writes: writes.fold(0, usize::saturating_add),
            },
        })
    }
}

/// All structures but the BAT's entries, sound each.
pub(super) struct Structures {
    pub(super) covers: Covers,
    pub(super) header: Header,
    pub(super) areas: Areas,
    pub(super) geometry: Geometry,
    pub(super) bat: Bat,
    pub(super) parent: Option<ParentLocator>,
    pub(super) details: VhdxDetails,
}

impl Structures {
    /// Reads them.
    pub(super) fn read(file: &dyn BlockRead) -> Result<Self, Fault> {
        let creator = creator(file)?;
        let replay = Replay::read(file)?;
        let Replay { header, log, .. } = replay;
        let file = View {
            file,
            covers: &replay.covers,
        };
        let regions = RegionTable::read(&file)?;
        first(regions.faults(file.len_bytes()))?;
        let areas = Areas::new(&header, &regions)?;
        let table = MetadataTable::read(&file, regions.find(METADATA)?)?;
        first(table.faults())?;
        let geometry = Geometry::read(&file, &table)?;
        let (id, _) = table.item_of::<16>(&file, VIRTUAL_DISK_ID)?;
        let parent = read_parent(&file, &table, &geometry)?;
        let bat = Bat::new(regions.find(BAT)?, &geometry)?;
        let details = VhdxDetails {
            creator,
            version: header.version,
            allocation: allocation(&geometry),
            leave_blocks_allocated: geometry.leave_blocks_allocated,
            block_bytes: geometry.block_bytes,
            logical_sector_bytes: geometry.logical_sector_bytes,
            physical_sector_bytes: geometry.physical_sector_bytes,
            sequence_number: header.sequence_number,
            file_write_guid: header.file_write_guid,
            data_write_guid: header.data_write_guid,
            virtual_disk_id: Guid(id),
            log_bytes: header.log_length,
            log,
            parent_locator: parent
                .as_ref()
                .map_or_else(Vec::new, |one| one.entries.clone()),
        };
        Ok(Self {
            covers: replay.covers,
            header,
            areas,
            geometry,
            bat,
            parent,
            details,
        })
    }
}

/// \[MS-VHDX\] 2.6.2.6: a file that has a parent has a locator.
pub(super) fn read_parent(
    file: &dyn BlockRead,
    table: &MetadataTable,
    geometry: &Geometry,
) -> Result<Option<ParentLocator>, Fault> {
    if !geometry.has_parent {
        return Ok(None);
    }
    let (item, at) = table.item(file, PARENT_LOCATOR)?;
    ParentLocator::parse(&item, at).map(Some)
}

fn allocation(geometry: &Geometry) -> VhdxAllocation {
    match (geometry.has_parent, geometry.leave_blocks_allocated) {
        (true, _) => VhdxAllocation::Differencing,
        (false, true) => VhdxAllocation::Fixed,
        (false, false) => VhdxAllocation::Dynamic,
    }
}

fn first(faults: Vec<Fault>) -> Result<(), Fault> {
    faults.into_iter().next().map_or(Ok(()), Err)
}
