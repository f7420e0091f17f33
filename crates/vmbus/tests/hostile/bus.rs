//! Guests that do what they should, as `exercise_bus` takes them.

use detente_vmbus::fake_guest::GuestPacket;
use detente_vmbus::hostile::{BusReach, exercise_bus};

use super::Part;

pub(crate) const PART: Part = Part {
    name: "bus",
    exercise: |bytes| {
        exercise_bus(bytes);
    },
    samples,
};

fn samples() -> Vec<Vec<u8>> {
    // The newest of versions 3.0, 4.1, 5.0 and 5.3 that a bus of the given index speaks.
    let versions = [(0, 1, 0x30), (2, 1, 0x41), (3, 4, 0x50), (6, 4, 0x53)];
    let sample = |(index, connection, version)| {
        let bytes = session(index, connection, version);
        let reach = exercise_bus(&bytes);
        let deep = BusReach {
            connected: 2,
            opened: 3,
            rested: 1,
            posted: reach.posted,
        };
        assert_eq!(reach, deep, "it goes deep");
        assert!(reach.posted >= 14, "it goes deep");
        bytes
    };
    versions.into_iter().map(sample).collect()
}

/// Joins, opens, talks, closes, opens again, breaks a rule, starts anew and leaves.
fn session(index: u8, connection: u8, version: u8) -> Vec<u8> {
    let mut steps = vec![index, 1, 2];
    let post = |kind: u8, words: &[u8]| {
        let head = [1, connection, kind, u8::try_from(words.len()).unwrap()];
        [&head, words].concat()
    };
    let take = [6, 0, 1];
    let lend = |relid: u8, gpadl: u8, first: u8| {
        let head = [2, connection, relid, gpadl, 4, 0];
        let pages = (first..first + 4).rev().collect::<Vec<u8>>();
        [&head[..], &pages, &take].concat()
    };
    let join = [
        &[4, 0, 0, 4, 1, 0][..],
        &post(14, &[version, 0, 2]),
        &take,
        &post(3, &[]),
        &take.repeat(5),
    ]
    .concat();
    steps.extend_from_slice(&join);
    steps.extend_from_slice(&lend(1, 17, 4));
    steps.extend_from_slice(&post(5, &[1, 9, 17, 0, 2]));
    steps.extend_from_slice(&take);
    steps.extend_from_slice(&lend(1, 18, 12));
    let packets = [
        GuestPacket::in_band(18, &[1; 40]),
        GuestPacket::gpa_direct(19, &[(5000, 8, vec![20, 21])], &[2; 16]),
    ];
    steps.extend_from_slice(&write(&packets, 7, 6));
    steps.extend_from_slice(&[3, 1, 0, 8, 120, 9, 0]);
    // It moves to the other processor, is closed, and its rings are taken back.
    steps.extend_from_slice(&post(22, &[1, 1]));
    steps.extend_from_slice(&post(7, &[1]));
    steps.extend_from_slice(&post(11, &[1, 17]));
    steps.extend_from_slice(&take.repeat(3));
    // The other one is opened and breaks.
    steps.extend_from_slice(&lend(2, 19, 24));
    steps.extend_from_slice(&post(5, &[2, 9, 19, 1, 2]));
    steps.extend_from_slice(&take);
    steps.extend_from_slice(&write(&[GuestPacket::in_band(1, b"fail now")], 27, 26));
    steps.extend_from_slice(&[3, 2, 0, 11]);
    steps.extend_from_slice(&take);
    steps.extend_from_slice(&join);
    steps.extend_from_slice(&lend(3, 20, 30));
    steps.extend_from_slice(&post(5, &[3, 9, 20, 0, 2]));
    steps.extend_from_slice(&take);
    steps.extend_from_slice(&[10, 2]);
    steps.extend_from_slice(&take);
    steps.extend_from_slice(&post(13, &[3]));
    steps.extend_from_slice(&post(16, &[]));
    steps
}

/// Writes packets to the start of the ring whose control page and first data page these are.
fn write(packets: &[GuestPacket], control: u8, data: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        bytes.extend_from_slice(&packet.to_bytes());
        bytes.extend_from_slice(&[0; 8]);
    }
    let len = u8::try_from(bytes.len()).unwrap();
    let mut steps = vec![5, data, len, 0, 0];
    steps.extend_from_slice(&bytes);
    steps.extend_from_slice(&[5, control, 4, 0, 0, len, 0, 0, 0]);
    steps
}
