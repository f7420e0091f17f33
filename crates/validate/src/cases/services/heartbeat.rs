//! HB-01: the guest answers the machine's heartbeats.

use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, Heartbeats, WANTED_BEATS};

use crate::cases::{Context, Found};
use crate::limits::ms;
use crate::session::{NoAnswer, Session, Waited};

/// Waits until enough heartbeats were answered.
pub(crate) fn heartbeat(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Hb01);
    let begun = session.elapsed();
    // Beats of the boot are not counted: they may be of an initramfs that is gone.
    let (earlier_sent, earlier) = session.services.heartbeats;
    let waited = session.wait(limit, |state| {
        (state.services.heartbeats.1 >= earlier + WANTED_BEATS).then_some(())
    })?;
    match waited {
        Waited::Interrupted => return Ok(Err(NoAnswer::Interrupted)),
        Waited::Gone => return Ok(Err(session.end())),
        Waited::Came(()) | Waited::Late => {}
    }
    let (sent, answered) = session.services.heartbeats;
    Ok(Ok(judge::hb01(Heartbeats {
        // What was on its way when we began may be answered now.
        sent: sent.saturating_sub(earlier_sent.min(earlier)),
        answered: answered.saturating_sub(earlier),
        waited_ms: ms(session.elapsed().saturating_sub(begun)),
    })))
}
