//! Looking for broken rules in a VHDX file.
//!
//! Memory: the region and metadata tables, what the log lays over the file, 4 MiB of BAT, and a bit
//! for each mebibyte of the file up to 128 TiB, 16 MiB at most. The file's parent is not looked at.

use detente_block::{BlockRead, ReadError};

use super::areas::Areas;
use super::bat::Bat;
use super::check_bat::check_bat;
use super::details::VhdxLog;
use super::fault::{Fault, Rule};
use super::file_identifier::creator;
use super::geometry::Geometry;
use super::header::{self, Header};
use super::metadata::MetadataTable;
use super::metadata_item::VIRTUAL_DISK_ID;
use super::region::{self, BAT, METADATA, RegionTable};
use super::replay::View;
use super::structures::{Replay, read_parent};
use crate::{CheckReport, Severity};

const ONE_HEADER: Rule = Rule::new("vhdx.header.one", "[MS-VHDX] 2.2.2");
const LOG_DIRTY: Rule = Rule::new("vhdx.log.dirty", "[MS-VHDX] 2.3.3");
const COPIES: Rule = Rule::new("vhdx.region.copies", "[MS-VHDX] 2.2.3");

/// Looks at everything in the file, the blocks' content apart. Goes on behind what is wrong as long
/// as what comes next can be found.
pub(crate) fn check(file: &dyn BlockRead, report: &mut CheckReport) -> Result<(), ReadError> {
    report.image_end = file.len_bytes();
    report.complete = false;
    let mut check = Check { report };
    check.file(file)?;
    Ok(())
}

/// Where the findings go.
pub(super) struct Check<'a> {
    pub(super) report: &'a mut CheckReport,
}

impl Check<'_> {
    /// A broken rule is a finding, what else went wrong ends the check.
    pub(super) fn note<T>(&mut self, result: Result<T, Fault>) -> Result<Option<T>, ReadError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Fault::Broken(finding)) => {
                self.report.add(finding);
                Ok(None)
            }
            Err(Fault::Read(error)) => Err(error),
        }
    }

    fn note_all(&mut self, faults: impl IntoIterator<Item = Fault>) -> Result<(), ReadError> {
        for fault in faults {
            self.note::<()>(Err(fault))?;
        }
        Ok(())
    }

    /// `None` where a broken structure ended it early.
    fn file(&mut self, file: &dyn BlockRead) -> Result<Option<()>, ReadError> {
        self.note(creator(file))?;
        let Some(replay) = self.replay(file)? else {
            return Ok(None);
        };
        let view = View {
            file,
            covers: &replay.covers,
        };
        let Some(regions) = self.regions(&view)? else {
            return Ok(None);
        };
        self.note_all(regions.faults(view.len_bytes()))?;
        let areas = Areas::sorted(&replay.header, &regions);
        self.note_all(areas.overlaps())?;
        let Some(geometry) = self.metadata(&view, &regions)? else {
            return Ok(None);
        };
        let Some(bat) = self.note(regions.find(BAT).and_then(|bat| Bat::new(bat, &geometry)))?
        else {
            return Ok(None);
        };
        self.report.complete = check_bat(self, &view, &geometry, &areas, &bat)?;
        Ok(Some(()))
    }

    fn replay(&mut self, file: &dyn BlockRead) -> Result<Option<Replay>, ReadError> {
        let Some(replay) = self.note(Replay::read(file))? else {
            return Ok(None);
        };
        // After a torn write one of them is invalid: worth knowing, and readers go on.
        for place in header::PLACES {
            match Header::read(file, place) {
                Ok(_) => {}
                Err(Fault::Broken(finding)) => {
                    let what = format!("one header is invalid: {}", finding.what);
                    let finding = ONE_HEADER.finding(Severity::Note, finding.offset, what);
                    self.report.add(finding);
                }
                Err(Fault::Read(error)) => return Err(error),
            }
        }
        match replay.log {
            VhdxLog::Empty => {}
            VhdxLog::Replayed { entries, writes } => {
                let what = format!(
                    "the file was not closed: its log has {entries} entries with {writes} writes \
                     to be replayed"
                );
                let at = replay.header.log_offset;
                self.report.add(LOG_DIRTY.finding(Severity::Note, at, what));
            }
        }
        Ok(Some(replay))
    }

    /// Both copies of the region table; the first valid one.
    fn regions(&mut self, view: &View<'_>) -> Result<Option<RegionTable>, ReadError> {
        let [first, second] = region::PLACES;
        let one = self.note(RegionTable::read_copy(view, first))?;
        let two = self.note(RegionTable::read_copy(view, second))?;
        if let (Some(one), Some(two)) = (&one, &two)
            && !one.says_the_same(two)
        {
            let what = "the two copies of the region table differ";
            self.note::<()>(Err(COPIES.broken(second, what)))?;
        }
        Ok(one.or(two))
    }

    fn metadata(
        &mut self,
        view: &View<'_>,
        regions: &RegionTable,
    ) -> Result<Option<Geometry>, ReadError> {
        let table = regions.find(METADATA);
        let Some(table) = self.note(table.and_then(|region| MetadataTable::read(view, region)))?
        else {
            return Ok(None);
        };
        self.note_all(table.faults())?;
        self.note_all(table.wrong_flags())?;
        self.note(table.item_of::<16>(view, VIRTUAL_DISK_ID))?;
        let Some(geometry) = self.note(Geometry::read(view, &table))? else {
            return Ok(None);
        };
        if let Some(Some(parent)) = self.note(read_parent(view, &table, &geometry))? {
            self.note(parent.names())?;
        }
        Ok(Some(geometry))
    }
}
