//! The cases of the integration services: what the machine asks the guest's drivers and daemons.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_machine::hyperv::{Answer, Command, KvpRecord, KvpRequest};
use detente_plan::CaseId;
use detente_plan::judge::{
    self, CrashSeen, Exchange, Finding, Freezing, Heartbeats, Offered, Span, WANTED_BEATS,
};
use detente_plan::protocol::{Observation, Task, Writes};

use super::batch::unasked;
use super::{Context, Judged, interrupted, no_answer, wrong_answer};
use crate::limits::ms;
use crate::session::{AgentClock, NoAnswer, Session, Waited};

/// How long the file systems stay frozen.
const FROZEN: Duration = Duration::from_secs(2);

/// How long the platform may take to tell us of a panic that the console has shown.
const AFTER_PANIC: Duration = Duration::from_secs(10);

/// The word that is typed, and Linux's codes of its keys (input-event-codes.h).
const WORD: &str = "detente";
const WORD_CODES: [u16; 7] = [32, 18, 20, 18, 49, 20, 18];

/// How often the word is typed until its keys come, since nobody says when the agent has begun to
/// listen.
const TYPING_PAUSE: Duration = Duration::from_secs(3);

/// The driver of the synthetic keyboard.
const KEYBOARD_DRIVER: &str = "hyperv_keyboard";

/// The pool that the host writes to, and the key.
const POOL: u8 = 0;
const KEY: &str = "detente.nonce";

/// The pool in which the guest's daemon tells of the guest.
const GUESTS_OWN: u8 = 2;

/// The services' cases, in the order in which they disturb least.
const CASES: [CaseId; 4] = [CaseId::Hb01, CaseId::Kvp01, CaseId::Kbd01, CaseId::Snp01];

/// What the machine offers: Linux 6.1, include/linux/hyperv.h for the classes, and the drivers'
/// own names.
pub(super) fn offered() -> Vec<Offered> {
    let device = |name, class, driver, optional| Offered {
        class,
        name,
        driver,
        optional,
    };
    vec![
        device(
            "SCSI controller",
            "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f",
            "hv_storvsc",
            false,
        ),
        device(
            "network card",
            "f8615163-df3e-46c5-913f-f2d2f965ed0e",
            "hv_netvsc",
            false,
        ),
        device(
            "heartbeat",
            "57164f39-9115-4e78-ab55-382f3bd5422d",
            "hv_utils",
            false,
        ),
        device(
            "shutdown",
            "0e0b6031-5213-4934-818b-38d90ced39db",
            "hv_utils",
            false,
        ),
        device(
            "time synchronization",
            "9527e630-d0ae-497b-adce-e80ab0175caf",
            "hv_utils",
            false,
        ),
        device(
            "key-value exchange",
            "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6",
            "hv_utils",
            true,
        ),
        device(
            "volume shadow copy",
            "35fa2e29-ea23-4236-96ae-3a6ebacba440",
            "hv_utils",
            true,
        ),
        device(
            "keyboard",
            "f912ad6d-2b17-48ea-bd65-f927a61c7684",
            KEYBOARD_DRIVER,
            true,
        ),
    ]
}

/// Runs those of the services' cases that the plan has for this profile.
pub(crate) fn services(
    context: &Context<'_>,
    session: &mut Session,
) -> Result<Vec<Judged>, HostError> {
    let mut judged = Vec::new();
    for case in CASES.into_iter().filter(|case| context.applies(*case)) {
        let started_ms = ms(session.elapsed());
        let finding = match unasked(session) {
            Some(finding) => finding,
            None => one(context, session, case)?,
        };
        judged.push(Judged {
            case,
            finding,
            duration_ms: ms(session.elapsed()).saturating_sub(started_ms),
            started_ms,
        });
    }
    Ok(judged)
}

fn one(context: &Context<'_>, session: &mut Session, case: CaseId) -> Result<Finding, HostError> {
    let limit = context.limit(case);
    let result = match case {
        CaseId::Hb01 => return heartbeat(session, limit),
        CaseId::Kvp01 => exchange(session, limit, context.seed)?,
        CaseId::Kbd01 => keyboard(session, limit)?,
        CaseId::Snp01 => freezing(session, limit)?,
        _ => Err(NoAnswer::Silent("no case of the services".to_owned())),
    };
    Ok(result.unwrap_or_else(no_answer))
}

/// Waits until enough heartbeats were answered.
fn heartbeat(session: &mut Session, limit: Duration) -> Result<Finding, HostError> {
    let begun = session.elapsed();
    // Beats of the boot are not counted: they may be of an initramfs that is gone.
    let (earlier_sent, earlier) = session.services.heartbeats;
    let waited = session.wait(limit, |state| {
        (state.services.heartbeats.1 >= earlier + WANTED_BEATS).then_some(())
    })?;
    match waited {
        Waited::Interrupted => return Ok(interrupted()),
        Waited::Gone => return Ok(no_answer(session.end())),
        Waited::Came(()) | Waited::Late => {}
    }
    let (sent, answered) = session.services.heartbeats;
    Ok(judge::hb01(Heartbeats {
        // What was on its way when we began may be answered now.
        sent: sent.saturating_sub(earlier_sent.min(earlier)),
        answered: answered.saturating_sub(earlier),
        waited_ms: ms(session.elapsed().saturating_sub(begun)),
    }))
}

/// A finding, or why there is none.
type Found = Result<Finding, NoAnswer>;

/// Has the guest's daemon keep a value, looks for it in its files, and asks for it back.
fn exchange(session: &mut Session, limit: Duration, seed: u64) -> Result<Found, HostError> {
    let wanted = format!("{seed:016x}");
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

/// Types until the agent has heard enough keys, or the limit is over.
fn keyboard(session: &mut Session, limit: Duration) -> Result<Found, HostError> {
    let enough = u16::try_from(WORD.len()).unwrap_or(u16::MAX);
    let task = Task::ListenToKeys {
        for_ms: ms(limit),
        enough,
    };
    let given = session.give(task, limit + FROZEN);
    let begun = session.elapsed();
    while session.elapsed().saturating_sub(begun) < limit {
        // The agent needs a moment to open its files; what is typed before is not heard.
        session.wait(TYPING_PAUSE, |state| {
            state.has_result(given.id).then_some(())
        })?;
        if session.has_result(given.id) || session.interrupted() {
            break;
        }
        let text = WORD.to_owned();
        match service(session, Command::Type { text }, limit)? {
            Ok(_) => {}
            Err(Refusal::Said(why)) => {
                return Ok(Ok(Finding::plain(Outcome::Failed, "not_typed", why)));
            }
            Err(Refusal::Lost(nothing)) => return Ok(Err(nothing)),
        }
    }
    Ok(match session.answer(&given)? {
        Ok((Observation::Keys(seen), _)) => Ok(judge::kbd01(&seen, KEYBOARD_DRIVER, &WORD_CODES)),
        Ok(_) => Ok(wrong_answer()),
        Err(nothing) => Err(nothing),
    })
}

/// Freezes the file systems for a while, the agent writing all the time.
fn freezing(session: &mut Session, limit: Duration) -> Result<Found, HostError> {
    let task = Task::WatchWrites {
        // A guest that does not freeze is watched no longer than one may take to.
        for_ms: ms(limit / 2),
        enough_ms: ms(FROZEN),
    };
    let given = session.give(task, limit + FROZEN);
    // What was heard long ago says little of how its clock stands to ours now.
    session.clock = AgentClock::default();
    // Writes that went well before are wanted too.
    session.wait(FROZEN, |_| None::<()>)?;
    let mut seen = Freezing {
        not_frozen: None,
        not_thawed: None,
        frozen: Span::default(),
        writes: None,
        agent_began_ms: None,
    };
    match service(session, Command::Freeze, limit)? {
        Ok(_) => {
            let from_ms = ms(session.elapsed());
            session.wait(FROZEN, |_| None::<()>)?;
            let until_ms = ms(session.elapsed());
            seen.frozen = Span { from_ms, until_ms };
        }
        Err(Refusal::Said(why)) => seen.not_frozen = Some(why),
        Err(Refusal::Lost(nothing)) => return Ok(Err(nothing)),
    }
    // Thawing what was not frozen does no harm, and not thawing would.
    match service(session, Command::Thaw, limit)? {
        Ok(_) => {}
        Err(Refusal::Said(why)) => seen.not_thawed = Some(why),
        Err(Refusal::Lost(nothing)) => return Ok(Err(nothing)),
    }
    if seen.not_frozen.is_some() {
        session.cancel(&given);
        return Ok(Ok(judge::snp01(&seen)));
    }
    seen.writes = match session.answer(&given)? {
        Ok((Observation::Writes(writes), _)) => Some(writes),
        Ok(_) => return Ok(Ok(wrong_answer())),
        Err(NoAnswer::Failed(_)) => None::<Writes>,
        Err(nothing) => return Ok(Err(nothing)),
    };
    seen.agent_began_ms = session.clock.began_ms();
    Ok(Ok(judge::snp01(&seen)))
}

/// Has the agent crash the guest, and waits for the platform's word of it.
pub(crate) fn crash(session: &mut Session, limit: Duration) -> Result<Finding, HostError> {
    let spoke = session.wait(limit, |state| state.agent.as_ref().map(|_| ()))?;
    match spoke {
        Waited::Came(()) => {}
        Waited::Interrupted => return Ok(interrupted()),
        Waited::Late | Waited::Gone => {
            let message = "the agent did not speak in the boot that was to crash";
            return Ok(Finding::plain(Outcome::Error, "no_agent", message));
        }
    }
    let begun = session.elapsed();
    session.give(Task::Crash, limit);
    let told = |state: &Session| state.services.crash.is_some();
    session.wait(limit, |state| {
        let over = told(state) || state.power_off.is_some() || state.resets > 0;
        (over || state.panic_line().is_some()).then_some(())
    })?;
    // A kernel tells the platform in the moment of its panic, or not at all.
    session.wait(AFTER_PANIC, |state| told(state).then_some(()))?;
    if session.interrupted() {
        return Ok(interrupted());
    }
    Ok(judge::crs03(&CrashSeen {
        parameters: session.services.crash,
        panic_line: session.panic_line().cloned(),
        waited_ms: ms(session.elapsed().saturating_sub(begun)),
    }))
}

/// Why a service did not do it.
enum Refusal {
    /// It said so.
    Said(String),
    /// Nobody is there to do it, or to wait for it.
    Lost(NoAnswer),
}

/// Asks a service and waits for its answer.
fn service(
    session: &mut Session,
    command: Command,
    limit: Duration,
) -> Result<Result<Answer, Refusal>, HostError> {
    let id = match session.ask(command) {
        Ok(id) => id,
        // Whoever cannot be asked is gone, or has none of this; neither is the guest's fault.
        Err(error) => {
            let nobody = || NoAnswer::Silent(error.to_string());
            return Ok(Err(Refusal::Lost(session.lost_or(nobody))));
        }
    };
    let waited = session.wait(limit, |state| {
        let over = state.services.has_answer(id) || state.died().is_some();
        over.then_some(())
    })?;
    Ok(match (session.take_answer(id), waited) {
        (Some(Answer::Failed { why }), _) => Err(Refusal::Said(why)),
        (Some(answer), _) => Ok(answer),
        (None, Waited::Interrupted) => Err(Refusal::Lost(NoAnswer::Interrupted)),
        (None, Waited::Late) => {
            let seconds = limit.as_secs();
            Err(Refusal::Said(format!("no answer within {seconds} s")))
        }
        (None, Waited::Came(()) | Waited::Gone) => Err(Refusal::Lost(session.end())),
    })
}

/// Gives a task and waits for what was seen.
fn observe(
    session: &mut Session,
    task: Task,
    limit: Duration,
) -> Result<Result<Observation, NoAnswer>, HostError> {
    let given = session.give(task, limit);
    Ok(session.answer(&given)?.map(|(seen, _)| seen))
}
