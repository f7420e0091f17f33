//! Where rings may be, and what a guest may have left in their control pages.

use std::sync::Arc;

use detente_vmbus::fake_guest::{GuestPacket, Memory};
use detente_vmbus::ring::Index;
use detente_vmbus::{OutsideMemory, PageRange, RingError, RingPair};

use crate::support::{Place, READ_INDEX, Rig, WRITE_INDEX, open};

fn opened(range: &PageRange, host_to_guest_page: u32) -> Result<(), RingError> {
    let memory = Arc::new(Memory::new(32));
    RingPair::open(memory, range, host_to_guest_page).map(drop)
}

#[test]
fn rings_need_two_pages_each() {
    let range = Place::in_a_row(1, 1).range();
    assert_eq!(opened(&range, 2), Ok(()));
    for host_to_guest_page in [0, 1, 3, 4, 5, u32::MAX] {
        let too_few = RingError::TooFewPages {
            pages: 4,
            host_to_guest_page,
        };
        assert_eq!(opened(&range, host_to_guest_page), Err(too_few));
    }
}

#[test]
fn rings_start_with_a_page() {
    let range = PageRange::new(4 * 4096, 8, vec![1, 2, 3, 4, 5]).unwrap();
    assert_eq!(opened(&range, 2), Err(RingError::NotAtPage { offset: 8 }));
}

#[test]
fn rings_are_whole_pages() {
    let len = 4 * 4096 - 8;
    let range = PageRange::new(len, 0, vec![1, 2, 3, 4]).unwrap();
    assert_eq!(opened(&range, 2), Err(RingError::NotWholePages { len }));
}

#[test]
fn control_pages_are_memory() {
    let range = PageRange::new(4 * 4096, 0, vec![1, 2, 32, 4]).unwrap();
    let outside = OutsideMemory {
        gpa: 32 * 4096,
        len: 4,
    };
    assert_eq!(opened(&range, 2), Err(RingError::Memory(outside)));
}

#[test]
fn data_that_is_no_memory_is_found_when_it_is_used() {
    let mut rig = Rig::small();
    let place = Place {
        pfns: vec![16, 999, 18, 19],
        middle: 2,
    };
    let _ = rig.guest_writes(&GuestPacket::in_band(1, b""));
    let mut host = open(&rig.memory, &place).unwrap();
    assert!(matches!(host.receive(), Err(RingError::Memory(_))));
}

#[test]
fn indices_may_start_anywhere_that_a_packet_may() {
    let rig = Rig::small();
    rig.store(rig.place.to_host() + READ_INDEX, 4088);
    rig.store(rig.place.to_host() + WRITE_INDEX, 4088);
    let mut host = open(&rig.memory, &rig.place).unwrap();
    assert_eq!(host.receive(), Ok(None));
}

#[test]
fn each_index_is_in_the_data_and_a_multiple_of_eight() {
    let to_host = |place: &Place| place.to_host();
    let to_guest = |place: &Place| place.to_guest();
    type Page = fn(&Place) -> u64;
    let words: [(Index, Page, u64); 4] = [
        (Index::HostRead, to_host, READ_INDEX),
        (Index::GuestWrite, to_host, WRITE_INDEX),
        (Index::HostWrite, to_guest, WRITE_INDEX),
        (Index::GuestRead, to_guest, READ_INDEX),
    ];
    for (index, page, word) in words {
        for value in [4096, 4104, 0x8000_0000, 0xffff_fff8, u32::MAX] {
            let rig = Rig::small();
            rig.store(page(&rig.place) + word, value);
            let ring = 4096;
            let expected = RingError::IndexOutside { index, value, ring };
            assert_eq!(open(&rig.memory, &rig.place).unwrap_err(), expected);
        }
        for value in [1, 4, 4095] {
            let rig = Rig::small();
            rig.store(page(&rig.place) + word, value);
            let expected = RingError::IndexUnaligned { index, value };
            assert_eq!(open(&rig.memory, &rig.place).unwrap_err(), expected);
        }
    }
}
