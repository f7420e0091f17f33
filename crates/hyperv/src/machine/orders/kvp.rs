//! Orders for the guest's key-value store.

use detente_machine::hyperv::{Answer, FRAME_LIMIT_BYTES, KvpRecord, KvpRequest};
use detente_vmbus::ic::Failure;
use detente_vmbus::kvp::{self, Pool, Value};

use super::{DAEMON, Outcome, Waiting, failed, not_offered, poke, until};
use crate::machine::bus::SharedBus;
use crate::machine::devices::Devices;

/// What the records of an answer may take; the rest of a frame is for what is around them.
const RECORDS_BYTES: usize = FRAME_LIMIT_BYTES - 4096;

/// Asks the guest.
pub(super) fn ask(request: &KvpRequest, devices: &Devices, bus: &SharedBus) -> Outcome {
    let Some(at) = &devices.kvp else {
        return not_offered("the key-value service");
    };
    let (KvpRequest::Get { pool: number, .. }
    | KvpRequest::Set { pool: number, .. }
    | KvpRequest::Delete { pool: number, .. }
    | KvpRequest::Enumerate { pool: number }) = request;
    let Some(pool) = pool(*number) else {
        return Outcome::Now(failed(format!("there is no pool {number}")));
    };
    let until = until(bus, DAEMON);
    let pending = match request {
        KvpRequest::Get { key, .. } => at.handle.get(pool, key, until),
        KvpRequest::Set { key, value, .. } => {
            at.handle.set(pool, key, &Value::Text(value.clone()), until)
        }
        KvpRequest::Delete { key, .. } => at.handle.delete(pool, key, until),
        KvpRequest::Enumerate { .. } => at.handle.list(pool, until),
    };
    poke(at, bus);
    Outcome::Later(Waiting::Kvp(pending))
}

fn pool(number: u8) -> Option<Pool> {
    Some(match number {
        0 => Pool::External,
        1 => Pool::Guest,
        2 => Pool::Auto,
        3 => Pool::AutoExternal,
        4 => Pool::AutoInternal,
        _ => return None,
    })
}

/// What the guest said.
pub(super) fn answer(result: Result<kvp::Answer, Failure>) -> Answer {
    match result {
        Ok(kvp::Answer::Done) => Answer::Done,
        Ok(kvp::Answer::NotThere) => failed("the guest has no such key"),
        Ok(kvp::Answer::Value(value)) => {
            let key = String::new();
            records(&[kvp::Record { key, value }], false)
        }
        Ok(kvp::Answer::Record(record)) => records(&[record], false),
        Ok(kvp::Answer::Records { records: all, more }) => records(&all, more),
        Ok(kvp::Answer::Ip(_)) => failed("the guest answered with addresses that nobody asked for"),
        Err(failure) => failed(failure.to_string()),
    }
}

/// The records, or as many of them as a message holds.
fn records(all: &[kvp::Record], more: bool) -> Answer {
    let mut room = RECORDS_BYTES;
    let fitting = all.iter().map_while(|record| {
        let record = KvpRecord {
            key: record.key.clone(),
            value: text(&record.value),
        };
        // As JSON, where a guest's character may become six.
        let written = serde_json::to_vec(&record).ok()?;
        room = room.checked_sub(written.len().saturating_add(1))?;
        Some(record)
    });
    let records: Vec<KvpRecord> = fitting.collect();
    Answer::Kvp {
        more: more || records.len() < all.len(),
        records,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::Unknown { kind, bytes } => format!("{} bytes of type {kind}", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use detente_machine::hyperv::{Event, Kind, encode_json};

    use super::*;

    /// A pool of so many records, each as long as they are, of control characters.
    fn answered(count: usize, more: bool) -> (usize, bool) {
        let record = kvp::Record {
            key: "\u{1}".repeat(255),
            value: Value::Text("\u{1}".repeat(1023)),
        };
        let records = vec![record; count];
        let answer = answer(Ok(kvp::Answer::Records { records, more }));
        let event = Event::Answered {
            id: u64::MAX,
            answer: answer.clone(),
        };
        assert!(encode_json(Kind::Control, &event).is_ok(), "it can be sent");
        match answer {
            Answer::Kvp { records, more } => (records.len(), more),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pool_is_told_as_far_as_a_message_holds_it() {
        assert_eq!(answered(3, false), (3, false));
        assert_eq!(answered(3, true), (3, true));
        // Six bytes for each of 1278 characters, and some 25 around them, in 1 MiB less 4 KiB.
        assert_eq!(answered(kvp::LIST_LIMIT, false), (135, true));
    }
}
