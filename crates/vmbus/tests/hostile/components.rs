//! Components whose guests answer soundly, as `exercise_kvp` and `exercise_component` take them.

use detente_vmbus::hostile::{exercise_component, exercise_kvp};

use super::Part;

pub(crate) const KVP: Part = Part {
    name: "kvp",
    exercise: |bytes| {
        exercise_kvp(bytes);
    },
    samples: key_values,
};

pub(crate) const PART: Part = Part {
    name: "component",
    exercise: |bytes| {
        exercise_component(bytes);
    },
    samples: components,
};

/// The guest answers what it was asked, with these fields filled in.
fn answer(fields: &[(u16, &[u8])]) -> Vec<u8> {
    let mut step = vec![1, u8::try_from(fields.len()).unwrap()];
    for (at, field) in fields {
        step.extend_from_slice(&at.to_le_bytes());
        step.push(u8::try_from(field.len()).unwrap());
        step.extend_from_slice(field);
    }
    step
}

fn ask(what: u8) -> Vec<u8> {
    vec![3, what]
}

const STATUS: u16 = 20;
const NO_MORE_ITEMS: &[u8] = &[0x03, 0x01, 0x07, 0x80];
const KEY: &[u8] = b"k\0e\0y\0\0\0";
const VALUE: &[u8] = b"v\0a\0l\0\0\0";

fn key_values() -> Vec<Vec<u8>> {
    let sizes: &[u8] = &[1, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0];
    let record = answer(&[(36, sizes), (48, KEY), (560, VALUE)]);
    let number = answer(&[(36, &[11, 0, 0, 0, 8, 0, 0, 0, 8]), (48, KEY)]);
    let value = answer(&[(32, sizes), (556, VALUE)]);
    let end = answer(&[(STATUS, NO_MORE_ITEMS)]);
    let addresses = answer(&[
        (286, &[3, 1]),
        (288, b"1\x00.\x002\x00;\x003\0\0\0"),
        (2336, VALUE),
    ]);
    let sample = |steps: &[&[u8]], sound| {
        let mut bytes = answer(&[]);
        bytes.extend(steps.concat());
        assert_eq!(exercise_kvp(&bytes), sound, "it goes deep");
        bytes
    };
    vec![
        sample(&[&ask(0), &value, &ask(1), &answer(&[]), &ask(3), &end], 3),
        sample(
            &[&ask(4), &record, &ask(4), &number, &ask(5), &addresses],
            3,
        ),
        sample(
            &[&ask(7), &record, &record, &number, &end, &ask(2), &end],
            2,
        ),
        sample(&[&ask(6), &record, &ask(14), &end], 2),
    ]
}

fn components() -> Vec<Vec<u8>> {
    let agreed = answer(&[]);
    let beat = |next: u8| [&[2, 0xd0, 0x07][..], &answer(&[(28, &[next])])].concat();
    let tick = [&[2, 0x88, 0x13][..], &answer(&[])].concat();
    let done = [&ask(0)[..], &answer(&[]), &ask(1), &answer(&[(36, &[5])])].concat();
    let request = [0, 8, 0, 1, 0, 0, 0, 0, 0, 1, 0];
    let lights = [0, 8, 0, 4, 0, 0, 0, 7, 0, 0, 0];
    let sample = |which: u8, steps: &[&[u8]], sound| {
        let mut bytes = vec![which];
        bytes.extend(steps.concat());
        assert_eq!(exercise_component(&bytes), sound, "it goes deep");
        bytes
    };
    vec![
        sample(0, &[&agreed, &beat(2), &beat(3), &beat(4)], 3),
        sample(1, &[&agreed, &tick, &tick, &ask(0), &agreed], 3),
        sample(2, &[&agreed, &done, &ask(2), &agreed], 3),
        sample(3, &[&agreed, &done, &ask(2), &agreed], 3),
        sample(
            4,
            &[&request, &ask(0), &lights, &ask(1), &[4, 3], &ask(1)],
            3,
        ),
    ]
}
