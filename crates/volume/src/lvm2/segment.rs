//! A segment of a logical volume: consecutive extents that lie in one way.

use super::text::{Section, Value};

const SECTOR: u64 = 512;
/// \[LVM2\] `MAX_STRIPES` of `lvcreate`.
const MAX_AREAS: usize = 128;

/// Consecutive extents.
pub(super) struct Segment {
    /// The first extent, counted in its volume.
    pub(super) start: u64,
    pub(super) extents: u64,
    pub(super) kind: Kind,
}

/// How the extents lie.
pub(super) enum Kind {
    /// On one area, or in turn on several.
    Striped { stripe_bytes: u64, areas: Vec<Area> },
    /// The same on each area. RAID1 keeps notes on each leg in a volume beside it.
    Mirror { legs: Vec<(Area, Option<String>)> },
    /// No data of its own: what a snapshot kept (`store`) of `origin`.
    Snapshot {
        store: String,
        origin: String,
        merging: bool,
    },
    /// It reads as zeros.
    Zero,
    /// Something else, by LVM's name: `thin`, `cache`, `raid5_ls`.
    Other(String),
}

/// Where an area starts: the name of a physical or logical volume, and the first extent in it.
#[derive(Clone)]
pub(super) struct Area {
    pub(super) on: String,
    pub(super) extent: u64,
}

impl Segment {
    pub(super) fn parse(section: &Section<'_>) -> Result<Self, String> {
        let number = |name: &str| {
            let number = section.number(name);
            number.ok_or_else(|| format!("a segment has no {name}"))
        };
        let extents = number("extent_count")?;
        if extents == 0 {
            return Err("a segment is empty".to_owned());
        }
        Ok(Self {
            start: number("start_extent")?,
            extents,
            kind: Kind::parse(section)?,
        })
    }

    /// LVM's name of the way.
    pub(super) fn layout(&self) -> &str {
        match &self.kind {
            Kind::Striped { areas, .. } if areas.len() == 1 => "linear",
            Kind::Striped { .. } => "striped",
            Kind::Mirror { legs } if legs.iter().any(|(_, notes)| notes.is_some()) => "raid1",
            Kind::Mirror { .. } => "mirror",
            Kind::Snapshot { .. } => "snapshot",
            Kind::Zero => "zero",
            Kind::Other(name) => name,
        }
    }

    /// The volume that a snapshot keeps its data in, and its origin.
    pub(super) fn snapshot(&self) -> Option<(&str, &str)> {
        match &self.kind {
            Kind::Snapshot { store, origin, .. } => Some((store, origin)),
            Kind::Striped { .. } | Kind::Mirror { .. } | Kind::Zero | Kind::Other(_) => None,
        }
    }

    /// The volume whose content waits for a snapshot to be merged into it.
    pub(super) fn merging(&self) -> Option<&str> {
        match &self.kind {
            Kind::Snapshot {
                origin,
                merging: true,
                ..
            } => Some(origin),
            Kind::Snapshot { .. }
            | Kind::Striped { .. }
            | Kind::Mirror { .. }
            | Kind::Zero
            | Kind::Other(_) => None,
        }
    }
}

impl Kind {
    fn parse(section: &Section<'_>) -> Result<Self, String> {
        let name = section.text("type").ok_or("a segment has no type")?;
        // Options follow a plus sign; none of them changes where bytes are.
        match name.split('+').next().unwrap_or_default() {
            "striped" | "linear" => Ok(Self::Striped {
                stripe_bytes: section
                    .number("stripe_size")
                    .unwrap_or(0)
                    .saturating_mul(SECTOR),
                areas: areas(section.list("stripes"))?,
            }),
            "mirror" => {
                let areas = areas(section.list("mirrors"))?;
                let legs = areas.into_iter().map(|area| (area, None)).collect();
                Ok(Self::Mirror { legs })
            }
            "raid1" => Ok(Self::Mirror {
                legs: raid_legs(section.list("raids"))?,
            }),
            "snapshot" => Ok(Self::snapshot(section)),
            "zero" => Ok(Self::Zero),
            other => Ok(Self::Other(other.to_owned())),
        }
    }

    fn snapshot(section: &Section<'_>) -> Self {
        let text = |name| section.text(name).unwrap_or_default().to_owned();
        let merging = section.get("merging_store").is_some();
        let store = if merging {
            "merging_store"
        } else {
            "cow_store"
        };
        Self::Snapshot {
            store: text(store),
            origin: text("origin"),
            merging,
        }
    }
}

/// Pairs of a name and the first extent.
fn areas(list: &[Value<'_>]) -> Result<Vec<Area>, String> {
    let pairs = list.chunks(2).map(|pair| match pair {
        [Value::Text(on), extent] => Some(Area {
            on: (*on).to_owned(),
            extent: extent.number()?,
        }),
        _ => None,
    });
    let areas: Option<Vec<Area>> = pairs.collect();
    checked(areas)
}

/// Pairs of the volume of notes on a leg and the leg itself.
fn raid_legs(list: &[Value<'_>]) -> Result<Vec<(Area, Option<String>)>, String> {
    let pairs = list.chunks(2).map(|pair| match pair {
        [Value::Text(notes), Value::Text(on)] => {
            let (on, extent) = ((*on).to_owned(), 0);
            Some((Area { on, extent }, Some((*notes).to_owned())))
        }
        _ => None,
    });
    checked(pairs.collect())
}

fn checked<T>(areas: Option<Vec<T>>) -> Result<Vec<T>, String> {
    let areas = areas.ok_or("a segment's areas cannot be read")?;
    if areas.is_empty() || areas.len() > MAX_AREAS {
        return Err("a segment has an impossible number of areas".to_owned());
    }
    Ok(areas)
}
