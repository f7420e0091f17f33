//! KBD-01: what is typed on the machine's keyboard reaches the guest.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_machine::hyperv::Command;
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding};
use detente_plan::protocol::{Observation, Task};

use super::asking::{Refusal, service};
use crate::cases::{Context, Found, wrong_answer};
use crate::limits::ms;
use crate::session::Session;

/// The word that is typed, and Linux's codes of its keys (input-event-codes.h).
const WORD: &str = "detente";
const WORD_CODES: [u16; 7] = [32, 18, 20, 18, 49, 20, 18];

/// How often the word is typed until its keys come, since nobody says when the agent has begun to
/// listen.
const TYPING_PAUSE: Duration = Duration::from_secs(3);

/// The agent's own limit lies behind the time that it listens.
const GRACE: Duration = Duration::from_secs(2);

/// The driver of the synthetic keyboard.
pub(super) const DRIVER: &str = "hyperv_keyboard";

/// Types until the agent has heard enough keys, or the limit is over.
pub(crate) fn keyboard(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Kbd01);
    let enough = u16::try_from(WORD.len()).unwrap_or(u16::MAX);
    let task = Task::ListenToKeys {
        for_ms: ms(limit),
        enough,
    };
    let given = session.give(task, limit + GRACE);
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
        Ok((Observation::Keys(seen), _)) => Ok(judge::kbd01(&seen, DRIVER, &WORD_CODES)),
        Ok(_) => Ok(wrong_answer()),
        Err(nothing) => Err(nothing),
    })
}
