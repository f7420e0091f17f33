//! A sound answer to *enumerate* with one field spoiled.

use super::super::{Answer, Pool, Record, Value};
use super::{LIMIT, VERSIONS, put_text, rig};
use crate::ic::Failure;
use crate::ic::linux::{Linux, poke};

const KIND: usize = 36;
const KEY_SIZE: usize = 40;
const VALUE_SIZE: usize = 44;
const KEY: usize = 48;
const VALUE: usize = 560;

fn answer(change: impl Fn(&mut [u8]) + 'static) -> Result<Answer, Failure> {
    let (mut rig, handle) = rig();
    let pending = handle.at(Pool::Guest, 0, rig.now() + LIMIT);
    rig.turn(&mut Linux::new(2, VERSIONS, move |_, bytes| {
        poke(bytes, KIND, &[1, 0, 0, 0]);
        put_text(bytes, KEY_SIZE, KEY, "key");
        put_text(bytes, VALUE_SIZE, VALUE, "value");
        change(bytes);
    }));
    // Whatever the answer was, the channel goes on.
    let next = handle.at(Pool::Guest, 0, rig.now() + LIMIT);
    assert_eq!(rig.asked().len(), 1);
    assert_eq!(next.take(), None);
    pending.take().expect("the guest answered")
}

fn check(change: impl Fn(&mut [u8]) + 'static, wanted: &str) {
    match answer(change) {
        Err(Failure::Malformed { rule }) => assert_eq!(rule, wanted),
        other => panic!("{other:?}"),
    }
}

fn check_value(change: impl Fn(&mut [u8]) + 'static, value: Value) {
    let key = "key".to_owned();
    assert_eq!(answer(change), Ok(Answer::Record(Record { key, value })));
}

#[test]
fn nothing_spoiled_is_a_record() {
    check_value(|_| {}, Value::Text("value".to_owned()));
}

#[test]
fn a_key_longer_than_its_place() {
    check(
        |bytes| poke(bytes, KEY_SIZE, &[2, 2, 0, 0]),
        "the key of 514 bytes, where 512 fit",
    );
}

#[test]
fn a_key_longer_than_anything() {
    check(
        |bytes| poke(bytes, KEY_SIZE, &[0xff; 4]),
        "the key of 4294967295 bytes, where 512 fit",
    );
}

#[test]
fn a_value_longer_than_its_place() {
    check(
        |bytes| poke(bytes, VALUE_SIZE, &[2, 8, 0, 0]),
        "the value of 2050 bytes, where 2048 fit",
    );
}

#[test]
fn half_a_unit() {
    check(
        |bytes| poke(bytes, KEY_SIZE, &[7, 0, 0, 0]),
        "the key of 7 bytes is not made of UTF-16 units",
    );
}

#[test]
fn a_lone_surrogate() {
    check(
        |bytes| poke(bytes, VALUE, &[0, 0xd8]),
        "the value is not UTF-16",
    );
}

#[test]
fn a_key_of_no_bytes() {
    check(|bytes| poke(bytes, KEY_SIZE, &[0; 4]), "the key is empty");
}

#[test]
fn a_key_of_a_zero_alone() {
    check(|bytes| poke(bytes, KEY, &[0, 0]), "the key is empty");
}

#[test]
fn a_body_that_ends_in_the_value() {
    check(
        |bytes| poke(bytes, 18, &543_u16.to_le_bytes()),
        "the message is shorter than its fields",
    );
}

#[test]
fn a_body_that_ends_in_the_key() {
    check(
        |bytes| poke(bytes, 18, &24_u16.to_le_bytes()),
        "the message is shorter than its fields",
    );
}

#[test]
fn a_body_of_nothing() {
    check(
        |bytes| poke(bytes, 18, &[0, 0]),
        "the message is shorter than its fields",
    );
}

#[test]
fn a_short_number() {
    check(
        |bytes| poke(bytes, KIND, &[4, 0, 0, 0]),
        "a number of 12 bytes, where its type has 4",
    );
}

#[test]
fn a_short_long_number() {
    check(
        |bytes| poke(bytes, KIND, &[11, 0, 0, 0]),
        "a number of 12 bytes, where its type has 8",
    );
}

#[test]
fn numbers_of_both_systems() {
    let number = |kind: u8, size: u8| {
        move |bytes: &mut [u8]| {
            poke(bytes, KIND, &[kind, 0, 0, 0]);
            poke(bytes, VALUE_SIZE, &[size, 0, 0, 0]);
            poke(bytes, VALUE, &[1, 2, 3, 4, 5, 6, 7, 8]);
        }
    };
    check_value(number(4, 4), Value::U32(0x0403_0201));
    check_value(number(8, 8), Value::U64(0x0807_0605_0403_0201));
    check_value(number(11, 8), Value::U64(0x0807_0605_0403_0201));
}

#[test]
fn an_unknown_type_keeps_its_number_and_bytes() {
    let change = |bytes: &mut [u8]| {
        poke(bytes, KIND, &[3, 0, 0, 0]);
        poke(bytes, VALUE_SIZE, &[3, 0, 0, 0]);
    };
    let bytes = vec![b'v', 0, b'a'];
    check_value(change, Value::Unknown { kind: 3, bytes });
}

#[test]
fn a_text_ends_at_its_zero() {
    check_value(
        |bytes| poke(bytes, VALUE + 4, &[0, 0]),
        Value::Text("va".to_owned()),
    );
}

#[test]
fn a_text_without_a_zero_ends_with_its_size() {
    check_value(
        |bytes| poke(bytes, VALUE_SIZE, &[6, 0, 0, 0]),
        Value::Text("val".to_owned()),
    );
}

#[test]
fn any_other_status_is_a_refusal() {
    let status = 0x8007_0032;
    assert_eq!(
        answer(move |bytes| poke(bytes, 20, &u32::to_le_bytes(status))),
        Err(Failure::Refused { status })
    );
}
