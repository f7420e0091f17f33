//! Requests that succeed, as `exercise_storvsc` takes them.

use detente_vmbus::hostile::exercise_storvsc;

use super::Part;

pub(crate) const PART: Part = Part {
    name: "storvsc",
    exercise: |bytes| {
        exercise_storvsc(bytes);
    },
    samples,
};

/// In-band, or with one range.
const IN_BAND: u8 = 0;
const ONE_RANGE: u8 = 2;

/// A command, which way its data goes, and how much of it there is.
type Request = (&'static [u8], u8, u32);

const QUESTIONS: &[Request] = &[
    (&[0, 0, 0, 0, 0, 0], 2, 0),
    (&[0x12, 0, 0, 0, 96, 0], 1, 96),
    (&[0x12, 1, 0, 0, 255, 0], 1, 255),
    (&[0x12, 1, 0x83, 0, 255, 0], 1, 255),
    (&[0x12, 1, 0xb0, 0, 255, 0], 1, 255),
    (&[0xa0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0], 1, 512),
    (&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1, 8),
    (
        &[0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0],
        1,
        32,
    ),
    (&[0x1a, 0, 0x3f, 0, 192, 0], 1, 192),
    (&[0x5a, 0, 0x08, 0, 0, 0, 0, 0, 64, 0], 1, 64),
    (&[3, 0, 0, 0, 18, 0], 1, 18),
];

const TRANSFERS: &[Request] = &[
    (&[0x08, 0, 0, 3, 2, 0], 1, 1024),
    (&[0x28, 0, 0, 0, 0, 3, 0, 0, 8, 0], 1, 4096),
    (&[0x2a, 0x08, 0, 0, 0, 1, 0, 0, 8, 0], 0, 4096),
    (&[0xa8, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0], 1, 512),
    (&[0xaa, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0], 0, 512),
    (&[0x88, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0], 1, 512),
    (&[0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0], 0, 512),
    (&[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], 2, 0),
    (&[0x41, 0x08, 0, 0, 0, 5, 0, 0, 9, 0], 0, 512),
    (
        &[0x93, 0x09, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 9, 0, 0],
        2,
        0,
    ),
    // Its list is whatever the guest's memory holds.
    (&[0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], 0, 24),
    (&[0x1b, 0, 0, 0, 0, 0], 2, 0),
];

fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for requests in [QUESTIONS, TRANSFERS] {
        let mut bytes = vec![0];
        for request in requests {
            bytes.extend(step(*request, 0));
        }
        assert_eq!(exercise_storvsc(&bytes), requests.len(), "all succeed");
        samples.push(bytes);
    }
    // The owner removes, adds, resizes and announces meanwhile; one disk always fails.
    let mut bytes = vec![0];
    for (request, owner) in TRANSFERS
        .iter()
        .zip([0x10, 0x20, 0x30, 0x40].iter().cycle())
    {
        bytes.extend(step(*request, *owner));
    }
    samples.push(bytes);
    samples
}

fn step((cdb, direction, len): Request, owner: u8) -> Vec<u8> {
    let kind = if len == 0 { IN_BAND } else { ONE_RANGE };
    let mut packet = vec![0; 64];
    packet[20] = u8::try_from(cdb.len()).unwrap();
    packet[22] = direction;
    packet[24..28].copy_from_slice(&len.to_le_bytes());
    packet[28..28 + cdb.len()].copy_from_slice(cdb);
    // Length, offset, first page, and how far the next one is.
    let [a, b, c, _] = len.to_le_bytes();
    let ranges = [a, b, c, 100, 0, 3, 2, 0, 16, 0, 0, 0, 0, 60, 1, 0];
    [&[kind, owner][..], &packet, &ranges].concat()
}
