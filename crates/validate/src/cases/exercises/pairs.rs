//! KVP-02: a value is changed, a key is deleted, and a missing key is asked for.

use std::time::Duration;

use detente_host::HostError;
use detente_machine::hyperv::{Answer, Command, KvpRequest};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, PairChanged, PairSeen};
use detente_plan::protocol::{Observation, Task};

use crate::cases::plugging::operating::{Step, ask, found};
use crate::cases::services::{Refusal, service};
use crate::cases::{Context, Found, no_answer};
use crate::session::Session;

/// The pool that the host writes to, and keys of our own.
const POOL: u8 = 0;
const KEY: &str = "detente.changed";
const NEVER_SET: &str = "detente.never-set";

/// Sets, changes and deletes a key.
pub(crate) fn pairs(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Kvp02);
    let mut seen = PairChanged {
        first: format!("{:016x}", context.seed),
        second: format!("{:016x}", context.seed.rotate_left(17)),
        ..PairChanged::default()
    };
    let mut talk = |session: &mut Session| -> Step<Finding> {
        let (first, second) = (seen.first.clone(), seen.second.clone());
        let set = |value: String| KvpRequest::Set {
            pool: POOL,
            key: KEY.to_owned(),
            value,
        };
        let delete = KvpRequest::Delete {
            pool: POOL,
            key: KEY.to_owned(),
        };
        for (request, step) in [(set(first), 0), (set(second), 1), (delete, 2)] {
            if let Err(why) = tell(session, request, limit)? {
                seen.refused = Some(why);
                return Ok(judge::kvp02(&seen));
            }
            let after = PairSeen {
                told: told(session, KEY, limit)?,
                in_file: in_file(session, limit)?,
            };
            match step {
                0 => seen.set = after,
                1 => seen.changed = after,
                _ => seen.deleted = after,
            }
        }
        seen.never_set = told(session, NEVER_SET, limit)?;
        Ok(judge::kvp02(&seen))
    };
    found(talk(session))
}

/// Has the guest's daemon do something; its words, if it does not.
fn tell(session: &mut Session, request: KvpRequest, limit: Duration) -> Step<Result<(), String>> {
    match service(session, Command::Kvp { request }, limit)? {
        Ok(_) => Ok(Ok(())),
        Err(Refusal::Said(why)) => Ok(Err(why)),
        Err(Refusal::Lost(nothing)) => Err(no_answer(nothing).into()),
    }
}

/// The value of a key, if the daemon gives one.
fn told(session: &mut Session, key: &str, limit: Duration) -> Step<Option<String>> {
    let request = KvpRequest::Get {
        pool: POOL,
        key: key.to_owned(),
    };
    match service(session, Command::Kvp { request }, limit)? {
        Ok(Answer::Kvp { records, .. }) => {
            Ok(records.into_iter().next().map(|record| record.value))
        }
        Ok(Answer::Done | Answer::Failed { .. } | Answer::Status { .. })
        | Err(Refusal::Said(_)) => Ok(None),
        Err(Refusal::Lost(nothing)) => Err(no_answer(nothing).into()),
    }
}

/// The value in the guest's file.
fn in_file(session: &mut Session, limit: Duration) -> Step<Option<String>> {
    let task = Task::ReadKeyValues {
        pool: POOL,
        key: KEY.to_owned(),
    };
    ask(session, task, limit, |seen| match seen {
        Observation::KeyValues(seen) => Some(seen.value),
        _ => None,
    })
}
