//! Lending memory, opening and closing (drivers/hv/channel.c).

use std::sync::Arc;

use super::wire::{GuestOffer, message, word};
use super::{FakeGuest, GuestRings, HostPacket};
use crate::guid::Guid;
use crate::memory::{GuestMemory, PAGE_BYTES};

/// A channel that the guest has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GuestChannel {
    /// Its number.
    pub relid: u32,
}

/// What the driver of an open channel has.
pub(super) struct Driver {
    pub(super) rings: GuestRings,
    pub(super) ring_gpadl: u32,
    pub(super) inbox: Vec<HostPacket>,
    pub(super) interrupts: u64,
}

/// Pages that a header message has room for, in 6.1.
const HEADER_PFNS: usize = 26;

/// Pages that a body message has room for.
const BODY_PFNS: usize = 28;

impl FakeGuest {
    /// What it knows of the first device of a class.
    #[must_use]
    pub fn offered(&self, class: Guid) -> Option<&GuestOffer> {
        self.offers.values().find(|offer| offer.class == class)
    }

    /// All devices that it knows of, by their numbers.
    #[must_use]
    pub fn offers(&self) -> Vec<&GuestOffer> {
        self.offers.values().collect()
    }

    /// Opens the first device of a class that is not open, with two rings of so many pages each.
    ///
    /// # Panics
    /// When there is none, or the bus refuses.
    pub fn open(&mut self, class: Guid, ring_pages: usize) -> GuestChannel {
        let mut offers = self.offers.values().filter(|offer| offer.class == class);
        let offer = offers.find(|offer| !self.channels.contains_key(&offer.relid));
        let relid = offer.expect("a device of the class is offered").relid;
        self.open_number(relid, ring_pages, 0)
    }

    /// Opens a device by its number; the channel interrupts this processor.
    ///
    /// # Panics
    /// When the bus refuses.
    pub fn open_number(&mut self, relid: u32, ring_pages: usize, vp: u32) -> GuestChannel {
        let channel = GuestChannel { relid };
        let pfns = self.pages(ring_pages * 2);
        let memory = Arc::clone(&self.memory) as Arc<dyn GuestMemory>;
        let rings = GuestRings::new(&memory, &pfns, ring_pages);
        let ring_gpadl = self.lend_pages(channel, &pfns);
        // The driver is ready before it asks: packets may come before the answer does.
        let driver = Driver {
            rings,
            ring_gpadl,
            inbox: Vec::new(),
            interrupts: 0,
        };
        self.channels.insert(relid, driver);
        let status = self.ask_open(relid, ring_gpadl, vp, ring_pages as u32);
        assert_eq!(status, 0, "the bus opens the channel");
        channel
    }

    /// Asks for a channel to be opened; the status of the answer.
    pub fn ask_open(&mut self, relid: u32, ring_gpadl: u32, vp: u32, page: u32) -> u32 {
        let open_id = relid + 0x100;
        let mut open = message(5, &[relid, open_id, ring_gpadl, vp, page]);
        open.resize(148, 0);
        self.must_post(&open);
        let answer = self.answer(6, |answer| {
            word(answer, 8) == relid && word(answer, 12) == open_id
        });
        word(&answer, 16)
    }

    /// Lends so many pages to a device: the GPADL's number, and its page frames.
    ///
    /// # Panics
    /// When the bus refuses.
    pub fn lend(&mut self, channel: GuestChannel, pages: usize) -> (u32, Vec<u64>) {
        let pfns = self.pages(pages);
        (self.lend_pages(channel, &pfns), pfns)
    }

    /// Lends these pages to a device: the GPADL's number.
    ///
    /// # Panics
    /// When the bus refuses.
    pub fn lend_pages(&mut self, channel: GuestChannel, pfns: &[u64]) -> u32 {
        let len = pfns.len() as u32 * PAGE_BYTES as u32;
        let (gpadl, status) = self.ask_lend(channel.relid, len, 0, pfns);
        assert_eq!(status, 0, "the bus takes the GPADL");
        gpadl
    }

    /// Sends a GPADL of one range: its number, and the status of the answer.
    pub fn ask_lend(&mut self, relid: u32, len: u32, offset: u32, pfns: &[u64]) -> (u32, u32) {
        let gpadl = self.next_gpadl;
        self.next_gpadl += 1;
        let (first, rest) = pfns.split_at(pfns.len().min(HEADER_PFNS));
        let bytes = 8 + 8 * pfns.len() as u32;
        let mut header = message(8, &[relid, gpadl, bytes | 1 << 16, len, offset]);
        first
            .iter()
            .for_each(|pfn| header.extend(pfn.to_le_bytes()));
        self.must_post(&header);
        for pfns in rest.chunks(BODY_PFNS) {
            // Linux leaves the number of the message 0.
            let mut body = message(9, &[0, gpadl]);
            pfns.iter().for_each(|pfn| body.extend(pfn.to_le_bytes()));
            self.must_post(&body);
        }
        (gpadl, self.created(relid, gpadl))
    }

    /// The status of a GPADL's answer.
    ///
    /// # Panics
    /// When there is none.
    pub fn created(&mut self, relid: u32, gpadl: u32) -> u32 {
        let answer = self.answer(10, |answer| {
            word(answer, 8) == relid && word(answer, 12) == gpadl
        });
        word(&answer, 16)
    }

    /// Takes lent memory back.
    ///
    /// # Panics
    /// When the bus does not answer.
    pub fn take_back(&mut self, channel: GuestChannel, gpadl: u32) {
        self.must_post(&message(11, &[channel.relid, gpadl]));
        self.answer(12, |answer| word(answer, 8) == gpadl);
    }

    /// Closes a channel, and takes its rings back.
    ///
    /// # Panics
    /// When it is not open, or the bus does not answer.
    pub fn close(&mut self, channel: GuestChannel) {
        let driver = self.channels.remove(&channel.relid);
        let driver = driver.expect("what is closed is open");
        self.must_post(&message(7, &[channel.relid]));
        self.take_back(channel, driver.ring_gpadl);
    }

    /// How often the channel has interrupted the guest.
    #[must_use]
    pub fn interrupts(&self, channel: GuestChannel) -> u64 {
        self.channels[&channel.relid].interrupts
    }

    /// The GPADL of its rings.
    #[must_use]
    pub fn ring_gpadl(&self, channel: GuestChannel) -> u32 {
        self.channels[&channel.relid].ring_gpadl
    }
}
