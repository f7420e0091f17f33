//! Buffers that were given up: changes before that must not be replayed, since what stands there
//! now may be the data of a file.

use std::collections::BTreeMap;

use super::Stop;
use super::item::Place;

/// 16 MiB of them at most.
const MAX_PLACES: usize = 200_000;

/// How often each buffer is given up in what is still to be replayed.
#[derive(Debug, Default)]
pub(super) struct Cancelled(BTreeMap<Place, u32>);

impl Cancelled {
    pub(super) fn add(&mut self, place: Place) -> Result<(), Stop> {
        let count = self.0.entry(place).or_default();
        *count = count.saturating_add(1);
        if self.0.len() > MAX_PLACES {
            return Err(Stop::TooLarge);
        }
        Ok(())
    }

    pub(super) fn contains(&self, place: Place) -> bool {
        self.0.contains_key(&place)
    }

    /// Whether any of them starts in these sectors.
    pub(super) fn starts_in(&self, (start, sectors): Place) -> bool {
        let end = start.saturating_add(sectors);
        self.0.range((start, 0)..(end, 0)).next().is_some()
    }

    /// One of them is past.
    pub(super) fn remove(&mut self, place: Place) {
        if let Some(count) = self.0.get_mut(&place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&place);
            }
        }
    }
}
