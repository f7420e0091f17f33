//! TIME-04: the machine stands still for a while, and goes on.

use std::time::Duration;

use detente_host::{HostError, Operation};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, Paused, Reading};
use detente_plan::protocol::{Observation, Task};

use super::operating::{Step, ask, found, operate};
use crate::cases::{Context, Found, interrupted};
use crate::limits::ms;
use crate::session::Session;

/// How long it stands still: the agent, which speaks every second, would be heard.
const PAUSE: Duration = Duration::from_secs(6);

/// What was said before the machine stood still may be heard so much later.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// How often, and how many times, a clock that somebody keeps is looked at.
const LOOK: Duration = Duration::from_secs(2);
const LOOKS: u32 = 3;

/// Pauses, resumes, and reads the guest's clocks around it.
pub(crate) fn pause(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Time04);
    let talk = |session: &mut Session| -> Step<Finding> {
        let before = reading(session, limit)?;
        operate(session, &Operation::Pause)?;
        session.wait(ON_ITS_WAY, |_| None::<()>)?;
        let heard = session.last_heard();
        session.wait(PAUSE.saturating_sub(ON_ITS_WAY), |_| None::<()>)?;
        let heard_meanwhile = session.last_heard() != heard;
        operate(session, &Operation::Resume)?;
        if session.interrupted() {
            return Err(interrupted().into());
        }
        let after = reading(session, limit)?;
        let mut at_last = after.clone();
        for _ in 0..LOOKS {
            session.wait(LOOK, |_| None::<()>)?;
            at_last = reading(session, limit)?;
            if at_last.guest.keepers.is_empty() {
                break;
            }
        }
        Ok(judge::time04(&Paused {
            paused_ms: ms(PAUSE),
            heard_meanwhile,
            before,
            after,
            at_last,
        }))
    };
    found(talk(session))
}

/// The guest's clocks, and when they were heard of.
pub(super) fn reading(session: &mut Session, limit: Duration) -> Step<Reading> {
    let guest = ask(session, Task::ReadClocks, limit, |seen| match seen {
        Observation::GuestClock(clock) => Some(clock),
        _ => None,
    })?;
    let heard_ms = ms(session.elapsed());
    Ok(Reading { guest, heard_ms })
}
