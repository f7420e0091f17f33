//! Get, set, delete, enumerate.

use super::super::{Answer, LIST_LIMIT, Pool, Record, Value, new};
use super::{LIMIT, Pools, VERSIONS, ask, pools, put_text, rig, text_at};
use crate::device::Device;
use crate::ic::Failure;
use crate::ic::linux::{Linux, poke};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn record(key: &str, value: &str) -> Record {
    Record {
        key: key.to_owned(),
        value: text(value),
    }
}

#[test]
fn a_key_is_read() {
    let pools = pools(2, &[("OSVersion", "6.1"), ("OSName", "Débian 🐧")]);
    let answer = ask(&pools, |kvp, until| kvp.get(Pool::Auto, "OSName", until));
    assert_eq!(answer, Ok(Answer::Value(text("Débian 🐧"))));
}

#[test]
fn linuxs_get_says_only_that_a_key_is_there() {
    let pools = pools(2, &[("OSName", "Linux")]);
    let answer = ask(&pools, |kvp, until| {
        kvp.get_directly(Pool::Auto, "OSName", until)
    });
    assert_eq!(answer, Ok(Answer::Value(text(""))));
}

#[test]
fn a_guest_that_fills_in_what_is_got_is_believed() {
    let (mut rig, handle) = rig();
    let pending = handle.get_directly(Pool::Auto, "OSName", rig.now() + LIMIT);
    let mut other = Linux::new(2, VERSIONS, |_, bytes| {
        assert_eq!(text_at(bytes, 44, 512), "OSName");
        poke(bytes, 32, &[1, 0, 0, 0]);
        put_text(bytes, 40, 556, "BSD");
    });
    rig.turn(&mut other);
    assert_eq!(pending.take(), Some(Ok(Answer::Value(text("BSD")))));
}

#[test]
fn a_key_that_is_not_there_is_said_so() {
    let pools = Pools::default();
    let answer = ask(&pools, |kvp, until| {
        kvp.get_directly(Pool::Guest, "none", until)
    });
    assert_eq!(answer, Ok(Answer::NotThere));
    let answer = ask(&pools, |kvp, until| kvp.get(Pool::Guest, "none", until));
    assert_eq!(answer, Ok(Answer::NotThere));
}

#[test]
fn each_pool_has_its_number() {
    let all = [
        Pool::External,
        Pool::Guest,
        Pool::Auto,
        Pool::AutoExternal,
        Pool::AutoInternal,
    ];
    for (number, pool) in (0..).zip(all) {
        let pools = pools(number, &[("key", "value")]);
        let answer = ask(&pools, |kvp, until| kvp.at(pool, 0, until));
        assert_eq!(answer, Ok(Answer::Record(record("key", "value"))));
    }
}

#[test]
fn what_is_set_is_there_and_what_is_deleted_is_not() {
    let pools = Pools::default();
    let values = [
        (text("naïve"), "naïve"),
        (Value::U32(u32::MAX), "4294967295"),
        (Value::U64(u64::MAX), "18446744073709551615"),
    ];
    for (value, kept) in values {
        let answer = ask(&pools, |kvp, until| {
            kvp.set(Pool::External, "key", &value, until)
        });
        assert_eq!(answer, Ok(Answer::Done));
        let answer = ask(&pools, |kvp, until| kvp.get(Pool::External, "key", until));
        assert_eq!(answer, Ok(Answer::Value(text(kept))));
    }
    let delete = || {
        ask(&pools, |kvp, until| {
            kvp.delete(Pool::External, "key", until)
        })
    };
    assert_eq!(delete(), Ok(Answer::Done));
    assert_eq!(delete(), Ok(Answer::NotThere));
}

#[test]
fn a_pool_is_listed_in_its_order() {
    let pools = pools(2, &[("b", "1"), ("a", "2"), ("c", "")]);
    let answer = ask(&pools, |kvp, until| kvp.list(Pool::Auto, until));
    let records = vec![record("b", "1"), record("a", "2"), record("c", "")];
    let more = false;
    assert_eq!(answer, Ok(Answer::Records { records, more }));
}

#[test]
fn an_empty_pool_is_an_empty_list() {
    let answer = ask(&Pools::default(), |kvp, until| kvp.list(Pool::Guest, until));
    let (records, more) = (Vec::new(), false);
    assert_eq!(answer, Ok(Answer::Records { records, more }));
}

#[test]
fn a_pool_without_end_is_cut() {
    let pools = pools(1, &[("k", "v"); 600]);
    let answer = ask(&pools, |kvp, until| kvp.list(Pool::Guest, until));
    let Ok(Answer::Records { records, more }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!((records.len(), more), (LIST_LIMIT, true));
    let answer = ask(&pools, |kvp, until| kvp.get(Pool::Guest, "x", until));
    assert!(matches!(answer, Err(Failure::Malformed { .. })));
}

#[test]
fn the_longest_key_and_value_fit() {
    let (key, value) = ("k".repeat(255), "v".repeat(1023));
    let pools = Pools::default();
    let answer = ask(&pools, |kvp, until| {
        kvp.set(Pool::External, &key, &text(&value), until)
    });
    assert_eq!(answer, Ok(Answer::Done));
    let answer = ask(&pools, |kvp, until| kvp.at(Pool::External, 0, until));
    assert_eq!(answer, Ok(Answer::Record(record(&key, &value))));
}

fn check_unsayable(key: &str, value: &Value, part: &str) {
    let (rig, handle) = rig();
    let pending = handle.set(Pool::External, key, value, rig.now());
    match pending.take() {
        Some(Err(Failure::Unsayable { rule })) => assert!(rule.contains(part), "{rule}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_key_is_not_sent() {
    check_unsayable("", &text("v"), "the key is empty");
}

#[test]
fn a_key_without_room_for_its_zero_is_not_sent() {
    check_unsayable(
        &"k".repeat(256),
        &text("v"),
        "the key of 514 bytes, where 512 fit",
    );
}

#[test]
fn a_value_without_room_for_its_zero_is_not_sent() {
    let value = text(&"v".repeat(1024));
    check_unsayable("k", &value, "the value of 2050 bytes, where 2048 fit");
}

#[test]
fn a_zero_in_a_key_is_not_sent() {
    check_unsayable("a\0b", &text("v"), "the key has a zero in it");
}

#[test]
fn an_unknown_type_is_not_sent() {
    let value = Value::Unknown {
        kind: 3,
        bytes: vec![1],
    };
    check_unsayable("k", &value, "type 3 cannot be sent");
}

#[test]
fn a_request_is_as_long_as_its_longest_answer() {
    let (mut rig, handle) = rig();
    rig.turn(&mut super::linux(&Pools::default()));
    let until = rig.now() + LIMIT;
    let _pending = handle.delete(Pool::Guest, "key", until);
    let (_, bytes) = rig.asked().remove(0);
    assert_eq!(bytes.len(), 28 + 4 + 4 + 12 + 512 + 2048);
    assert_eq!(
        bytes[28..46],
        [
            2, 1, 0, 0, 8, 0, 0, 0, b'k', 0, b'e', 0, b'y', 0, 0, 0, 0, 0
        ]
    );
}

#[test]
fn the_offer_is_data_exchanges() {
    let offer = new().0.offer();
    // As `lsvmbus` prints them on Hyper-V.
    assert_eq!(
        offer.class.to_string(),
        "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6"
    );
    assert_eq!(
        offer.instance.to_string(),
        "242ff919-07db-4180-9c2e-b86cb68c8c55"
    );
}
