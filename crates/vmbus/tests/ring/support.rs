//! A guest's rings and the host's side of them, in memory that tests can look into.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use detente_vmbus::fake_guest::{GuestPacket, GuestRings, Memory, Wrote};
use detente_vmbus::{
    GuestMemory, Outgoing, OutgoingKind, Packet, PageRange, RingError, RingPair, Sent,
};

/// Words of a control page, as include/linux/hyperv.h of Linux has them.
pub(crate) const WRITE_INDEX: u64 = 0;
pub(crate) const READ_INDEX: u64 = 4;
pub(crate) const INTERRUPT_MASK: u64 = 8;
pub(crate) const PENDING_SEND_SIZE: u64 = 12;
pub(crate) const FEATURE_BITS: u64 = 64;

/// Where rings are: page frames, and which of them begins the second ring.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) pfns: Vec<u64>,
    pub(crate) middle: usize,
}

impl Place {
    /// Rings of so many pages of data, in a row in memory from page 16 on.
    pub(crate) fn in_a_row(to_host: usize, to_guest: usize) -> Self {
        Self {
            pfns: (16..).take(to_host + to_guest + 2).collect(),
            middle: to_host + 1,
        }
    }

    /// The same, with no page next to the one before it, but for the last two.
    pub(crate) fn scattered(to_host: usize, to_guest: usize) -> Self {
        let mut place = Self::in_a_row(to_host, to_guest);
        place.pfns.reverse();
        let last = place.pfns.len() - 1;
        place.pfns.swap(last - 1, last);
        place
    }

    pub(crate) fn range(&self) -> PageRange {
        let len = u32::try_from(self.pfns.len() * 4096).unwrap();
        PageRange::new(len, 0, self.pfns.clone()).unwrap()
    }

    /// The control page of the ring that the host reads.
    pub(crate) fn to_host(&self) -> u64 {
        self.pfns[0] * 4096
    }

    /// The control page of the ring that the host writes.
    pub(crate) fn to_guest(&self) -> u64 {
        self.pfns[self.middle] * 4096
    }
}

pub(crate) struct Rig {
    pub(crate) memory: Arc<Memory>,
    pub(crate) place: Place,
    pub(crate) guest: GuestRings,
    pub(crate) host: RingPair,
}

impl Rig {
    pub(crate) fn new(place: Place) -> Self {
        let memory = Arc::new(Memory::new(16 + place.pfns.len()));
        let shared: Arc<dyn GuestMemory> = Arc::clone(&memory) as _;
        let guest = GuestRings::new(&shared, &place.pfns, place.middle);
        let host = open(&memory, &place).unwrap();
        Self {
            memory,
            place,
            guest,
            host,
        }
    }

    /// Rings of one page of data each.
    pub(crate) fn small() -> Self {
        Self::new(Place::in_a_row(1, 1))
    }

    /// The guest writes a packet, for which there is room.
    pub(crate) fn guest_writes(&mut self, packet: &GuestPacket) -> Wrote {
        let wrote = self.guest.write(packet);
        assert_ne!(wrote, Wrote::NoRoom);
        wrote
    }

    /// The packet that the host takes; there has to be one.
    pub(crate) fn host_takes(&mut self) -> Packet {
        self.host.receive().unwrap().unwrap()
    }

    pub(crate) fn load(&self, gpa: u64) -> u32 {
        self.memory.load_u32(gpa, Ordering::SeqCst).unwrap()
    }

    pub(crate) fn store(&self, gpa: u64, value: u32) {
        self.memory.store_u32(gpa, value, Ordering::SeqCst).unwrap();
    }
}

/// The host's side of the rings at a place, as the guest left them.
pub(crate) fn open(memory: &Arc<Memory>, place: &Place) -> Result<RingPair, RingError> {
    let memory = Arc::clone(memory) as _;
    let middle = u32::try_from(place.middle).unwrap();
    RingPair::open(memory, &place.range(), middle)
}

pub(crate) fn completion(transaction: u64, payload: &[u8]) -> Outgoing<'_> {
    Outgoing {
        kind: OutgoingKind::Completion,
        transaction,
        wants_completion: false,
        payload,
    }
}

pub(crate) fn in_band(transaction: u64, payload: &[u8]) -> Outgoing<'_> {
    Outgoing {
        kind: OutgoingKind::InBand,
        transaction,
        wants_completion: false,
        payload,
    }
}

/// A payload of which each byte depends on its place and on the packet's number.
pub(crate) fn payload(number: u64, len: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let byte = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        state.to_le_bytes()[7]
    };
    std::iter::repeat_with(byte).take(len).collect()
}

pub(crate) fn done(sent: Result<Sent, RingError>) {
    assert_eq!(sent.unwrap(), Sent::Done);
}
