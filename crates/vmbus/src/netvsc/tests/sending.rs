//! Frames of the guest.

use super::linux::{Linux, frame, nvsp, packet, packet_saying, words};
use crate::netvsc::NvspVersion;

const TO: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn sent(linux: &Linux) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| linux.handle.pop_frame()).collect()
}

#[test]
fn several_frames_come_in_one_section() {
    // Linux puts up to as many as RNDIS's answer allows into one section, each padded to 8.
    let mut linux = Linux::running(NvspVersion::V6_1);
    let frames: Vec<_> = (0..8_u8)
        .map(|number| frame(TO, &vec![number; 50 + usize::from(number)]))
        .collect();
    let mut section = Vec::new();
    for frame in &frames {
        let mut message = packet(frame);
        let padded = message.len().next_multiple_of(8);
        message.resize(padded, 0);
        let len = u32::try_from(padded).unwrap();
        message[4..8].copy_from_slice(&len.to_le_bytes());
        section.extend(message);
    }
    assert_eq!(linux.send_section(0, 9, &section), 1);
    assert_eq!(sent(&linux), frames);
}

#[test]
fn a_header_in_a_section_and_its_frame_on_pages_are_one_message() {
    // Linux's partial copy.
    let mut linux = Linux::running(NvspVersion::V6_1);
    let long = frame(TO, &[0x5a; 1500]);
    let message = packet(&long);
    linux.fill_section(2, &message[..44]);
    let rest = linux.guest.place(&message[44..]);
    assert_eq!(linux.send_ranges(&nvsp(&[107, 0, 2, 44]), &[rest]), 1);
    assert_eq!(sent(&linux), [long]);
}

#[test]
fn a_frame_is_put_together_from_many_ranges_with_offsets() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let long = frame(TO, &(0..=255).cycle().take(1400).collect::<Vec<u8>>());
    let message = packet(&long);
    let mut ranges = Vec::new();
    for (piece, offset) in message.chunks(300).zip([0, 7, 4095, 3000, 1]) {
        // Each on a page of its own, that it may leave for the next.
        let pages = linux.guest.pages(2);
        let len = u32::try_from(piece.len()).unwrap();
        for (at, byte) in (offset..).zip(piece) {
            let page = pages[usize::try_from(at / 4096).unwrap()];
            linux.guest.memory().put(page * 4096 + at % 4096, &[*byte]);
        }
        let needed = usize::try_from((offset + u64::from(len)).div_ceil(4096)).unwrap();
        ranges.push((
            len,
            u32::try_from(offset).unwrap(),
            pages[..needed].to_vec(),
        ));
    }
    assert_eq!(linux.send_ranges(&nvsp(&[107, 0, u32::MAX, 0]), &ranges), 1);
    assert_eq!(sent(&linux), [long]);
}

#[test]
fn a_tag_that_is_said_is_put_into_the_frame() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let plain = frame(TO, b"tagged");
    // Type 6: priority 5, network 100.
    let said = [16, 6, 12, 5 | 100 << 4];
    assert_eq!(linux.send_section(0, 0, &packet_saying(&plain, &said)), 1);
    let tagged = [&plain[..12], &[0x81, 0x00, 0xa0, 100], &plain[12..]].concat();
    assert_eq!(sent(&linux), [tagged]);
}

#[test]
fn what_is_said_and_means_nothing_here_is_ignored() {
    // A hash (type 11 of Linux's own) and a checksum that names only the protocol.
    let mut linux = Linux::running(NvspVersion::V6_1);
    let plain = frame(TO, b"plain");
    let said = [16, 11, 12, 0xdead_beef, 16, 0, 12, 1];
    assert_eq!(linux.send_section(0, 0, &packet_saying(&plain, &said)), 1);
    assert_eq!(sent(&linux), [plain]);
}

#[test]
fn work_that_was_not_offered_is_refused_and_not_half_done() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    let plain = frame(TO, b"with a checksum to be filled in");
    // Checksums of TCP, UDP, IP; segments of 1460 bytes.
    for said in [
        [16, 0, 12, 1 | 4],
        [16, 0, 12, 1 | 8],
        [16, 0, 12, 1 | 16],
        [16, 2, 12, 1460],
    ] {
        assert_eq!(
            linux.send_section(0, 0, &packet_saying(&plain, &said)),
            5,
            "{said:?}"
        );
    }
    assert_eq!(sent(&linux), Vec::<Vec<u8>>::new());
    assert_eq!(linux.handle.counters().refused, 4);
}

#[test]
fn frames_that_nobody_takes_are_lost_in_bounds() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    for _ in 0..1030 {
        assert_eq!(linux.send_section(0, 0, &packet(&frame(TO, b"flood"))), 1);
    }
    assert_eq!(sent(&linux).len(), 1024);
    assert_eq!(linux.handle.counters().send_dropped, 6);
}

#[test]
fn frames_before_rndis_is_up_are_refused() {
    let mut linux = Linux::connected(NvspVersion::V6_1);
    assert_eq!(linux.send_section(0, 0, &packet(&frame(TO, b"early"))), 5);
    linux.initialize();
    assert_eq!(linux.send_section(0, 0, &packet(&frame(TO, b"now"))), 1);
    assert_eq!(sent(&linux), [frame(TO, b"now")]);
}

#[test]
fn control_is_not_taken_for_data_nor_data_for_control() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    assert_eq!(linux.send_pages(0, &[&words(&[8, 12, 1])]), 5);
    assert_eq!(linux.send_pages(1, &[&packet(&frame(TO, b"x"))]), 5);
    assert_eq!((sent(&linux), linux.take()), (Vec::new(), Vec::new()));
}
