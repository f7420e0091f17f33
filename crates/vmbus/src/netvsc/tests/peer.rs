//! A ping through the adapter, as in the trial: a peer behind the handle answers ARP and ICMP.

use super::linux::{Linux, MAC, packet};
use crate::netvsc::{Handle, NvspVersion};

const PEER_MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
const PEER: [u8; 4] = [10, 0, 2, 2];
const GUEST: [u8; 4] = [10, 0, 2, 15];

/// Answers what the guest has sent. How many frames it did not understand.
fn answer(handle: &Handle) -> usize {
    let mut unknown = 0;
    while let Some(frame) = handle.pop_frame() {
        let reply = match (&frame[12..14], frame.get(20..22)) {
            ([0x08, 0x06], Some([0, 1])) if frame[38..42] == PEER => Some(arp_reply(&frame)),
            ([0x08, 0x00], _) if frame[23] == 1 && frame[34] == 8 => Some(echo_reply(&frame)),
            _ => None,
        };
        match reply {
            Some(reply) => handle.push_frame(reply).unwrap(),
            None => unknown += 1,
        }
    }
    unknown
}

fn arp_request() -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, 1];
    let (sender, target) = (
        [MAC.bytes().as_slice(), &GUEST].concat(),
        [[0; 6].as_slice(), &PEER].concat(),
    );
    [
        &[0xff; 6],
        MAC.bytes().as_slice(),
        &[8, 6],
        &head,
        &sender,
        &target,
    ]
    .concat()
}

fn arp_reply(request: &[u8]) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, 2];
    let asker = &request[22..32];
    [
        &request[6..12],
        &PEER_MAC,
        &[8, 6],
        &head,
        &PEER_MAC,
        &PEER,
        asker,
    ]
    .concat()
}

fn echo_request(sequence: u8) -> Vec<u8> {
    let mut icmp = vec![8, 0, 0, 0, 0x12, 0x34, 0, sequence];
    icmp.extend((0..56).map(|byte| byte ^ sequence));
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum);
    let mut ip = vec![0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0];
    ip.extend(GUEST);
    ip.extend(PEER);
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum);
    [PEER_MAC.as_slice(), &MAC.bytes(), &[8, 0], &ip, &icmp].concat()
}

fn echo_reply(request: &[u8]) -> Vec<u8> {
    assert_eq!(
        checksum(&request[14..34]),
        [0, 0],
        "the guest's IP checksum"
    );
    assert_eq!(
        checksum(&request[34..]),
        [0, 0],
        "the guest's ICMP checksum"
    );
    let mut reply = [&request[6..12], &request[..6], &request[12..]].concat();
    let (from, to) = (request[26..30].to_vec(), request[30..34].to_vec());
    reply[26..30].copy_from_slice(&to);
    reply[30..34].copy_from_slice(&from);
    reply[34] = 0;
    reply[36..38].fill(0);
    let sum = checksum(&reply[34..]);
    reply[36..38].copy_from_slice(&sum);
    reply
}

/// The Internet's checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}

#[test]
fn a_guest_pings_a_peer_with_each_version() {
    for version in [
        NvspVersion::V1,
        NvspVersion::V2,
        NvspVersion::V4,
        NvspVersion::V5,
        NvspVersion::V6,
        NvspVersion::V6_1,
    ] {
        let mut linux = Linux::running(version);
        // A short frame goes by the send buffer.
        assert_eq!(linux.send_section(0, 3, &packet(&arp_request())), 1);
        assert_eq!(answer(&linux.handle), 0);
        linux.guest.poke(linux.id);
        assert_eq!(linux.frames(), [arp_reply(&arp_request())]);
        for sequence in 1..=3 {
            // A frame by its pages, its header on one and the rest on another.
            let message = packet(&echo_request(sequence));
            let (head, rest) = message.split_at(44);
            assert_eq!(linux.send_pages(0, &[head, rest]), 1);
            assert_eq!(answer(&linux.handle), 0);
            linux.guest.poke(linux.id);
            let [reply] = linux.frames().try_into().unwrap();
            assert_eq!(checksum(&reply[34..]), [0, 0]);
            assert_eq!(reply[38..], echo_request(sequence)[38..]);
        }
        assert_eq!(linux.why_it_rests(), None, "{version}");
        let counters = linux.handle.counters();
        assert_eq!((counters.sent, counters.received), (4, 4));
        assert_eq!(
            (
                counters.send_dropped,
                counters.receive_dropped,
                counters.refused
            ),
            (0, 0, 0)
        );
    }
}
