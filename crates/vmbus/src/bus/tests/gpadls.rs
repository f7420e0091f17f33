//! Memory that is lent: what is taken, and each rule that makes it refused.

use super::scripted::{CLASS, Scripted};
use crate::bus::gpadl::{GPADL_LIMIT, PAGE_LIMIT, UNFINISHED_LIMIT};
use crate::fake_guest::{FakeGuest, GuestChannel, message};
use crate::synic::HvStatus;

const GPADL: u32 = 0x77;

/// A guest that knows of one device, number 1.
fn guest() -> FakeGuest {
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    guest
}

const DEVICE: GuestChannel = GuestChannel { relid: 1 };

/// A GPADL header, field by field.
struct Header {
    relid: u32,
    bytes: u16,
    ranges: u16,
    words: Vec<u64>,
}

/// One range of two pages.
fn sound() -> Header {
    Header {
        relid: 1,
        bytes: 24,
        ranges: 1,
        words: vec![range(8192, 0), 500, 502],
    }
}

fn range(len: u32, offset: u32) -> u64 {
    u64::from(len) | u64::from(offset) << 32
}

impl Header {
    fn to_bytes(&self) -> Vec<u8> {
        let counts = u32::from(self.bytes) | u32::from(self.ranges) << 16;
        let mut bytes = message(8, &[self.relid, GPADL, counts]);
        self.words
            .iter()
            .for_each(|word| bytes.extend(word.to_le_bytes()));
        bytes
    }
}

/// Sends the header: the status of the answer, if there is one.
fn send(guest: &mut FakeGuest, header: &Header) -> Option<u32> {
    assert_eq!(guest.post(&header.to_bytes()), HvStatus::Success);
    guest.pump();
    let mut answers = guest.answers();
    assert!(answers.len() <= 1);
    let answer = answers.pop()?;
    assert_eq!(answer[..16], message(10, &[header.relid, GPADL]));
    Some(u32::from_le_bytes(answer[16..].try_into().unwrap()))
}

fn check_refused(spoil: impl FnOnce(&mut Header)) {
    let mut guest = guest();
    let mut header = sound();
    spoil(&mut header);
    assert_eq!(send(&mut guest, &header), Some(0xc000_0001));
    // Nothing of it is kept: the number is free.
    assert_eq!(send(&mut guest, &sound()), Some(0));
}

#[test]
fn one_range_in_a_header_is_taken() {
    assert_eq!(send(&mut guest(), &sound()), Some(0));
}

#[test]
fn a_ring_of_64_pages_comes_in_a_header_and_two_bodies() {
    let mut guest = guest();
    guest.lend(DEVICE, 64);
    assert!(guest.answers().is_empty());
}

#[test]
fn linuxs_biggest_receive_buffer_is_taken() {
    // 31 MiB are the most that the length of the ranges can say.
    let mut guest = guest();
    let (gpadl, _) = guest.lend(DEVICE, 31 * 256);
    guest.take_back(DEVICE, gpadl);
}

#[test]
fn several_ranges_are_taken() {
    let mut guest = guest();
    let header = Header {
        bytes: 48,
        ranges: 2,
        words: vec![range(4097, 0), 500, 502, range(1, 4095), 777, 0],
        ..sound()
    };
    // The second range ends before the last word: one word too many.
    assert_eq!(send(&mut guest, &header), Some(0xc000_0001));
    let header = Header {
        bytes: 40,
        words: header.words[..5].to_vec(),
        ..header
    };
    assert_eq!(send(&mut guest, &header), Some(0));
}

#[test]
fn ranges_of_none_are_refused() {
    check_refused(|header| header.ranges = 0);
}

#[test]
fn more_ranges_than_bytes_are_refused() {
    check_refused(|header| header.ranges = 2);
}

#[test]
fn fewer_bytes_than_the_range_needs_are_refused() {
    check_refused(|header| {
        header.bytes = 16;
        header.words.pop();
    });
}

#[test]
fn more_bytes_than_the_range_needs_are_refused() {
    check_refused(|header| {
        header.bytes = 32;
        header.words.push(504);
    });
}

#[test]
fn more_bytes_than_announced_are_refused() {
    check_refused(|header| header.bytes = 16);
}

#[test]
fn no_bytes_are_refused() {
    check_refused(|header| {
        header.bytes = 0;
        header.words.clear();
    });
}

#[test]
fn a_length_that_is_no_multiple_of_8_is_refused() {
    let mut guest = guest();
    let mut header = sound().to_bytes();
    header.truncate(header.len() - 4);
    assert_eq!(guest.post(&header), HvStatus::Success);
    guest.pump();
    assert_ne!(guest.created(1, GPADL), 0);
}

#[test]
fn an_empty_range_is_refused() {
    check_refused(|header| {
        header.bytes = 8;
        header.words = vec![range(0, 0)];
    });
}

#[test]
fn an_offset_beyond_the_first_page_is_refused() {
    check_refused(|header| header.words[0] = range(4096, 4096));
}

#[test]
fn a_range_that_wraps_around_is_refused() {
    check_refused(|header| header.words[0] = range(u32::MAX, u32::MAX));
}

#[test]
fn a_page_that_is_no_memory_is_refused() {
    check_refused(|header| header.words[2] = 0x10_0000);
}

#[test]
fn a_page_beyond_the_address_space_is_refused() {
    check_refused(|header| header.words[1] = 1 << 52);
    check_refused(|header| header.words[1] = u64::MAX);
}

#[test]
fn a_channel_that_is_not_there_is_refused() {
    check_refused(|header| header.relid = 2);
}

#[test]
fn a_header_that_is_cut_is_an_invalid_parameter() {
    let mut guest = guest();
    let header = sound().to_bytes();
    for len in 8..20 {
        assert_eq!(guest.post(&header[..len]), HvStatus::InvalidParameter);
    }
}

#[test]
fn a_number_in_use_is_refused_and_stays_what_it_is() {
    let mut guest = guest();
    assert_eq!(send(&mut guest, &sound()), Some(0));
    let other = Header {
        words: vec![range(8192, 0), 600, 602],
        ..sound()
    };
    assert_eq!(send(&mut guest, &other), Some(0xc000_0001));
    guest.take_back(DEVICE, GPADL);
    assert_eq!(send(&mut guest, &other), Some(0));
}

/// A header to which a body of one page is missing.
fn unfinished() -> Header {
    Header {
        bytes: 24,
        words: vec![range(8192, 0), 500],
        ..sound()
    }
}

fn body(pfns: &[u64]) -> Vec<u8> {
    let mut body = message(9, &[0, GPADL]);
    pfns.iter().for_each(|pfn| body.extend(pfn.to_le_bytes()));
    body
}

#[test]
fn a_body_completes_a_header() {
    let mut guest = guest();
    assert_eq!(send(&mut guest, &unfinished()), None);
    guest.must_post(&body(&[502]));
    assert_eq!(guest.created(1, GPADL), 0);
}

#[test]
fn a_number_that_is_still_coming_is_refused() {
    let mut guest = guest();
    assert_eq!(send(&mut guest, &unfinished()), None);
    assert_eq!(send(&mut guest, &sound()), Some(0xc000_0001));
    guest.must_post(&body(&[502]));
    assert_eq!(guest.created(1, GPADL), 0);
}

#[test]
fn a_body_without_a_header_is_an_invalid_parameter() {
    let mut guest = guest();
    assert_eq!(guest.post(&body(&[1])), HvStatus::InvalidParameter);
    // Neither may one follow when all is there.
    assert_eq!(send(&mut guest, &sound()), Some(0));
    assert_eq!(guest.post(&body(&[1])), HvStatus::InvalidParameter);
}

#[test]
fn a_body_with_too_much_is_refused_and_ends_it() {
    let mut guest = guest();
    assert_eq!(send(&mut guest, &unfinished()), None);
    guest.must_post(&body(&[502, 504]));
    assert_ne!(guest.created(1, GPADL), 0);
    assert_eq!(guest.post(&body(&[502])), HvStatus::InvalidParameter);
}

#[test]
fn an_empty_body_is_refused() {
    let mut guest = guest();
    assert_eq!(send(&mut guest, &unfinished()), None);
    guest.must_post(&body(&[]));
    assert_ne!(guest.created(1, GPADL), 0);
}

#[test]
fn bytes_that_never_come_can_be_taken_back() {
    let mut guest = guest();
    assert_eq!(send(&mut guest, &unfinished()), None);
    guest.take_back(DEVICE, GPADL);
    assert_eq!(guest.post(&body(&[502])), HvStatus::InvalidParameter);
}

#[test]
fn there_are_only_so_many_unfinished_ones() {
    let mut guest = guest();
    let limit = u32::try_from(UNFINISHED_LIMIT).unwrap();
    for gpadl in 0..limit {
        let mut header = unfinished().to_bytes();
        header[12..16].copy_from_slice(&(0x100 + gpadl).to_le_bytes());
        guest.must_post(&header);
    }
    assert!(guest.answers().is_empty());
    assert_eq!(send(&mut guest, &unfinished()), Some(0xc000_0001));
    guest.take_back(DEVICE, 0x100);
    assert_eq!(send(&mut guest, &unfinished()), None);
}

#[test]
fn a_channel_has_only_so_many() {
    let mut guest = guest();
    for _ in 0..GPADL_LIMIT {
        guest.lend(DEVICE, 1);
    }
    assert_eq!(send(&mut guest, &sound()), Some(0xc000_0001));
}

#[test]
fn a_channel_has_only_so_many_pages() {
    let mut guest = guest();
    // The same pages may be lent more than once; it is our memory that is bounded.
    let pfns: Vec<u64> = (2000..2000 + 8190).map(|pfn| pfn % 8192).collect();
    guest.lend_pages(DEVICE, &pfns);
    guest.lend_pages(DEVICE, &pfns);
    guest.lend_pages(DEVICE, &pfns[..PAGE_LIMIT - 2 * 8190]);
    assert_eq!(send(&mut guest, &sound()), Some(0xc000_0001));
}

#[test]
fn a_teardown_is_always_answered() {
    let mut guest = guest();
    guest.take_back(DEVICE, 0x1234);
    guest.take_back(GuestChannel { relid: 99 }, 0x1234);
    guest.lend(DEVICE, 3);
    let other = GuestChannel { relid: 2 };
    // Of another channel it is answered, and does nothing.
    assert_eq!(send(&mut guest, &sound()), Some(0));
    guest.take_back(other, GPADL);
    assert_eq!(send(&mut guest, &sound()), Some(0xc000_0001));
}

#[test]
fn taking_the_rings_back_closes_the_channel() {
    let mut guest = FakeGuest::new();
    let device = Scripted::echo(1);
    let log = device.log();
    guest.offer(Box::new(device));
    guest.connect();
    let channel = guest.open(CLASS, 2);
    let gpadl = guest.ring_gpadl(channel);
    guest.take_back(channel, gpadl);
    assert_eq!(log.take(), ["opened", "closed"]);
}
