//! SNP-01: the guest's file systems are frozen for a while, and thaw.

use std::time::Duration;

use detente_host::HostError;
use detente_machine::hyperv::Command;
use detente_plan::CaseId;
use detente_plan::judge::{self, Freezing, Span};
use detente_plan::protocol::{Observation, Task, Writes};

use super::asking::{Refusal, service};
use crate::cases::{Context, Found, wrong_answer};
use crate::limits::ms;
use crate::session::{AgentClock, NoAnswer, Session};

/// How long the file systems stay frozen.
const FROZEN: Duration = Duration::from_secs(2);

/// Freezes the file systems for a while, the agent writing all the time.
pub(crate) fn freezing(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Snp01);
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
