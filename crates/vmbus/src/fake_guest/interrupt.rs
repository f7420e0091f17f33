//! What the guest does when it is interrupted (`vmbus_isr` and what it schedules).

use std::sync::atomic::Ordering;

use super::FakeGuest;
use super::connect::pages_of;
use super::wire::{GuestOffer, message, word};
use crate::memory::GuestMemory;
use crate::synic::HvStatus;

/// The slot of SINT2 in both pages.
const SLOT: u64 = 2 * 256;

const OWN: &str = "the fake guest's pages are memory";

impl FakeGuest {
    /// Handles interrupts until there are none.
    ///
    /// # Panics
    /// When there is no end, or the host breaks a rule.
    pub fn pump(&mut self) {
        for _ in 0..100_000 {
            let raised = (0..self.processors).filter(|vp| self.lines.take(*vp));
            let raised: Vec<u32> = raised.collect();
            if raised.is_empty() {
                return;
            }
            for vp in raised {
                self.take_events(vp);
                self.take_message(vp);
            }
        }
        panic!("the host interrupts for ever");
    }

    /// The message in the slot of a processor, taken out of it; EOM only if it was asked for.
    fn take_message(&mut self, vp: u32) {
        let slot = pages_of(vp).0 + SLOT;
        if self.memory.load_u32(slot, Ordering::SeqCst).expect(OWN) != 1 {
            return;
        }
        let len = usize::from(self.memory.bytes(slot + 4, 1)[0]);
        let payload = self.memory.bytes(slot + 16, len);
        self.memory.store_u32(slot, 0, Ordering::SeqCst).expect(OWN);
        if self.memory.bytes(slot + 5, 1)[0] & 1 != 0 {
            self.ends_of_message += 1;
            self.bus.end_of_message(vp);
        }
        self.handle(payload);
    }

    fn handle(&mut self, payload: Vec<u8>) {
        match word(&payload, 0) {
            1 => {
                let offer = GuestOffer::parse(&payload);
                let old = self.offers.insert(offer.relid, offer);
                assert_eq!(old, None, "a number is offered once");
            }
            2 => self.rescinded(word(&payload, 8)),
            4 => self.all_offers = true,
            _ => self.answers.push(payload),
        }
    }

    /// The driver lets go of the device, and the number is given back. Linux tears down no GPADL
    /// of a rescinded channel.
    fn rescinded(&mut self, relid: u32) {
        let offer = self.offers.remove(&relid);
        assert!(offer.is_some(), "what is rescinded was offered");
        if self.channels.remove(&relid).is_some() {
            self.post_now(&message(7, &[relid]));
        }
        self.post_now(&message(13, &[relid]));
    }

    /// From within an interrupt, where nothing is waited for.
    fn post_now(&mut self, payload: &[u8]) {
        let status = self.post(payload);
        assert_eq!(status, HvStatus::Success, "posting {payload:02x?}");
    }

    fn take_events(&mut self, vp: u32) {
        let flags = pages_of(vp).1 + SLOT;
        for index in 0..64 {
            let gpa = flags + index * 4;
            let word = self.memory.fetch_and_u32(gpa, 0).expect(OWN);
            for bit in (0..32).filter(|bit| word & 1 << bit != 0) {
                self.take_packets(index as u32 * 32 + bit);
            }
        }
    }

    /// The driver's callback.
    fn take_packets(&mut self, relid: u32) {
        let Some(driver) = self.channels.get_mut(&relid) else {
            return;
        };
        driver.interrupts += 1;
        let inbox = &mut driver.inbox;
        if driver.rings.drain(|packet| inbox.push(packet)) {
            self.signal(relid);
        }
    }
}
