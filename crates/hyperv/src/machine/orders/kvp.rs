//! Orders for the guest's key-value store.

use detente_machine::hyperv::{Answer, KvpRecord, KvpRequest};
use detente_vmbus::ic::Failure;
use detente_vmbus::kvp::{self, Pool, Value};

use super::{DAEMON, Outcome, Waiting, failed, not_offered, poke, until};
use crate::machine::bus::SharedBus;
use crate::machine::devices::Devices;

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
        Ok(kvp::Answer::Value(value)) => records(&[kvp::Record {
            key: String::new(),
            value,
        }]),
        Ok(kvp::Answer::Record(record)) => records(&[record]),
        Ok(kvp::Answer::Records { records: all, .. }) => records(&all),
        Ok(kvp::Answer::Ip(_)) => failed("the guest answered with addresses that nobody asked for"),
        Err(failure) => failed(failure.to_string()),
    }
}

fn records(all: &[kvp::Record]) -> Answer {
    let records = all.iter().map(|record| KvpRecord {
        key: record.key.clone(),
        value: text(&record.value),
    });
    Answer::Kvp {
        records: records.collect(),
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
