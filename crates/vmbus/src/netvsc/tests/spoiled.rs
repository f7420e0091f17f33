//! One spoiled twin for each rule. What has a status gets it; what has none stops the channel.

use super::linux::{Linux, frame, nvsp, packet, packet_saying, word, words};
use crate::netvsc::NvspVersion;

const TO: [u8; 6] = [2, 0, 0, 0, 0, 9];
/// "Invalid RNDIS packet".
const INVALID: u32 = 5;

/// A sound message with one word spoiled.
fn spoil(at: usize, value: u32) -> Vec<u8> {
    spoil_in(
        packet_saying(&frame(TO, &[1; 60]), &[16, 6, 12, 0]),
        at,
        value,
    )
}

fn spoil_in(mut message: Vec<u8>, at: usize, value: u32) -> Vec<u8> {
    message[at..at + 4].copy_from_slice(&value.to_le_bytes());
    message
}

#[test]
fn a_spoiled_frame_is_refused_and_the_next_one_is_sent() {
    let cases = [
        ("another type", spoil(0, 7)),
        ("a length below the header's", spoil(4, 7)),
        ("a length beyond the packet", spoil(4, 200)),
        ("a frame behind the message", spoil(8, 4000)),
        ("an offset that wraps", spoil(8, u32::MAX)),
        ("a frame longer than the message", spoil(12, 200)),
        ("a frame that is too short", spoil(12, 3)),
        ("an empty frame", spoil(12, 0)),
        ("said behind the message", spoil(28, 4000)),
        ("said longer than the message", spoil(32, u32::MAX)),
        ("an entry shorter than its header", spoil(44, 11)),
        ("an entry longer than what is said", spoil(44, 17)),
        ("an entry of no length", spoil(44, 0)),
        ("a value outside its entry", spoil(52, 13)),
        ("a cut header", packet(&frame(TO, b""))[..40].to_vec()),
        ("too little for a header", vec![1, 0, 0, 0]),
        ("a frame that is too long", packet(&frame(TO, &[0; 1505]))),
    ];
    for (what, message) in cases {
        let mut linux = Linux::running(NvspVersion::V6_1);
        assert_eq!(linux.send_section(0, 0, &message), INVALID, "{what}");
        assert_eq!(linux.handle.pop_frame(), None, "{what}");
        assert_eq!(linux.handle.counters().refused, 1, "{what}");
        assert_eq!(linux.send_section(0, 0, &packet(&frame(TO, b"next"))), 1);
        assert_eq!(linux.handle.pop_frame(), Some(frame(TO, b"next")));
        assert_eq!(linux.why_it_rests(), None);
    }
}

#[test]
fn frames_beside_a_spoiled_one_are_sent() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let good = packet(&frame(TO, b"good"));
    let bad = spoil(12, 3);
    assert_eq!(
        linux.send_section(0, 0, &[good.clone(), bad, good].concat()),
        INVALID
    );
    assert_eq!(linux.handle.counters().sent, 2);
}

#[test]
fn a_section_that_is_not_there_is_refused() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    // 16 pages are ten sections. The last bytes of the buffer are none.
    for (index, bytes) in [(10, 44), (u32::MAX - 1, 44), (0, 6145), (9, u32::MAX)] {
        let answer = linux
            .guest
            .request(linux.channel, &nvsp(&[107, 0, index, bytes]));
        assert_eq!(
            (word(&answer, 0), word(&answer, 4)),
            (108, INVALID),
            "{index} {bytes}"
        );
    }
    // Not even what lies there, or goes on in the next section, is taken.
    let sound = packet(&frame(TO, b"behind the last section"));
    let (len, ..) = linux.place_again(&sound);
    let answer = linux
        .guest
        .request(linux.channel, &nvsp(&[107, 0, 10, len]));
    assert_eq!(word(&answer, 4), INVALID);
    let many = sound.repeat(6144 / sound.len() + 1);
    assert_eq!(linux.send_section(0, 0, &many), INVALID);
    assert_eq!(linux.handle.pop_frame(), None);
    linux.tell(&nvsp(&[106, 0]));
    let answer = linux.guest.request(linux.channel, &nvsp(&[107, 0, 0, 44]));
    assert_eq!(word(&answer, 4), INVALID, "the buffer is revoked");
}

#[test]
fn more_bytes_than_frames_have_are_not_gathered() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let pages = linux.guest.pages(17);
    let status = linux.send_ranges(&nvsp(&[107, 0, u32::MAX, 0]), &[(17 * 4096, 0, pages)]);
    assert_eq!(status, INVALID);
}

#[test]
fn a_spoiled_request_is_refused() {
    let query = |at, value| spoil_in(words(&[4, 32, 1, 0x0001_0106, 4, 20, 0, 0]), at, value);
    let cases = [
        ("another type", query(0, 0x8000_0004)),
        ("a frame's type", query(0, 1)),
        ("a length below the header's", query(4, 0)),
        ("a length beyond the packet", query(4, 33)),
        ("input behind the message", query(20, 24)),
        ("an offset that wraps", query(20, u32::MAX)),
        ("input longer than the message", query(16, 5)),
        ("a cut query", words(&[4, 16, 1, 0x0001_0106])),
        ("a cut set", words(&[5, 20, 1, 0x0001_010e, 4])),
        ("a cut begin", words(&[2, 16, 1, 1])),
        ("no number", words(&[8, 8])),
    ];
    for (what, message) in cases {
        let mut linux = Linux::running(NvspVersion::V6_1);
        assert_eq!(linux.send_control(&message), INVALID, "{what}");
        assert_eq!(linux.take(), [], "{what}");
        assert_eq!(
            linux.query(0x0001_0106, &[]).0,
            0,
            "the next one is answered"
        );
    }
}

#[test]
fn a_filter_that_is_cut_off_is_refused() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    assert_eq!(linux.set(0x0001_010e, &[]), 0xc001_0015);
    // What we do not do.
    assert_eq!(linux.set(0x0001_0204, &[0; 40]), 0xc000_00bb);
    assert_eq!(linux.query(0x0001_010e, &[]).1, [0xd, 0, 0, 0]);
}

#[test]
fn a_buffer_that_is_none_is_refused() {
    let mut linux = Linux::opened(NvspVersion::V6_1, 16);
    linux.negotiate();
    // Never lent; too small for sixteen pieces; too small for a section.
    let (small, _) = linux.guest.lend(linux.channel, 6);
    let (tiny, _) = linux.guest.lend(linux.channel, 1);
    for (kind, gpadl) in [(101, 0x9999), (101, small), (104, 0x9999), (104, tiny)] {
        let answer = linux.guest.request(linux.channel, &nvsp(&[kind, gpadl, 1]));
        assert_eq!(
            (word(&answer, 0), word(&answer, 4)),
            (kind + 1, 2),
            "{kind} {gpadl:#x}"
        );
        // No section, and none of any length.
        assert_eq!(word(&answer, 8), 0);
    }
}

#[test]
fn a_second_buffer_or_version_is_refused() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let (gpadl, _) = linux.guest.lend(linux.channel, 64);
    for kind in [101, 104] {
        let answer = linux.guest.request(linux.channel, &nvsp(&[kind, gpadl, 7]));
        assert_eq!((word(&answer, 0), word(&answer, 4)), (kind + 1, 2));
    }
    let answer = linux
        .guest
        .request(linux.channel, &nvsp(&[1, 0x4_0000, 0x4_0000]));
    assert_eq!((word(&answer, 0), word(&answer, 12)), (2, 2));
    // The first ones are still used.
    linux.push(&frame(super::linux::MAC.bytes(), b"x"));
    assert_eq!(linux.frames().len(), 1);
}

#[test]
fn an_unknown_message_is_completed_and_counted() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    assert_eq!(linux.guest.request(linux.channel, &nvsp(&[135, 1])), b"");
    assert_eq!(linux.handle.counters().refused, 1);
    assert_eq!(linux.why_it_rests(), None);
}

#[test]
fn a_message_before_the_version_stops_the_channel() {
    let mut linux = Linux::opened(NvspVersion::V6_1, 16);
    linux.tell(&nvsp(&[100, 6, 1]));
    let why = linux.why_it_rests().expect("it rests");
    assert!(why.contains("before a version"), "{why}");
}

#[test]
fn a_message_that_is_cut_off_stops_the_channel() {
    for message in [vec![], words(&[107, 0]), words(&[1, 0x6_0001])] {
        let mut linux = Linux::running(NvspVersion::V6_1);
        linux.tell(&message);
        let why = linux.why_it_rests().expect("it rests");
        assert!(why.contains("cut off"), "{why}");
    }
}

#[test]
fn memory_that_is_taken_back_too_early_stops_the_channel() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let gpadl = linux.receive.0;
    linux.guest.take_back(linux.channel, gpadl);
    linux.push(&frame(super::linux::MAC.bytes(), b"x"));
    let why = linux.why_it_rests().expect("it rests");
    assert!(why.contains("revoked before"), "{why}");
}

#[test]
fn a_range_that_is_not_memory_stops_the_channel() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let message = nvsp(&[107, 0, u32::MAX, 0]);
    linux
        .guest
        .write_data(linux.channel, &[(44, 0, vec![1 << 40])], &message);
    let why = linux.why_it_rests().expect("it rests");
    assert!(why.contains("not memory"), "{why}");
}

#[test]
fn a_guest_that_takes_no_answers_is_stopped() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    // It never gives pieces back.
    for number in 0..300 {
        if linux.why_it_rests().is_some() {
            assert!(number > 64, "{number}");
            return;
        }
        let message = words(&[8, 12, number]);
        let range = linux.guest.place(&message);
        linux
            .guest
            .write_data(linux.channel, &[range], &nvsp(&[107, 1, u32::MAX, 0]));
    }
    unreachable!("what waits has no bound");
}
