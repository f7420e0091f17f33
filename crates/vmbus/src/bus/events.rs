//! What is kept of what happened, until the owner asks.

use std::collections::VecDeque;

use super::options::BusEvent;

/// More than a machine's owner lets pile up; a hostile guest gets no further.
const LIMIT: usize = 256;

/// Events in order.
#[derive(Debug, Default)]
pub(super) struct Events {
    kept: VecDeque<BusEvent>,
    lost: u64,
}

impl Events {
    /// Keeps an event, or counts it when there are too many.
    pub(super) fn push(&mut self, event: BusEvent) {
        if self.kept.len() < LIMIT {
            self.kept.push_back(event);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Takes all of them; the last one says how many were lost, if any.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = BusEvent> + use<> {
        let lost = std::mem::take(&mut self.lost);
        let lost = (lost > 0).then_some(BusEvent::Lost { events: lost });
        std::mem::take(&mut self.kept).into_iter().chain(lost)
    }
}
