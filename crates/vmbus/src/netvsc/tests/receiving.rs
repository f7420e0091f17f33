//! Frames to the guest.

use std::collections::BTreeSet;

use super::linux::{Linux, MAC, frame, packet};
use crate::netvsc::{NvspVersion, Refused};

/// Pieces of 64 pages.
const PIECES: usize = 64 * 4096 / 1728;

fn numbered(number: usize) -> Vec<u8> {
    frame(MAC.bytes(), &u32::try_from(number).unwrap().to_le_bytes())
}

#[test]
fn pieces_are_not_used_again_before_they_are_given_back() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    for number in 0..200 {
        linux.push(&numbered(number));
    }
    let unread = linux.take();
    let offsets: BTreeSet<u32> = unread
        .iter()
        .flat_map(|one| one.ranges.iter().map(|range| range.0))
        .collect();
    let ranges: usize = unread.iter().map(|one| one.ranges.len()).sum();
    assert_eq!(offsets.len(), ranges, "each piece once");
    // Eight are kept, so that the driver's requests are still answered.
    assert_eq!(ranges, PIECES - 8);
    let content: Vec<_> = unread.iter().flat_map(|one| one.messages.clone()).collect();
    assert!(
        content
            .iter()
            .zip(0..)
            .all(|(message, number)| message[44..] == numbered(number))
    );
    assert_eq!(linux.query(0x0001_0114, &[]).0, 0);
    // Nothing was overwritten meanwhile.
    for one in &unread {
        for (range, message) in one.ranges.iter().zip(&one.messages) {
            assert_eq!(linux.received(*range), *message);
        }
    }
    unread.iter().for_each(|one| linux.done(one));
    let rest: Vec<_> = linux.frames();
    assert_eq!(rest, (PIECES - 8..200).map(numbered).collect::<Vec<_>>());
}

#[test]
fn frames_that_wait_go_in_one_packet() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    for number in 0..20 {
        linux.handle.push_frame(numbered(number)).unwrap();
    }
    linux.guest.poke(linux.id);
    let deliveries = linux.take();
    let counts: Vec<usize> = deliveries.iter().map(|one| one.messages.len()).collect();
    assert_eq!(counts, [16, 4]);
    // A completion gives all pieces of its packet back.
    for one in &deliveries {
        linux.done(one);
    }
    for number in 0..PIECES - 8 {
        linux.handle.push_frame(numbered(number)).unwrap();
    }
    linux.guest.poke(linux.id);
    assert_eq!(linux.frames().len(), PIECES - 8);
}

#[test]
fn a_full_ring_loses_nothing() {
    // A ring of one page of data holds some 50 deliveries; the guest does not look meanwhile.
    let mut linux = Linux::opened(NvspVersion::V6_1, 2);
    linux.negotiate();
    linux.lend_buffers();
    linux.initialize();
    linux.set_filter(0xd);
    for number in 0..130 {
        linux.handle.push_frame(numbered(number)).unwrap();
        linux.guest.bus.poke(linux.id, linux.guest.now());
    }
    linux.guest.pump();
    let mut frames = linux.frames();
    linux.guest.poke(linux.id);
    frames.extend(linux.frames());
    assert_eq!(frames, (0..130).map(numbered).collect::<Vec<_>>());
}

#[test]
fn frames_of_all_lengths_arrive() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    for len in [0, 1, 46, 1499, 1500, 1504] {
        let sent = frame(MAC.bytes(), &vec![0xa5; len]);
        linux.push(&sent);
        assert_eq!(linux.frames(), [sent]);
    }
}

#[test]
fn what_is_no_frame_is_refused() {
    let linux = Linux::running(NvspVersion::V6_1);
    for len in [0, 13, 1519, 100_000] {
        let refused = linux.handle.push_frame(vec![0; len]);
        assert_eq!(refused, Err(Refused::Length { len }));
    }
    assert_eq!(linux.handle.counters().receive_dropped, 4);
}

#[test]
fn only_what_the_guest_wants_arrives() {
    let (ours, others) = (MAC.bytes(), [0x00, 0x15, 0x5d, 9, 9, 9]);
    let (multicast, broadcast) = ([0x33, 0x33, 0, 0, 0, 1], [0xff; 6]);
    let all = [ours, others, multicast, broadcast];
    let cases: [(u32, &[[u8; 6]]); 5] = [
        (0x1, &[ours]),
        (0x8, &[broadcast]),
        (0x4, &[multicast]),
        // What Linux sets for an interface that is up, and for one that listens to everything.
        (0xd, &[ours, multicast, broadcast]),
        (0x20, &all),
    ];
    for (filter, expected) in cases {
        let mut linux = Linux::running(NvspVersion::V6_1);
        linux.set_filter(filter);
        for to in all {
            linux.push(&frame(to, b"x"));
        }
        let arrived: Vec<[u8; 6]> = linux
            .frames()
            .iter()
            .map(|frame| frame[..6].try_into().unwrap())
            .collect();
        assert_eq!(arrived, expected, "{filter:#x}");
        let dropped = u64::try_from(4 - expected.len()).unwrap();
        assert_eq!(linux.handle.counters().receive_dropped, dropped);
    }
}

#[test]
fn frames_for_an_interface_that_is_down_are_lost() {
    let mut linux = Linux::connected(NvspVersion::V6_1);
    linux.initialize();
    linux.push(&numbered(1));
    assert_eq!(linux.take(), []);
    linux.set_filter(0xd);
    linux.push(&numbered(2));
    assert_eq!(linux.frames(), [numbered(2)]);
    assert_eq!(linux.handle.counters().receive_dropped, 1);
}

#[test]
fn what_waits_for_the_guest_is_bounded() {
    let linux = Linux::running(NvspVersion::V6_1);
    for number in 0..1024 {
        linux.handle.push_frame(numbered(number)).unwrap();
    }
    let refused = linux.handle.push_frame(numbered(1024));
    assert_eq!(refused, Err(Refused::Full { waiting: 1024 }));
}

#[test]
fn frames_of_any_length_go_both_ways_around_small_rings() {
    let mut linux = Linux::opened(NvspVersion::V6_1, 3);
    linux.negotiate();
    linux.lend_buffers();
    linux.initialize();
    linux.set_filter(0xd);
    // xorshift64, so that a failure repeats itself.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..1500 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let [len, more, by, ..] = random.to_le_bytes();
        let len = usize::from(len) * 5 + usize::from(more) % 226;
        let content: Vec<u8> = (0..=255).cycle().skip(round % 256).take(len).collect();
        let there = frame(MAC.bytes(), &content);
        let back = frame([2, 0, 0, 0, 0, 9], &content);
        linux.push(&there);
        let status = match by % 3 {
            0 => linux.send_section(0, u32::from(by) % 10, &packet(&back)),
            1 => {
                let message = packet(&back);
                let (head, rest) = message.split_at(44);
                linux.fill_section(1, head);
                let range = linux.place_again(rest);
                linux.send_ranges(&super::linux::nvsp(&[107, 0, 1, 44]), &[range])
            }
            _ => {
                let range = linux.place_again(&packet(&back));
                linux.send_ranges(&super::linux::nvsp(&[107, 0, u32::MAX, 0]), &[range])
            }
        };
        assert_eq!(status, 1, "round {round}");
        assert_eq!(linux.frames(), [there], "round {round}");
        assert_eq!(linux.handle.pop_frame(), Some(back), "round {round}");
    }
    let counters = linux.handle.counters();
    assert_eq!((counters.sent, counters.received), (1500, 1500));
    assert_eq!(linux.why_it_rests(), None);
}
