//! Joining the bus and leaving it (drivers/hv/connection.c).

use super::FakeGuest;
use super::wire::{message, word};
use crate::protocol::Version;
use crate::synic::{HvStatus, SynicPages};

/// What Linux 6.1 asks for, newest first; the last one is 2.4.
const VERSIONS: [u32; 8] = [
    0x5_0003, 0x5_0002, 0x5_0001, 0x5_0000, 0x4_0001, 0x4_0000, 0x3_0000, 0x2_0004,
];

impl FakeGuest {
    /// Joins the bus and learns what is offered.
    ///
    /// # Panics
    /// When no version can be agreed upon.
    pub fn connect(&mut self) -> Version {
        let version = self.try_connect().expect("a version can be agreed upon");
        self.request_offers();
        version
    }

    /// Asks for one version after the other, until one is accepted.
    pub fn try_connect(&mut self) -> Option<Version> {
        let newest = self.newest.raw();
        let versions = VERSIONS.into_iter().filter(|version| *version <= newest);
        for version in versions {
            if self.contact(version) {
                self.version = Version::from_raw(version);
                return self.version;
            }
        }
        None
    }

    /// Asks for a version. Whether it was accepted.
    ///
    /// # Panics
    /// When the bus does not answer.
    pub fn contact(&mut self, version: u32) -> bool {
        let new = version >= 0x5_0000;
        self.connection = if new { 4 } else { 1 };
        // SINT2 and VTL 0, or where the interrupt page is; then two monitor pages.
        let route = if new { 2 } else { 0x5000 };
        let contact = message(14, &[version, 0, route, 0, 0x6000, 0, 0x7000, 0]);
        if self.post(&contact) != HvStatus::Success {
            return false;
        }
        self.pump();
        let answer = self.answer(15, |_| true);
        assert_eq!(answer.len(), 16, "the length of a version response");
        if answer[8] == 0 {
            return false;
        }
        assert_eq!(answer[9], 0, "the connection's state");
        if new {
            self.connection = word(&answer, 12);
        }
        true
    }

    /// Asks what is offered, and takes all of it in.
    ///
    /// # Panics
    /// When the bus does not say that this was all.
    pub fn request_offers(&mut self) {
        self.must_post(&message(3, &[]));
        assert!(self.all_offers, "all offers are delivered");
    }

    /// Leaves the bus.
    ///
    /// # Panics
    /// When the bus does not answer.
    pub fn unload(&mut self) {
        self.must_post(&message(16, &[]));
        self.answer(17, |_| true);
        self.forget();
    }

    /// Another kernel starts in its place, which knows of nothing; the bus was not told.
    pub fn kexec(&mut self) {
        self.forget();
        self.switch_on();
    }

    /// Posts a message as it is, once.
    pub fn post(&mut self, payload: &[u8]) -> HvStatus {
        self.bus
            .post_message(0, self.connection, 1, payload, self.now)
    }

    /// Posts a message, and again when the bus has too much to say at once.
    ///
    /// # Panics
    /// When the bus refuses it.
    pub fn must_post(&mut self, payload: &[u8]) {
        // Linux tries a hundred times.
        for _ in 0..100 {
            let status = self.post(payload);
            self.pump();
            if status != HvStatus::InsufficientBuffers {
                assert_eq!(status, HvStatus::Success, "posting {payload:02x?}");
                return;
            }
        }
        panic!("the bus takes no more messages");
    }

    /// The first answer of a type for which something holds.
    ///
    /// # Panics
    /// When there is none.
    pub fn answer(&mut self, kind: u32, holds: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let found = self.answers.iter().position(|answer| {
            let same = word(answer, 0) == kind;
            same && holds(answer)
        });
        match found {
            Some(index) => self.answers.remove(index),
            None => panic!("no answer of type {kind} in {:02x?}", self.answers),
        }
    }

    /// Answers that nobody has waited for.
    pub fn answers(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.answers)
    }

    /// Switches the pages on, in the order of the trial: first the message page alone.
    pub(super) fn switch_on(&mut self) {
        for vp in 0..self.processors {
            let (message_page, event_page) = pages_of(vp);
            for page in [message_page, event_page] {
                self.memory.put(page, &[0; 4096]);
            }
            let mut pages = SynicPages {
                message_page: Some(message_page),
                event_page: None,
            };
            self.bus.set_synic(vp, pages);
            pages.event_page = Some(event_page);
            self.bus.set_synic(vp, pages);
        }
    }

    fn forget(&mut self) {
        self.version = None;
        self.all_offers = false;
        self.offers.clear();
        self.channels.clear();
        self.answers.clear();
    }
}

/// Where a processor has its message page and its event page.
pub(super) fn pages_of(vp: u32) -> (u64, u64) {
    let first = 0x1_0000 + u64::from(vp) * 0x2000;
    (first, first + 0x1000)
}
