//! A volume group, as its metadata describes it.

use std::collections::{HashMap, HashSet};

use super::plain_id;
use super::segment::Segment;
use super::text::{Section, parse};

const SECTOR: u64 = 512;
/// More than LVM itself recommends (256 with metadata), fewer than would take long.
const MAX_VOLUMES: usize = 4096;

/// A volume group.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Grows with each change: the highest counts.
    pub(crate) seqno: u64,
    pub(super) extent_bytes: u64,
    /// Its physical volumes by the name that metadata gives them (`pv0`).
    pub(super) physical: HashMap<String, Physical>,
    /// All its logical volumes, in the order of the text.
    pub(super) logical: Vec<Logical>,
}

/// A physical volume in the words of its group.
pub(super) struct Physical {
    /// Without hyphens.
    pub(super) id: String,
    /// The device that it was last seen on.
    pub(super) device: String,
    /// Where its first extent starts.
    pub(super) start: u64,
    pub(super) extents: u64,
}

/// A logical volume, visible or a part of others.
pub(super) struct Logical {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) visible: bool,
    /// Its segments without gaps, or why they cannot be followed.
    pub(super) segments: Result<Vec<Segment>, String>,
}

impl Group {
    /// Reads a text of metadata.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let all = parse(text)?;
        if all
            .text("contents")
            .is_some_and(|contents| contents != "Text Format Volume Group")
        {
            return Err("its text is something else".to_owned());
        }
        // The only section at the top is the group itself.
        let group = all.all().into_iter().next();
        let (name, section) = group.ok_or("its text describes no group")?;
        let number = |name: &str| {
            let number = section.number(name);
            number.ok_or_else(|| format!("its text has no {name}"))
        };
        let extent_bytes = number("extent_size")?.checked_mul(SECTOR);
        let extent_bytes = extent_bytes.filter(|&bytes| bytes > 0);
        let logical = section.sections("logical_volumes");
        if logical.len() > MAX_VOLUMES {
            return Err("it has more volumes than we read".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            id: section.text("id").unwrap_or_default().to_owned(),
            seqno: number("seqno")?,
            extent_bytes: extent_bytes.ok_or("its extents have an impossible size")?,
            physical: physical(section),
            logical: logical
                .into_iter()
                .map(|(name, section)| Logical::parse(name, section))
                .collect(),
        })
    }

    /// The identities of its physical volumes, here or not.
    pub(super) fn physical_ids(&self) -> impl Iterator<Item = String> {
        self.physical.values().map(|own| own.id.clone())
    }

    /// The volumes that hold what snapshots need, with the volume that each is a snapshot of.
    pub(super) fn snapshots(&self) -> HashMap<&str, &str> {
        let segments = self
            .logical
            .iter()
            .filter_map(|own| own.segments.as_ref().ok());
        let pairs = segments.flatten().filter_map(Segment::snapshot);
        pairs.collect()
    }

    /// The volumes that a snapshot is being merged into.
    pub(super) fn merging(&self) -> HashSet<&str> {
        let segments = self
            .logical
            .iter()
            .filter_map(|own| own.segments.as_ref().ok());
        segments.flatten().filter_map(Segment::merging).collect()
    }
}

fn physical(group: &Section<'_>) -> HashMap<String, Physical> {
    let volumes = group.sections("physical_volumes").into_iter();
    let volume = |(name, section): (&str, &Section<'_>)| {
        let start = section.number("pe_start")?.checked_mul(SECTOR)?;
        let physical = Physical {
            id: plain_id(section.text("id")?),
            device: section.text("device").unwrap_or_default().to_owned(),
            start,
            extents: section.number("pe_count")?,
        };
        Some((name.to_owned(), physical))
    };
    volumes.filter_map(volume).collect()
}

impl Logical {
    /// The hidden volume that joins a snapshot to its origin.
    pub(super) fn is_snapshot(&self) -> bool {
        let segments = self.segments.as_deref().unwrap_or_default();
        segments.iter().any(|segment| segment.snapshot().is_some())
    }

    fn parse(name: &str, section: &Section<'_>) -> Self {
        let status = section.list("status").iter();
        let mut status = status.filter_map(|value| value.text());
        Self {
            name: name.to_owned(),
            id: section.text("id").unwrap_or_default().to_owned(),
            visible: status.any(|flag| flag == "VISIBLE"),
            segments: segments(section),
        }
    }
}

/// The segments in their order: each starts where the one before ends.
fn segments(volume: &Section<'_>) -> Result<Vec<Segment>, String> {
    let parts = volume.all().into_iter();
    let parts = parts.filter(|(name, _)| name.starts_with("segment"));
    let mut segments = Vec::new();
    for (_, section) in parts {
        segments.push(Segment::parse(section)?);
    }
    segments.sort_by_key(|segment| segment.start);
    let mut next = 0_u64;
    for segment in &segments {
        if segment.start != next {
            return Err("its segments overlap, or leave a gap".to_owned());
        }
        next = next.saturating_add(segment.extents);
    }
    if segments.is_empty() {
        return Err("it has no segments".to_owned());
    }
    Ok(segments)
}
