//! The synthetic interrupt controller's pages: message slots, event flags, and the interrupt itself.

mod flags;
mod slot;
mod status;

use std::sync::Arc;

use crate::memory::GuestMemory;

pub(crate) use flags::Unheard;
pub(crate) use slot::{PAYLOAD_BYTES, Placed};
pub use status::HvStatus;

/// The synthetic interrupt source of the bus: slot 2 of the message page and of the event page.
pub(crate) const SINT: u64 = 2;

/// The bytes of a slot in either page.
pub(crate) const SLOT_BYTES: u64 = 256;

/// The interrupt line of the bus.
pub trait Interrupts: Send + Sync {
    /// Raises SINT2 on the processor. Two raises may become one.
    fn raise(&self, vp: u32);
}

/// Where a processor has its pages; `None` where a page, or the whole controller, is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SynicPages {
    /// The guest physical address of the message page (SIMP).
    pub message_page: Option<u64>,
    /// The guest physical address of the event page (SIEFP).
    pub event_page: Option<u64>,
}

/// The controllers of all processors.
pub(crate) struct Synic {
    memory: Arc<dyn GuestMemory>,
    interrupts: Arc<dyn Interrupts>,
    pages: Vec<SynicPages>,
}

impl Synic {
    /// All controllers off.
    pub(crate) fn new(
        memory: Arc<dyn GuestMemory>,
        interrupts: Arc<dyn Interrupts>,
        processors: u32,
    ) -> Self {
        let pages = (0..processors).map(|_| SynicPages::default()).collect();
        Self {
            memory,
            interrupts,
            pages,
        }
    }

    /// The guest's memory.
    pub(crate) fn memory(&self) -> &dyn GuestMemory {
        &*self.memory
    }

    /// The guest's memory, for whoever keeps it.
    pub(crate) fn shared_memory(&self) -> Arc<dyn GuestMemory> {
        Arc::clone(&self.memory)
    }

    /// Whether there is such a processor.
    pub(crate) fn has(&self, vp: u32) -> bool {
        self.of(vp).is_some()
    }

    /// Moves a processor's pages. A processor that is not there is ignored.
    pub(crate) fn set(&mut self, vp: u32, pages: SynicPages) {
        let index = usize::try_from(vp).unwrap_or(usize::MAX);
        if let Some(slot) = self.pages.get_mut(index) {
            *slot = pages;
        }
    }

    /// Switches all controllers off.
    pub(crate) fn reset(&mut self) {
        self.pages.fill(SynicPages::default());
    }

    fn of(&self, vp: u32) -> Option<SynicPages> {
        self.pages.get(usize::try_from(vp).ok()?).copied()
    }
}
