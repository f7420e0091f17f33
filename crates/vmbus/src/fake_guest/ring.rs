//! The guest's side of a pair of rings, as Linux's driver has it (drivers/hv/ring_buffer.c, 6.1).
//!
//! Shares nothing with the host's side but the guest's memory.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::ring_packet::{GuestPacket, HostPacket};
use crate::memory::{GuestMemory, PAGE_BYTES};

const WRITE_INDEX: u64 = 0;
const READ_INDEX: u64 = 4;
const INTERRUPT_MASK: u64 = 8;
const PENDING_SEND_SIZE: u64 = 12;
const FEATURE_BITS: u64 = 64;

/// Both rings of a channel that a guest opens.
pub struct GuestRings {
    /// Guest to host.
    outbound: Half,
    /// Host to guest.
    inbound: Half,
    /// How far the guest has read; the control page follows when an iteration is closed.
    private_read: u32,
}

/// What came of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a packet that did not fit has to be written again, a signal has to be given"]
pub enum Wrote {
    /// It is in the ring, and the host need not be told.
    Quietly,
    /// It is in the ring, and the host has to be signalled.
    Signal,
    /// There is no room (EAGAIN).
    NoRoom,
}

impl GuestRings {
    /// Readies the rings on these pages, the second one starting at `host_to_guest_page`.
    #[must_use]
    pub fn new(memory: &Arc<dyn GuestMemory>, pfns: &[u64], host_to_guest_page: usize) -> Self {
        let (outbound, inbound) = pfns.split_at(host_to_guest_page);
        Self {
            outbound: Half::ready(memory, outbound),
            inbound: Half::ready(memory, inbound),
            private_read: 0,
        }
    }

    /// Writes a packet; the index that precedes it lies behind it.
    pub fn write(&mut self, packet: &GuestPacket) -> Wrote {
        let ring = &self.outbound;
        let mut bytes = packet.to_bytes();
        // A ring with room for this packet alone counts as full: it would look empty.
        if ring.room() <= bytes.len() as u32 + 8 {
            return Wrote::NoRoom;
        }
        let old_write = ring.load(WRITE_INDEX);
        bytes.extend_from_slice(&(u64::from(old_write) << 32).to_le_bytes());
        ring.put(old_write, &bytes);
        fence(Ordering::SeqCst);
        let next = (old_write + bytes.len() as u32) % ring.data_bytes();
        ring.store(WRITE_INDEX, next);
        // The host masks interrupts while it drains; else only the step from empty is told.
        fence(Ordering::SeqCst);
        if ring.load(INTERRUPT_MASK) == 0 && old_write == ring.load(READ_INDEX) {
            Wrote::Signal
        } else {
            Wrote::Quietly
        }
    }

    /// How many bytes could be written into the outbound ring.
    #[must_use]
    pub fn room(&self) -> u32 {
        self.outbound.room()
    }

    /// Asks to be signalled when there is more room than this; 0 takes it back.
    pub fn set_pending_send_size(&self, bytes: u32) {
        self.outbound.store(PENDING_SEND_SIZE, bytes);
        fence(Ordering::SeqCst);
    }

    /// Masks the host's interrupts while the guest reads.
    pub fn begin_read(&self) {
        self.inbound.store(INTERRUPT_MASK, 1);
        fence(Ordering::SeqCst);
    }

    /// Unmasks them. True: there is something again.
    #[must_use]
    pub fn end_read(&self) -> bool {
        self.inbound.store(INTERRUPT_MASK, 0);
        fence(Ordering::SeqCst);
        self.inbound.load(READ_INDEX) != self.inbound.load(WRITE_INDEX)
    }

    /// The next packet. The host is not told before [`Self::close`].
    ///
    /// # Panics
    /// When the host broke a rule: then the test has found something.
    pub fn next_packet(&mut self) -> Option<HostPacket> {
        let ring = &self.inbound;
        let size = ring.data_bytes();
        let write = ring.load(WRITE_INDEX);
        let available = (write + size - self.private_read) % size;
        if available < 16 {
            assert_eq!(available, 0, "the host left less than a header");
            return None;
        }
        let len = u32::from(ring.take(self.private_read, 8).word(4)) * 8;
        assert!(len + 8 <= available, "the host's packet is cut");
        let bytes = ring.take(self.private_read, len as usize + 8);
        let (packet, trailer) = bytes.split_at(len as usize);
        let start = u64::from(self.private_read) << 32;
        assert_eq!(trailer, start.to_le_bytes(), "the host's trailer");
        self.private_read = (self.private_read + len + 8) % size;
        Some(HostPacket::from_bytes(packet))
    }

    /// Gives the room of what was read back. True: the host waits for it, and has to be signalled.
    pub fn close(&mut self) -> bool {
        let ring = &self.inbound;
        let size = ring.data_bytes();
        let start = ring.load(READ_INDEX);
        ring.store(READ_INDEX, self.private_read);
        fence(Ordering::SeqCst);
        if ring.load(FEATURE_BITS) & 1 == 0 {
            return true;
        }
        let pending = ring.load(PENDING_SEND_SIZE);
        if pending == 0 {
            return false;
        }
        let room = ring.room();
        let read = (self.private_read + size - start) % size;
        // Had there been room before, the host would not wait; and no false hope is given.
        room - read <= pending && room > pending
    }

    /// Reads everything, as the driver's callback does. True: the host has to be signalled.
    pub fn drain(&mut self, mut visit: impl FnMut(HostPacket)) -> bool {
        let mut signal = false;
        loop {
            self.begin_read();
            while let Some(packet) = self.next_packet() {
                visit(packet);
            }
            signal |= self.close();
            if !self.end_read() {
                return signal;
            }
        }
    }
}

/// One ring.
struct Half {
    memory: Arc<dyn GuestMemory>,
    control: u64,
    data: Vec<u64>,
}

/// The driver's memory is its own.
const OWN: &str = "the fake guest's rings are memory";

impl Half {
    fn ready(memory: &Arc<dyn GuestMemory>, pfns: &[u64]) -> Self {
        for pfn in pfns {
            let page = [0; PAGE_BYTES as usize];
            memory.write(pfn * PAGE_BYTES, &page).expect(OWN);
        }
        let half = Self {
            memory: Arc::clone(memory),
            control: pfns[0] * PAGE_BYTES,
            data: pfns[1..].iter().map(|pfn| pfn * PAGE_BYTES).collect(),
        };
        half.store(FEATURE_BITS, 1);
        half
    }

    fn data_bytes(&self) -> u32 {
        self.data.len() as u32 * PAGE_BYTES as u32
    }

    fn room(&self) -> u32 {
        let (write, read) = (self.load(WRITE_INDEX), self.load(READ_INDEX));
        if write >= read {
            self.data_bytes() - (write - read)
        } else {
            read - write
        }
    }

    fn load(&self, word: u64) -> u32 {
        let at = self.control + word;
        self.memory.load_u32(at, Ordering::Acquire).expect(OWN)
    }

    fn store(&self, word: u64, value: u32) {
        let at = self.control + word;
        self.memory
            .store_u32(at, value, Ordering::Release)
            .expect(OWN);
    }

    fn put(&self, index: u32, bytes: &[u8]) {
        let mut at = index as usize;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (page, within) = (at / 4096 % self.data.len(), at % 4096);
            let (piece, left) = rest.split_at(rest.len().min(4096 - within));
            let gpa = self.data[page] + within as u64;
            self.memory.write(gpa, piece).expect(OWN);
            at += piece.len();
            rest = left;
        }
    }

    fn take(&self, index: u32, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let mut done = 0;
        while done < len {
            let at = index as usize + done;
            let (page, within) = (at / 4096 % self.data.len(), at % 4096);
            let piece = (len - done).min(4096 - within);
            let gpa = self.data[page] + within as u64;
            self.memory
                .read(gpa, &mut bytes[done..done + piece])
                .expect(OWN);
            done += piece;
        }
        bytes
    }
}

/// A little-endian 16-bit word at an offset.
trait Words {
    fn word(&self, at: usize) -> u16;
}

impl Words for Vec<u8> {
    fn word(&self, at: usize) -> u16 {
        u16::from_le_bytes([self[at], self[at + 1]])
    }
}
