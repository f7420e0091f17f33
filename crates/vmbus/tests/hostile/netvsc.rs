//! What a driver does, as `exercise_netvsc` takes it.

use detente_vmbus::hostile::exercise_netvsc;

use super::Part;

pub(crate) const PART: Part = Part {
    name: "netvsc",
    exercise: |bytes| {
        exercise_netvsc(bytes);
    },
    samples,
};

/// How far the guest comes before the steps: buffers, RNDIS, an interface that is up.
const BUFFERS: u8 = 3;
const RUNNING: u8 = 5;

// Kinds of steps.
const NVSP: u8 = 0;
const CONTROL: u8 = 2;
const FRAME: u8 = 4;
const SECTION: u8 = 5;
const COMPLETION: u8 = 6;
const PUSH: u8 = 7;
const LINK: u8 = 8;
const ROOM: u8 = 9;

fn samples() -> Vec<Vec<u8>> {
    let mut samples = vec![init(), queries(), traffic(), scarcity()];
    // Each with the guest that has come further.
    let further: Vec<_> = samples.iter().map(|sample| with(RUNNING, sample)).collect();
    samples.extend(further);
    samples
}

fn with(stages: u8, sample: &[u8]) -> Vec<u8> {
    [&[stages], &sample[1..]].concat()
}

/// A number below 200 is itself; any other is 240 and four bytes.
fn number(value: u32) -> Vec<u8> {
    match u8::try_from(value) {
        Ok(value @ 0..200) => vec![value],
        _ => [&[240][..], &value.to_le_bytes()].concat(),
    }
}

fn numbers(kind: u8, count: usize, values: &[u32]) -> Vec<u8> {
    let mut step = vec![kind];
    for index in 0..count {
        step.extend(number(values.get(index).copied().unwrap_or(0)));
    }
    step
}

fn nvsp(message: &[u32]) -> Vec<u8> {
    numbers(NVSP, 10, message)
}

/// An RNDIS message of control: 12 words, all of them named.
fn control(message: &[u32]) -> Vec<u8> {
    let len = u8::try_from(message.len() * 4).unwrap();
    [numbers(CONTROL, 12, message), vec![len, 1]].concat()
}

fn init() -> Vec<u8> {
    let steps = [
        vec![0],
        nvsp(&[1, 0x9_0000, 0x9_0000]),
        nvsp(&[1, 0x6_0001, 0x6_0001]),
        nvsp(&[125, 1514, 0, 8]),
        nvsp(&[100, 6, 30]),
        nvsp(&[101, 1, 0xcafe]),
        nvsp(&[104, 2]),
        nvsp(&[133, 1, 3]),
        nvsp(&[129]),
        nvsp(&[103, 0xcafe]),
        nvsp(&[106]),
        nvsp(&[101, 1, 0xcafe]),
    ];
    let bytes = steps.concat();
    // All but the NDIS messages, which this guest has completed too.
    assert_eq!(exercise_netvsc(&bytes), 11, "all are completed");
    bytes
}

fn queries() -> Vec<u8> {
    let steps = [
        vec![BUFFERS],
        control(&[2, 24, 1, 1, 0, 0x4000]),
        control(&[4, 28, 2, 0x0001_0106, 0, 20, 0]),
        control(&[4, 28, 3, 0x0101_0101, 0, 20, 0]),
        control(&[4, 44, 4, 0xfc01_020d, 16, 20, 0, 0x0010_03a7, 0, 0, 0]),
        control(&[4, 44, 5, 0x0001_0203, 16, 20, 0, 0x0010_0288, 0, 0, 0]),
        control(&[5, 32, 6, 0x0001_010e, 4, 20, 0, 0xd]),
        control(&[8, 12, 7]),
        control(&[6, 12, 0]),
        control(&[3, 12, 8]),
    ];
    let bytes = steps.concat();
    // Three from before; each is completed, and each but the last is answered.
    assert_eq!(exercise_netvsc(&bytes), 3 + 9 + 8, "all are answered");
    bytes
}

fn traffic() -> Vec<u8> {
    let mut bytes = vec![RUNNING];
    for round in 0..20 {
        // A frame of the guest, by its pages; one in the send buffer; one for it; a completion.
        bytes.extend([FRAME, 8, 0]);
        bytes.push(SECTION);
        bytes.extend([number(round % 5), number(64)].concat());
        let mut message = vec![0; 64];
        for (at, value) in [(0, 1_u8), (4, 64), (8, 36), (12, 20)] {
            message[at] = value;
        }
        bytes.extend(message);
        bytes.push(0);
        bytes.extend([PUSH, 9, 0x5a]);
        bytes.extend([COMPLETION, 1]);
    }
    // What comes first is five completions and two answers.
    assert_eq!(exercise_netvsc(&bytes), 7 + 20 * 3, "all frames arrive");
    bytes
}

/// No room in the ring, no pieces, a cable that goes in and out.
fn scarcity() -> Vec<u8> {
    let mut bytes = vec![RUNNING];
    for round in 0..60_u8 {
        bytes.extend([PUSH, 20, round]);
        bytes.extend([LINK, round / 3]);
        bytes.extend([ROOM, round % 5]);
        bytes.extend(control(&[8, 12, u32::from(round)]));
    }
    bytes
}
