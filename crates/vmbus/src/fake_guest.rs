//! A guest that is not there, for tests: it behaves like Linux's driver (6.1, `drivers/hv`).
//!
//! It asks for 5.3 and falls back, sends GPADLs as headers of 26 pages and bodies of 28, writes EOM
//! only when it was told that more messages are pending, masks interrupts while it drains a ring,
//! finds completions by their number, answers a rescind by closing and releasing the channel. Its
//! pages are scattered. It does nothing by itself: [`FakeGuest::pump`] lets it handle its
//! interrupts until there are none.
//!
//! A device's test:
//!
//! ```ignore
//! let mut guest = FakeGuest::new();
//! guest.offer(Box::new(device));
//! guest.connect();
//! let channel = guest.open(CLASS, 4);                  // two rings of 4 pages each
//! let answer = guest.request(channel, &[1, 2, 3, 4]);   // in-band; the completion's payload
//! let data = guest.pages(2);                           // page frames, for a GPA direct packet:
//! let read = guest.write_data(channel, &[(8192, 0, data.clone())], &cdb);
//! let done = guest.completion(channel, read);           // by its number
//! guest.advance(Duration::from_secs(2));                // time passes, the device may send
//! let packets = guest.packets(channel);                 // what it sent that was no completion
//! guest.close(channel);
//! guest.unload();
//! ```
//!
//! [`Memory`] alone is enough for whoever tests against [`crate::GuestMemory`].
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a rig for tests: its numbers are its own, and a wrong test may panic"
)]

mod channel;
mod connect;
mod interrupt;
mod lines;
mod memory;
mod ring;
mod ring_packet;
mod traffic;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::bus::{Bus, BusEvent, BusOptions, ChannelId};
use crate::device::{Device, Now};
use crate::memory::{GuestMemory, PAGE_BYTES};
use crate::protocol::Version;

pub use channel::GuestChannel;
pub use lines::Lines;
pub use memory::Memory;
pub use ring::{GuestRings, Wrote};
pub use ring_packet::{GuestPacket, HostPacket};
pub use wire::{GuestOffer, message};

/// 128 MiB, of which only what is written is really there.
const PAGES: usize = 32768;

/// Where the pages begin that the guest gives away; below are those of its processors.
const HEAP: u64 = 1024;

/// The guest, and the bus that it is on.
pub struct FakeGuest {
    /// The bus: tests may call it as its owner does.
    pub bus: Bus,
    memory: Arc<Memory>,
    lines: Arc<Lines>,
    processors: u32,
    now: Now,
    next_page: u64,
    next_gpadl: u32,
    next_transaction: u64,
    newest: Version,
    version: Option<Version>,
    connection: u32,
    offers: BTreeMap<u32, GuestOffer>,
    all_offers: bool,
    channels: BTreeMap<u32, channel::Driver>,
    answers: Vec<Vec<u8>>,
    ends_of_message: u64,
}

impl Default for FakeGuest {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeGuest {
    /// A guest with one processor, on a bus of the newest version.
    #[must_use]
    pub fn new() -> Self {
        Self::with(BusOptions::default())
    }

    /// A guest on a bus of these options, with its message and event pages switched on.
    #[must_use]
    pub fn with(options: BusOptions) -> Self {
        let memory = Arc::new(Memory::new(PAGES));
        let shared = Arc::clone(&memory);
        Self::on(memory, shared, options)
    }

    /// The same, with the bus seeing the memory through something else.
    #[must_use]
    pub fn on(memory: Arc<Memory>, seen: Arc<dyn GuestMemory>, options: BusOptions) -> Self {
        let lines = Arc::new(Lines::new(options.processors));
        let mut guest = Self {
            bus: Bus::new(seen, Arc::clone(&lines) as Arc<_>, options),
            memory,
            lines,
            processors: options.processors,
            now: START,
            next_page: HEAP,
            next_gpadl: 0xe_1e10,
            next_transaction: 1,
            newest: Version::V5_3,
            version: None,
            connection: 4,
            offers: BTreeMap::new(),
            all_offers: false,
            channels: BTreeMap::new(),
            answers: Vec::new(),
            ends_of_message: 0,
        };
        guest.switch_on();
        guest
    }

    /// Caps the version that it asks for first, as `hv_vmbus.max_version=` does.
    pub fn set_newest(&mut self, newest: Version) {
        self.newest = newest;
    }

    /// Puts a device on the bus, and lets the guest take notice.
    ///
    /// # Panics
    /// When the bus refuses it.
    pub fn offer(&mut self, device: Box<dyn Device>) -> ChannelId {
        let id = self.bus.offer(device).expect("the device can be offered");
        self.pump();
        id
    }

    /// Takes a device off the bus, and lets the guest take notice.
    ///
    /// # Panics
    /// When it is not on the bus.
    pub fn rescind(&mut self, id: ChannelId) -> Box<dyn Device> {
        let device = self.bus.rescind(id).expect("the device is on the bus");
        self.pump();
        device
    }

    /// The device's owner has something for it.
    pub fn poke(&mut self, id: ChannelId) {
        self.bus.poke(id, self.now);
        self.pump();
    }

    /// Lets time pass: devices whose deadline has come are called, as often as they ask for.
    pub fn advance(&mut self, by: Duration) {
        let end = self.now.elapsed + by;
        // A device that always wants to be called at once must not stop the test.
        for _ in 0..1000 {
            let next = self.bus.deadline().filter(|at| *at <= end);
            self.pass_until(next.unwrap_or(end));
            self.bus.tick(self.now);
            self.pump();
            if next.is_none() {
                return;
            }
        }
        panic!("the deadlines of devices do not move");
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// Its memory.
    #[must_use]
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// Its interrupt lines.
    #[must_use]
    pub fn lines(&self) -> &Arc<Lines> {
        &self.lines
    }

    /// The version that was agreed upon.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// What the bus says that has happened since the last time.
    pub fn events(&mut self) -> Vec<BusEvent> {
        self.bus.drain_events().collect()
    }

    /// How often it has written EOM.
    #[must_use]
    pub fn ends_of_message(&self) -> u64 {
        self.ends_of_message
    }

    /// Page frames that nobody uses, scattered, and full of zeroes.
    ///
    /// # Panics
    /// When there are no more.
    pub fn pages(&mut self, count: usize) -> Vec<u64> {
        // Backwards, and every third left out, so that whoever takes them for a row is found out.
        let pages = (0..count as u64).map(|index| self.next_page + index + index / 3);
        let pages: Vec<u64> = pages.rev().collect();
        self.next_page += count as u64 * 4 / 3 + 1;
        assert!(self.next_page < PAGES as u64, "the guest's memory is full");
        pages
    }

    /// Bytes on pages of its own, and the range of a GPA direct packet that says where.
    pub fn place(&mut self, bytes: &[u8]) -> (u32, u32, Vec<u64>) {
        let pages = self.pages(bytes.len().div_ceil(PAGE_BYTES as usize).max(1));
        for (pfn, piece) in pages.iter().zip(bytes.chunks(PAGE_BYTES as usize)) {
            self.memory.put(pfn * PAGE_BYTES, piece);
        }
        (bytes.len() as u32, 0, pages)
    }

    /// The bytes of a range.
    #[must_use]
    pub fn fetch(&self, range: &(u32, u32, Vec<u64>)) -> Vec<u8> {
        let (len, offset, pfns) = range;
        let pages = pfns
            .iter()
            .flat_map(|pfn| self.memory.bytes(pfn * PAGE_BYTES, PAGE_BYTES as usize));
        pages.skip(*offset as usize).take(*len as usize).collect()
    }

    fn pass_until(&mut self, elapsed: Duration) {
        let by = elapsed.saturating_sub(self.now.elapsed);
        self.now.elapsed += by;
        self.now.wall += by;
        self.now.reference += (by.as_nanos() / 100) as u64;
    }
}

/// When tests begin: a machine that was made ten seconds ago, in 2024.
const START: Now = Now {
    elapsed: Duration::from_secs(10),
    wall: Duration::from_secs(1_704_067_200),
    reference: 100_000_000,
};
