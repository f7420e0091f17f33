//! Sound packets with one field spoiled: each is refused by the rule that it breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use detente_vmbus::fake_guest::{GuestPacket, Memory};
use detente_vmbus::ring::Index;
use detente_vmbus::{
    GuestMemory, Outgoing, OutgoingKind, OutsideMemory, PacketKind, RangeError, RingError, RingPair,
};

use crate::support::{Place, READ_INDEX, Rig, WRITE_INDEX, in_band};

/// A packet with one range of two pages: a header of 48 bytes, and 24 of payload.
fn sound() -> Vec<u8> {
    GuestPacket::gpa_direct(5, &[(4096, 8, vec![1, 2])], &[7; 24]).to_bytes()
}

/// Takes a packet that lies at the ring's start, and its trailer.
fn taken(packet: &[u8]) -> Result<(), RingError> {
    let mut rig = Rig::small();
    rig.memory.put(rig.place.to_host() + 4096, packet);
    let end = u32::try_from(packet.len() + 8).unwrap();
    rig.store(rig.place.to_host() + WRITE_INDEX, end);
    rig.host.receive().map(|packet| assert!(packet.is_some()))
}

/// Why the packet is refused when two bytes of it are others.
fn refused(at: usize, field: u16) -> RingError {
    let mut packet = sound();
    packet[at..at + 2].copy_from_slice(&field.to_le_bytes());
    taken(&packet).unwrap_err()
}

#[test]
fn unspoiled_it_is_taken() {
    assert_eq!(sound().len(), 72);
    assert_eq!(taken(&sound()), Ok(()));
}

#[test]
fn a_type_that_guests_do_not_send() {
    // 7 and 8 are for hosts, 10 is for nobody any more.
    for kind in [0, 1, 5, 7, 8, 10, 12, 0xffff] {
        assert_eq!(refused(0, kind), RingError::UnknownType { kind });
    }
}

#[test]
fn a_header_too_short_for_its_type() {
    for eights in [0, 1, 2] {
        let expected = RingError::HeaderTooShort {
            kind: 9,
            header: u32::from(eights) * 8,
            least: 24,
        };
        assert_eq!(refused(2, eights), expected);
    }
    let mut packet = GuestPacket::in_band(1, b"").to_bytes();
    packet[2] = 1;
    let expected = RingError::HeaderTooShort {
        kind: 6,
        header: 8,
        least: 16,
    };
    assert_eq!(taken(&packet), Err(expected));
}

#[test]
fn a_header_longer_than_its_packet() {
    let (header, packet) = (80, 72);
    let expected = RingError::HeaderBeyondPacket { header, packet };
    assert_eq!(refused(2, 10), expected);
    let (header, packet) = (0xffff * 8, 72);
    let expected = RingError::HeaderBeyondPacket { header, packet };
    assert_eq!(refused(2, 0xffff), expected);
}

#[test]
fn a_packet_shorter_than_its_header() {
    let (header, packet) = (48, 40);
    let expected = RingError::HeaderBeyondPacket { header, packet };
    assert_eq!(refused(4, 5), expected);
}

#[test]
fn a_packet_longer_than_what_was_written() {
    // One word longer, and its trailer is no longer there.
    let (packet, available) = (80, 80);
    let expected = RingError::PacketBeyondData { packet, available };
    assert_eq!(refused(4, 10), expected);
    let (packet, available) = (0xffff * 8, 80);
    let expected = RingError::PacketBeyondData { packet, available };
    assert_eq!(refused(4, 0xffff), expected);
}

#[test]
fn flags_that_nobody_knows() {
    for flags in [2, 3, 0x8000, 0xffff] {
        assert_eq!(refused(6, flags), RingError::UnknownFlags { flags });
    }
}

#[test]
fn no_ranges_at_all() {
    assert_eq!(refused(20, 0), RingError::NoRanges);
}

#[test]
fn more_ranges_than_the_header_holds() {
    let bytes = 32;
    let cut = |ranges| RingError::RangesCut { ranges, bytes };
    assert_eq!(refused(20, 2), cut(2));
    assert_eq!(refused(20, 0xffff), cut(0xffff));
    // Four thousand million of them are not waited for, and not allocated either.
    assert_eq!(refused(22, 0xffff), cut(0xffff_0001));
}

#[test]
fn a_range_longer_than_its_pages() {
    let cut = RingError::RangesCut {
        ranges: 1,
        bytes: 32,
    };
    // One byte beyond the two pages, and four gigabytes beyond them.
    assert_eq!(refused(24, 8192 - 8 + 1), cut);
    assert_eq!(refused(26, 0xffff), cut);
}

#[test]
fn a_range_that_starts_beyond_its_first_page() {
    let offset = 4096;
    let expected = RingError::Range(RangeError::OffsetBeyondPage { offset });
    assert_eq!(refused(28, 4096), expected);
}

#[test]
fn a_page_beyond_the_address_space() {
    let pfn = 0x10_0000_0000_0001;
    let expected = RingError::Range(RangeError::PageBeyondAddresses { pfn });
    assert_eq!(refused(38, 0x10), expected);
}

#[test]
fn a_write_index_that_leaves_less_than_a_header() {
    let mut rig = Rig::small();
    rig.store(rig.place.to_host() + WRITE_INDEX, 8);
    let cut = RingError::HeaderCut { available: 8 };
    assert_eq!(rig.host.receive(), Err(cut));
}

#[test]
fn a_write_index_that_cuts_the_trailer_off() {
    let mut rig = Rig::small();
    let _ = rig.guest_writes(&GuestPacket::in_band(1, b""));
    rig.store(rig.place.to_host() + WRITE_INDEX, 16);
    let (packet, available) = (16, 16);
    let expected = RingError::PacketBeyondData { packet, available };
    assert_eq!(rig.host.receive(), Err(expected));
}

#[test]
fn a_write_index_that_becomes_bad_while_the_channel_is_open() {
    let mut rig = Rig::small();
    let (index, ring, value) = (Index::GuestWrite, 4096, 4096);
    rig.store(rig.place.to_host() + WRITE_INDEX, value);
    let outside = RingError::IndexOutside { index, value, ring };
    assert_eq!(rig.host.receive(), Err(outside));
    assert_eq!(rig.host.end_drain(), Err(outside));

    let value = 30;
    rig.store(rig.place.to_host() + WRITE_INDEX, value);
    let unaligned = RingError::IndexUnaligned { index, value };
    assert_eq!(rig.host.receive(), Err(unaligned));
}

#[test]
fn a_read_index_that_becomes_bad_while_the_host_writes() {
    let mut rig = Rig::small();
    let (index, ring, value) = (Index::GuestRead, 4096, 0xffff_fff8);
    rig.store(rig.place.to_guest() + READ_INDEX, value);
    // As long as there is room by what was read last, it is not looked at.
    assert!(rig.host.send(&in_band(1, &[0; 3000])).is_ok());
    let outside = RingError::IndexOutside { index, value, ring };
    assert_eq!(rig.host.send(&in_band(2, &[0; 3000])), Err(outside));
}

#[test]
fn what_is_ours_is_not_read_back() {
    let mut rig = Rig::small();
    for number in 0..3 {
        let _ = rig.guest_writes(&GuestPacket::in_band(number, b""));
    }
    assert_eq!(rig.host_takes().transaction, 0);
    // The guest turns our indices back, or into nonsense: we know where we are.
    rig.store(rig.place.to_host() + READ_INDEX, 0);
    assert_eq!(rig.host_takes().transaction, 1);
    rig.store(rig.place.to_host() + READ_INDEX, 0xdead_beef);
    assert_eq!(rig.host_takes().transaction, 2);
    rig.store(rig.place.to_guest() + WRITE_INDEX, 0xdead_beef);
    assert!(rig.host.send(&in_band(9, b"")).is_ok());
    assert_eq!(rig.load(rig.place.to_guest() + WRITE_INDEX), 24);
}

#[test]
fn packets_that_no_ring_of_that_size_holds_are_refused_not_waited_for() {
    let mut rig = Rig::small();
    let ring = 4096;
    // A packet that fills the ring would make it look empty.
    let never = |needed| Err(RingError::NeverFits { needed, ring });
    assert_eq!(
        rig.host.send(&in_band(1, &[0; 4096 - 24])),
        never(u64::from(ring))
    );
    assert!(rig.host.send(&in_band(1, &[0; 4096 - 32])).is_ok());
    let ranges = [(0, 0); 511];
    let packet = Outgoing {
        kind: OutgoingKind::TransferPages {
            set: 1,
            ranges: &ranges,
        },
        ..in_band(1, b"")
    };
    assert_eq!(rig.host.send(&packet), never(16 + 8 + 511 * 8 + 8));
}

/// Memory of a guest that changes a packet as soon as a byte of it has been read.
struct Fickle {
    memory: Arc<Memory>,
    packet: u64,
    reads: AtomicU32,
}

impl GuestMemory for Fickle {
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory> {
        self.memory.read(gpa, buf)?;
        if gpa == self.packet {
            self.reads.fetch_add(1, Ordering::SeqCst);
            // Type, lengths, flags, number and ranges: all of it would be refused.
            self.memory.put(gpa, &[0xff; 72]);
        }
        Ok(())
    }

    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        self.memory.write(gpa, bytes)
    }

    fn load_u32(&self, gpa: u64, order: Ordering) -> Result<u32, OutsideMemory> {
        self.memory.load_u32(gpa, order)
    }

    fn store_u32(&self, gpa: u64, value: u32, order: Ordering) -> Result<(), OutsideMemory> {
        self.memory.store_u32(gpa, value, order)
    }

    fn fetch_or_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory> {
        self.memory.fetch_or_u32(gpa, bits)
    }
}

#[test]
fn a_packet_that_changes_while_it_is_taken_is_the_one_that_was_checked() {
    let mut rig = Rig::new(Place::in_a_row(2, 1));
    let ranges = [(4096, 8, vec![1, 2])];
    // Longer than what is copied at first, so that there is a second copy.
    let _ = rig.guest_writes(&GuestPacket::gpa_direct(5, &ranges, &[7; 3000]));
    let memory = Arc::new(Fickle {
        memory: Arc::clone(&rig.memory),
        packet: rig.place.to_host() + 4096,
        reads: AtomicU32::new(0),
    });
    let middle = u32::try_from(rig.place.middle).unwrap();
    let range = rig.place.range();
    let mut host = RingPair::open(Arc::clone(&memory) as _, &range, middle).unwrap();
    let packet = host.receive().unwrap().unwrap();
    assert_eq!(memory.reads.load(Ordering::SeqCst), 1);
    assert_eq!((packet.transaction, packet.payload.len()), (5, 3000));
    assert!(packet.payload.iter().all(|byte| *byte == 7));
    let expected = detente_vmbus::PageRange::new(4096, 8, vec![1, 2]).unwrap();
    assert_eq!(packet.kind, PacketKind::GpaDirect(vec![expected]));
}
