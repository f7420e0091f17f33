//! KVP-01: the guest's daemon keeps a value for the host, and gives it back.

use std::time::Duration;

use detente_host::HostError;
use detente_machine::hyperv::{Answer, Command, KvpRecord, KvpRequest};
use detente_plan::CaseId;
use detente_plan::judge::{self, Exchange};
use detente_plan::protocol::{Observation, Task};

use super::asking::{Refusal, service};
use crate::cases::{Context, Found, observe, wrong_answer};
use crate::session::{NoAnswer, Session};

/// The pool that the host writes to, and the key.
const POOL: u8 = 0;
const KEY: &str = "detente.nonce";

/// The pool in which the guest's daemon tells of the guest.
const GUESTS_OWN: u8 = 2;

/// Has the guest's daemon keep a value, looks for it in its files, and asks for it back.
pub(crate) fn key_values(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Kvp01);
    let wanted = format!("{:016x}", context.seed);
    let key = || KEY.to_owned();
    let look = |session: &mut Session| {
        let task = Task::ReadKeyValues {
            pool: POOL,
            key: key(),
        };
        observe(session, task, limit)
    };
    let before = match look(session)? {
        Ok(Observation::KeyValues(seen)) => seen,
        Ok(_) => return Ok(Ok(wrong_answer())),
        Err(nothing) => return Ok(Err(nothing)),
    };
    let mut seen = Exchange {
        guest: before,
        wanted: wanted.clone(),
        returned: None,
        told: Vec::new(),
        kernel_release: session
            .agent
            .as_ref()
            .map(|agent| agent.kernel_release.clone())
            .unwrap_or_default(),
        refused: None,
    };
    if seen.guest.daemons == 0 {
        return Ok(Ok(judge::kvp01(&seen)));
    }
    let set = KvpRequest::Set {
        pool: POOL,
        key: key(),
        value: wanted,
    };
    let get = KvpRequest::Get {
        pool: POOL,
        key: key(),
    };
    let all = KvpRequest::Enumerate { pool: GUESTS_OWN };
    if let Err(nothing) = pairs(session, set, limit, &mut seen)? {
        return Ok(Err(nothing));
    }
    if seen.refused.is_none() {
        match look(session)? {
            Ok(Observation::KeyValues(after)) => seen.guest = after,
            Ok(_) => return Ok(Ok(wrong_answer())),
            Err(nothing) => return Ok(Err(nothing)),
        }
    }
    match pairs(session, get, limit, &mut seen)? {
        Ok(records) => seen.returned = records.into_iter().next().map(|record| record.value),
        Err(nothing) => return Ok(Err(nothing)),
    }
    match pairs(session, all, limit, &mut seen)? {
        Ok(records) => {
            let records = records.into_iter();
            seen.told = records.map(|record| (record.key, record.value)).collect();
        }
        Err(nothing) => return Ok(Err(nothing)),
    }
    Ok(Ok(judge::kvp01(&seen)))
}

/// Asks the guest's daemon, unless it has refused before; the pairs that it gives.
fn pairs(
    session: &mut Session,
    request: KvpRequest,
    limit: Duration,
    seen: &mut Exchange,
) -> Result<Result<Vec<KvpRecord>, NoAnswer>, HostError> {
    if seen.refused.is_some() {
        return Ok(Ok(Vec::new()));
    }
    Ok(match service(session, Command::Kvp { request }, limit)? {
        Ok(Answer::Kvp { records, .. }) => Ok(records),
        Ok(Answer::Done | Answer::Failed { .. } | Answer::Status { .. }) => Ok(Vec::new()),
        Err(Refusal::Said(why)) => {
            seen.refused = Some(why);
            Ok(Vec::new())
        }
        Err(Refusal::Lost(nothing)) => Err(nothing),
    })
}
