//! Block devices out of a group's description.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use detente_block::{BlockRead, ReadError, Window};

use super::group::{Group, Logical, Physical};
use super::leg::{self, Notes};
use super::segment::{Area, Kind, Segment};
use crate::assembly::mapped::{Lay, Mapped, Part};

/// Volumes lie on volumes: a leg of a mirror, under it what integrity or `pvmove` add.
const MAX_DEPTH: u32 = 4;
/// Areas of one group that are followed, together 8 MiB.
const MAX_AREAS: usize = 65_536;

/// A logical volume that can be seen.
pub(crate) struct LogicalVolume {
    /// `GROUP/VOLUME`.
    pub(crate) name: String,
    pub(crate) id: String,
    /// LVM's name of how it lies.
    pub(crate) layout: String,
    pub(crate) len_bytes: u64,
    /// The identities of the physical volumes that it lies on.
    pub(crate) on: BTreeSet<String>,
    /// Physical volumes that are not here.
    pub(crate) missing: BTreeSet<String>,
    /// Its bytes, or why there are none.
    pub(crate) device: Result<Arc<dyn BlockRead>, String>,
}

/// Builds the visible volumes of `group`; `held` are the physical volumes that are here.
pub(crate) fn build(
    group: &Group,
    held: &HashMap<String, Window>,
) -> Result<Vec<LogicalVolume>, ReadError> {
    let names = group.logical.iter().map(|own| (own.name.as_str(), own));
    let mut builder = Builder {
        group,
        names: names.collect(),
        snapshots: group.snapshots(),
        merging: group.merging(),
        held,
        areas: 0,
        on: BTreeSet::new(),
        missing: BTreeSet::new(),
    };
    // What a snapshot keeps its data in is hidden in metadata, and shown by LVM as the snapshot.
    let stores = builder.snapshots.clone();
    let is_seen = |own: &&Logical| {
        stores.contains_key(own.name.as_str()) || (own.visible && !own.is_snapshot())
    };
    let visible = group.logical.iter().filter(is_seen);
    visible.map(|own| builder.volume(own)).collect()
}

struct Builder<'g> {
    group: &'g Group,
    names: HashMap<&'g str, &'g Logical>,
    /// What snapshots keep their data in, and their origins.
    snapshots: HashMap<&'g str, &'g str>,
    merging: HashSet<&'g str>,
    held: &'g HashMap<String, Window>,
    areas: usize,
    on: BTreeSet<String>,
    missing: BTreeSet<String>,
}

/// Why a volume has no bytes.
enum Stop {
    Rule(String),
    Read(ReadError),
}

impl From<&str> for Stop {
    fn from(rule: &str) -> Self {
        Self::Rule(rule.to_owned())
    }
}

impl From<String> for Stop {
    fn from(rule: String) -> Self {
        Self::Rule(rule)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Builder<'_> {
    fn volume(&mut self, own: &Logical) -> Result<LogicalVolume, ReadError> {
        self.on.clear();
        self.missing.clear();
        let segments = own.segments.as_deref().unwrap_or_default();
        let extents = segments.iter().map(|segment| segment.extents);
        let extents = extents.fold(0, u64::saturating_add);
        let snapshot = self.snapshots.contains_key(own.name.as_str());
        let layout = match segments.first() {
            _ if snapshot => "snapshot",
            Some(segment) => segment.layout(),
            None => "unknown",
        };
        let layout = layout.to_owned();
        let device = match self.visible(own) {
            Ok(device) => Ok(device),
            Err(Stop::Rule(rule)) => Err(rule),
            Err(Stop::Read(error)) => return Err(error),
        };
        Ok(LogicalVolume {
            name: format!("{}/{}", self.group.name, own.name),
            id: own.id.clone(),
            layout,
            len_bytes: extents.saturating_mul(self.group.extent_bytes),
            on: std::mem::take(&mut self.on),
            missing: std::mem::take(&mut self.missing),
            device,
        })
    }

    /// A volume that is not only a part of others.
    fn visible(&mut self, own: &Logical) -> Result<Arc<dyn BlockRead>, Stop> {
        if let Some(origin) = self.snapshots.get(own.name.as_str()) {
            return Err(format!("it is a snapshot of {origin}, which is not read").into());
        }
        if self.merging.contains(own.name.as_str()) {
            return Err("a snapshot is being merged into it".into());
        }
        self.device(own, 0)
    }

    fn device(&mut self, own: &Logical, depth: u32) -> Result<Arc<dyn BlockRead>, Stop> {
        if depth > MAX_DEPTH {
            return Err("volumes lie too deep in each other".into());
        }
        let segments = own.segments.as_ref().map_err(Clone::clone)?;
        let mut device = Mapped::default();
        for segment in segments {
            let len = segment.extents.checked_mul(self.group.extent_bytes);
            let len = len.ok_or("its size is impossible")?;
            let lay = self.lay(segment, len, depth)?;
            device.push(len, lay)?;
        }
        Ok(Arc::new(device))
    }

    fn lay(&mut self, segment: &Segment, len: u64, depth: u32) -> Result<Lay, Stop> {
        match &segment.kind {
            Kind::Striped {
                stripe_bytes,
                areas,
            } => {
                let count = u64::try_from(areas.len()).unwrap_or(u64::MAX);
                let each = len.checked_div(count).unwrap_or(0);
                let mut parts = Vec::new();
                for area in areas {
                    parts.push(self.part(area, each, depth)?);
                }
                let stripe = *stripe_bytes;
                match <[Part; 1]>::try_from(parts) {
                    Ok([part]) => Ok(Lay::Linear(part)),
                    Err(parts) => Ok(Lay::Striped { stripe, parts }),
                }
            }
            Kind::Mirror { legs } => self.mirror(legs, len, depth).map(Lay::Linear),
            Kind::Zero => Ok(Lay::Zero),
            Kind::Snapshot { .. } => Err("snapshots are not read".into()),
            Kind::Other(name) => Err(format!("{name} volumes are not read").into()),
        }
    }

    /// The best leg that is here.
    fn mirror(
        &mut self,
        legs: &[(Area, Option<String>)],
        len: u64,
        depth: u32,
    ) -> Result<Part, Stop> {
        let mut known = Vec::new();
        let mut parts = HashMap::new();
        let mut why = None;
        for (index, (area, notes)) in legs.iter().enumerate() {
            match self.part(area, len, depth) {
                Ok(part) => {
                    let notes = self.notes(notes.as_deref(), depth)?;
                    known.push((index, notes));
                    parts.insert(index, part);
                }
                Err(Stop::Rule(rule)) => why = Some(rule),
                Err(read @ Stop::Read(_)) => return Err(read),
            }
        }
        let best = leg::order(&known).into_iter().next();
        let best = best.and_then(|best| parts.remove(&best));
        let why = || Stop::Rule(why.unwrap_or_else(|| "it has no legs".to_owned()));
        best.ok_or_else(why)
    }

    /// What is noted beside a leg of RAID1.
    fn notes(&mut self, name: Option<&str>, depth: u32) -> Result<Notes, Stop> {
        let Some(name) = name else {
            return Ok(Notes::NONE);
        };
        let area = Area {
            on: name.to_owned(),
            extent: 0,
        };
        match self.part(&area, 512, depth) {
            Ok(part) => {
                let rest = part.source.len_bytes().saturating_sub(part.offset);
                let window = Window::new(part.source, part.offset, rest)?;
                Ok(Notes::read(&window)?)
            }
            Err(Stop::Rule(_)) => Ok(Notes::NONE),
            Err(read @ Stop::Read(_)) => Err(read),
        }
    }

    /// `len` bytes of a physical or another logical volume.
    fn part(&mut self, area: &Area, len: u64, depth: u32) -> Result<Part, Stop> {
        self.areas = self.areas.saturating_add(1);
        if self.areas > MAX_AREAS {
            return Err("its group has more parts than we follow".into());
        }
        let group = self.group;
        let past = || Stop::from("it goes past what it lies on");
        let offset = area
            .extent
            .checked_mul(group.extent_bytes)
            .ok_or_else(past)?;
        if let Some(physical) = group.physical.get(&area.on) {
            let end = physical.extents.saturating_mul(group.extent_bytes);
            if offset.checked_add(len).is_none_or(|last| last > end) {
                return Err(past());
            }
            let source = self.physical(&area.on, physical)?;
            let offset = offset.checked_add(physical.start).ok_or_else(past)?;
            return Ok(Part { source, offset });
        }
        let on = self.names.get(area.on.as_str()).copied();
        let on = on.ok_or_else(|| Stop::Rule(format!("there is no {} in its group", area.on)))?;
        let source = self.device(on, depth.saturating_add(1))?;
        Ok(Part { source, offset })
    }

    fn physical(&mut self, name: &str, own: &Physical) -> Result<Arc<dyn BlockRead>, Stop> {
        if let Some(window) = self.held.get(&own.id) {
            self.on.insert(own.id.clone());
            return Ok(Arc::new(window.clone()));
        }
        let missing = format!("{name} ({}, last seen as {})", own.id, own.device);
        self.missing.insert(missing);
        Err(format!("its physical volume {name} is not here").into())
    }
}
