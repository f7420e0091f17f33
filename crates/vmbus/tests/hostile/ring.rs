//! Rings that work, as `exercise_ring` takes them.

use detente_vmbus::fake_guest::GuestPacket;
use detente_vmbus::hostile::exercise_ring;

use super::Part;

pub(crate) const PART: Part = Part {
    name: "ring",
    exercise: |bytes| {
        exercise_ring(bytes);
    },
    samples,
};

fn samples() -> Vec<Vec<u8>> {
    let direct = GuestPacket::gpa_direct(5, &[(4096, 8, vec![1, 2])], &[7; 24]);
    let many = GuestPacket::gpa_direct(6, &[(60, 4000, vec![5]), (96, 0, vec![6])], &[8; 40]);
    let packets = [
        GuestPacket::in_band(1, &[1; 64]),
        direct,
        many,
        GuestPacket::completion(2, &[]),
        GuestPacket::in_band(3, &[3; 400]),
    ];
    let mut data = Vec::new();
    for packet in &packets {
        data.extend_from_slice(&packet.to_bytes());
        data.extend_from_slice(&[0; 8]);
    }
    let end = u32::try_from(data.len()).unwrap();
    let places = [(0, end, false), (0, end, true), (8192 - 96, end - 96, true)];
    let sample = |(start, end, waits)| {
        let bytes = sample(&data, start, end, waits);
        assert_eq!(exercise_ring(&bytes), packets.len(), "it goes deep");
        bytes
    };
    places.into_iter().map(sample).collect()
}

/// Two rings of two and one pages of data, with these packets from `start` on.
fn sample(data: &[u8], start: u32, end: u32, waits: bool) -> Vec<u8> {
    let mut bytes = vec![5, 3, 1, 2, 3, 4, 5, 0, 0];
    let pending = if waits { 4096 } else { 0 };
    let words = [end, start, 0, pending, 1, 0, 0, 0, 0, 1];
    words
        .iter()
        .for_each(|word| bytes.extend_from_slice(&u32::to_le_bytes(*word)));
    let mut ring = vec![0; 8192];
    let start = usize::try_from(start).unwrap();
    for (index, byte) in data.iter().enumerate() {
        ring[(start + index) % 8192] = *byte;
    }
    bytes.extend_from_slice(&u16::to_le_bytes(8192));
    bytes.extend_from_slice(&ring);
    bytes.extend_from_slice(&steps());
    bytes
}

/// Drains, sends until the ring is full, lets the guest read, and goes on.
fn steps() -> Vec<u8> {
    let mut steps = vec![2, 0, 3];
    for number in [0, 1, 5, 130, 129] {
        steps.extend_from_slice(&[1, number, 0, 4]);
    }
    // The guest's read index of the second ring, which is the fourth page.
    steps.extend_from_slice(&[4, 3, 1, 0, 4, 0, 0]);
    steps.extend_from_slice(&[1, 4, 16, 0, 2, 0, 3]);
    // A packet of the guest lands in the middle of the data.
    steps.extend_from_slice(&[5, 1, 0, 0]);
    steps.extend_from_slice(&GuestPacket::in_band(9, &[9; 8]).to_bytes());
    steps.extend_from_slice(&[0, 3]);
    steps
}
