//! A guest that posts, signals and switches what it likes, on a bus of devices that keep count.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::bus_device::Counting;
use super::bytes::Bytes;
use crate::bus::{Bus, BusEvent, BusOptions, ChannelId};
use crate::device::Now;
use crate::fake_guest::{Lines, Memory, message};
use crate::memory::{GuestMemory, PAGE_BYTES};
use crate::protocol::Version;
use crate::synic::{HvStatus, SynicPages};

/// So many pages of memory there are.
const PAGES: u64 = 64;

/// More steps are not taken.
const STEPS: usize = 512;

/// Where a processor has its message page, if it is where it should be; its event page follows.
const SYNIC: u64 = 40;

/// How far a session came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusReach {
    /// How often a version was agreed upon.
    pub connected: usize,
    /// How often a channel was opened.
    pub opened: usize,
    /// How often a device gave up.
    pub rested: usize,
    /// How often a message was taken with success.
    pub posted: usize,
}

/// Makes a bus and does with it what the bytes say.
///
/// The bytes are: the newest version, how many processors and devices; then steps, each a number
/// and what it needs.
pub fn exercise_bus(bytes: &[u8]) -> BusReach {
    let mut bytes = Bytes::new(bytes);
    let mut session = Session::new(&mut bytes);
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        session.step(&mut bytes);
        session.now.elapsed += Duration::from_millis(1);
    }
    session.bus.reset();
    session.take_events();
    session.reach
}

struct Session {
    bus: Bus,
    memory: Arc<Memory>,
    processors: u32,
    offered: Vec<ChannelId>,
    instances: u128,
    now: Now,
    reach: BusReach,
}

impl Session {
    fn new(bytes: &mut Bytes<'_>) -> Self {
        let version = usize::from(bytes.u8()) % Version::ALL.len();
        let processors = u32::from(bytes.u8() % 4) + 1;
        let memory = Arc::new(Memory::new(PAGES as usize));
        let shared: Arc<dyn GuestMemory> = Arc::<Memory>::clone(&memory);
        let options = BusOptions {
            max_version: Version::ALL[version],
            processors,
        };
        let mut session = Self {
            bus: Bus::new(shared, Arc::new(Lines::new(processors)), options),
            memory,
            processors,
            offered: Vec::new(),
            instances: 0,
            now: Now {
                elapsed: Duration::ZERO,
                wall: Duration::ZERO,
                reference: 0,
            },
            reach: BusReach::default(),
        };
        for _ in 0..bytes.u8() % 4 {
            session.offer();
        }
        session
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.u8() % 13 {
            0 => self.post_bytes(bytes),
            1 => self.post_words(bytes),
            2 => self.lend(bytes),
            3 => self.signal(bytes),
            4 => self.switch(bytes),
            5 => self.spoil(bytes),
            6 => self.take_message(bytes),
            7 => self.bus.end_of_message(u32::from(bytes.u8())),
            8 => self.pass(bytes),
            9 => self.poke(bytes),
            10 => self.rescind(bytes),
            11 => self.offer(),
            _ => self.rarely(bytes),
        }
        assert!(self.bus.deadline().is_none_or(|at| at < FAR));
    }

    /// Any bytes on any connection.
    fn post_bytes(&mut self, bytes: &mut Bytes<'_>) {
        let [connection, kind, len] = bytes.take();
        let payload = bytes.up_to(usize::from(len));
        self.post(u32::from(connection), u32::from(kind), payload);
    }

    /// A message of a type, with small numbers in it, long enough for any.
    fn post_words(&mut self, bytes: &mut Bytes<'_>) {
        let [connection, kind, count] = bytes.take();
        let words: Vec<u32> = (0..count % 9).map(|_| u32::from(bytes.u8())).collect();
        let mut payload = message(u32::from(kind), &words);
        if kind == 14 {
            // Versions look like no small number.
            let major = u32::from(words.first().copied().unwrap_or(0) as u8);
            let raw = (major >> 4) << 16 | major & 15;
            payload.resize(40, 0);
            payload[8..12].copy_from_slice(&raw.to_le_bytes());
        }
        payload.resize(payload.len().max(148), 0);
        self.post(u32::from(connection), 1, &payload);
    }

    /// A GPADL header with a range that may be right.
    fn lend(&mut self, bytes: &mut Bytes<'_>) {
        let [connection, relid, gpadl, pages, more] = bytes.take();
        let count = u32::from(pages % 27);
        let announced = (count + u32::from(more % 4)) * 8 + 8;
        let counts = announced | 1 << 16;
        let len = (count + u32::from(more % 4)) * 4096;
        let words = [u32::from(relid), u32::from(gpadl), counts, len, 0];
        let mut payload = message(8, &words);
        for _ in 0..count {
            payload.extend(u64::from(bytes.u8() % 65).to_le_bytes());
        }
        self.post(u32::from(connection), 1, &payload);
    }

    fn post(&mut self, connection: u32, kind: u32, payload: &[u8]) {
        let status = self
            .bus
            .post_message(0, connection, kind, payload, self.now);
        self.reach.posted += usize::from(status == HvStatus::Success);
    }

    fn signal(&mut self, bytes: &mut Bytes<'_>) {
        let [relid, flag] = bytes.take();
        let connection = 0x2000 + u32::from(relid);
        let _status = self.bus.signal_event(connection, u16::from(flag), self.now);
    }

    /// A processor's pages: where they should be, off, beyond memory, or anywhere.
    fn switch(&mut self, bytes: &mut Bytes<'_>) {
        let [vp, how] = bytes.take();
        let vp = u32::from(vp) % (self.processors + 1);
        let place = |how: u8, sound: u64| match how % 4 {
            0 | 1 => Some(sound),
            2 => None,
            _ => Some(u64::from(how) << 12 | u64::from(how & 7)),
        };
        let page = (SYNIC + u64::from(vp) * 2) * PAGE_BYTES;
        let pages = SynicPages {
            message_page: place(how, page),
            event_page: place(how >> 4, page + PAGE_BYTES),
        };
        self.bus.set_synic(vp, pages);
    }

    /// Writes to memory: rings, slots, anything.
    fn spoil(&mut self, bytes: &mut Bytes<'_>) {
        let [page, len] = bytes.take();
        let within = u64::from(bytes.u16()) % PAGE_BYTES;
        let data = bytes.up_to(usize::from(len));
        // Beyond memory there is nothing to be spoiled.
        let _ = self
            .memory
            .write(u64::from(page) % PAGES * PAGE_BYTES + within, data);
    }

    /// Empties a processor's slot, and says so if it was asked to, or not.
    fn take_message(&mut self, bytes: &mut Bytes<'_>) {
        let [vp, how] = bytes.take();
        let vp = u32::from(vp) % self.processors;
        let slot = (SYNIC + u64::from(vp) * 2) * PAGE_BYTES + 512;
        let flags = self.memory.bytes(slot + 5, 1)[0];
        let _ = self.memory.store_u32(slot, 0, Ordering::SeqCst);
        if how % 2 == 0 || flags & 1 != 0 {
            self.bus.end_of_message(vp);
        }
    }

    fn pass(&mut self, bytes: &mut Bytes<'_>) {
        self.now.elapsed += Duration::from_millis(u64::from(bytes.u8()));
        self.bus.tick(self.now);
    }

    fn poke(&mut self, bytes: &mut Bytes<'_>) {
        if let Some(id) = self.some_id(bytes) {
            self.bus.poke(id, self.now);
        }
    }

    fn rescind(&mut self, bytes: &mut Bytes<'_>) {
        if let Some(id) = self.some_id(bytes) {
            // It may be gone already.
            let _ = self.bus.rescind(id);
        }
    }

    fn offer(&mut self) {
        self.instances += 1;
        if let Ok(id) = self.bus.offer(Box::new(Counting::new(self.instances))) {
            self.offered.push(id);
        }
    }

    fn rarely(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.u8() {
            0 => self.bus.reset(),
            _ => self.take_events(),
        }
    }

    fn some_id(&self, bytes: &mut Bytes<'_>) -> Option<ChannelId> {
        let index = usize::from(bytes.u8()) % self.offered.len().max(1);
        self.offered.get(index).copied()
    }

    fn take_events(&mut self) {
        for event in self.bus.drain_events() {
            match event {
                BusEvent::Connected { .. } => self.reach.connected += 1,
                BusEvent::Opened { .. } => self.reach.opened += 1,
                BusEvent::Rested { .. } => self.reach.rested += 1,
                BusEvent::Refused { .. }
                | BusEvent::Closed { .. }
                | BusEvent::Unloaded
                | BusEvent::Lost { .. } => {}
            }
        }
    }
}

/// No device of ours asks for a time later than this.
const FAR: Duration = Duration::from_secs(3600);
