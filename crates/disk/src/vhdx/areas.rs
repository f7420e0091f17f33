//! What of the file is taken by the header, the log and the regions. \[MS-VHDX\] 2.2.3.2: nothing
//! may overlap.

use super::fault::{Fault, Rule};
use super::header::Header;
use super::region::RegionTable;

const OVERLAP: Rule = Rule::new("vhdx.region.overlap", "[MS-VHDX] 2.2.3.2");

/// A stretch of the file that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) name: String,
}

/// All of them, by their place.
#[derive(Debug)]
pub(super) struct Areas(Vec<Area>);

impl Areas {
    /// The areas of a file; they must not overlap.
    pub(super) fn new(header: &Header, regions: &RegionTable) -> Result<Self, Fault> {
        let areas = Self::sorted(header, regions);
        let overlap = areas.overlaps().next();
        overlap.map_or(Ok(areas), Err)
    }

    /// The same, whether they overlap or not.
    pub(super) fn sorted(header: &Header, regions: &RegionTable) -> Self {
        let log_end = header
            .log_offset
            .saturating_add(u64::from(header.log_length));
        let mut areas = vec![
            area(0, super::field::MIB, "header section"),
            area(header.log_offset, log_end, "log"),
        ];
        for region in &regions.regions {
            areas.push(area(region.offset, region.end(), &region.name()));
        }
        areas.retain(|area| area.start < area.end);
        areas.sort_by_key(|area| (area.start, area.end));
        Self(areas)
    }

    /// Each pair of neighbours that overlap.
    pub(super) fn overlaps(&self) -> impl Iterator<Item = Fault> {
        let overlap = self
            .0
            .array_windows()
            .filter(|[one, two]| one.end > two.start);
        overlap.map(|[one, two]| {
            let what = format!(
                "the {} at {:#x}..{:#x} overlaps the {} at {:#x}..{:#x}",
                one.name, one.start, one.end, two.name, two.start, two.end
            );
            OVERLAP.broken(two.start, what)
        })
    }

    /// The first area that `[start, end)` meets.
    pub(super) fn met_by(&self, start: u64, end: u64) -> Option<&Area> {
        let before = self.0.partition_point(|area| area.end <= start);
        self.0.get(before).filter(|area| area.start < end)
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Area] {
        &self.0
    }
}

fn area(start: u64, end: u64, name: &str) -> Area {
    Area {
        start,
        end,
        name: name.to_owned(),
    }
}
