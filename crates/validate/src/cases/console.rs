//! CON-01: the guest writes to its serial console, and echoes what is typed.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, ConsoleSeen, Finding};
use detente_plan::protocol::{HostMessage, Observation, Task};

use super::{Context, Found, wrong_answer};
use crate::limits::ms;
use crate::session::{NoAnswer, Session, Waited};

/// NAK: the line discipline's and agetty's "forget this line" (termios, `VKILL`).
const FORGET_LINE: &[u8] = &[0x15];

/// How often the line is typed within the limit.
const TRIES: u32 = 5;

/// The agent's own limit lies behind the time that it holds the port.
const MORE_THAN_HELD: Duration = Duration::from_secs(5);

/// Runs the case.
pub(super) fn console(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    // Two words that cannot be told beforehand, so that nothing else on the console is taken
    // for them.
    let from_guest = format!("detente-guest-{:016x}", context.seed);
    let typed = format!("detente-host-{:016x}", context.seed.rotate_left(32));
    asked(session, context.limit(CaseId::Con01), &from_guest, &typed)
}

/// Has the agent write one word, and types the other.
fn asked(
    session: &mut Session,
    limit: Duration,
    from_guest: &str,
    typed: &str,
) -> Result<Found, HostError> {
    let line = from_guest.to_owned();
    let hold_ms = ms(limit);
    let task = Task::WriteConsole { line, hold_ms };
    let given = session.give(task, limit + MORE_THAN_HELD);
    match session.answer(&given)? {
        Ok((Observation::ConsoleLine(_), _)) => {}
        Ok(_) => return Ok(Ok(wrong_answer())),
        Err(nothing) => return Ok(Err(nothing)),
    }
    let guest_line = match shows(session, limit, from_guest)? {
        Ok(shown) => shown,
        Err(nothing) => return Ok(Err(nothing)),
    };
    let echo = match echoes(session, limit, typed)? {
        Ok(shown) => shown,
        Err(nothing) => return Ok(Err(nothing)),
    };
    session.mention(&HostMessage::Cancel { task_id: given.id });
    let seen = ConsoleSeen { guest_line, echo };
    Ok(Ok(match session.flooded {
        Some(limit_bytes) if !(guest_line && echo) => flooded(limit_bytes),
        Some(_) | None => judge::con01(seen),
    }))
}

/// Whether what is typed is echoed within the limit. A getty that is just starting throws away
/// what was typed before (tcflush(3)), so the line is typed again, as a person would.
fn echoes(
    session: &mut Session,
    limit: Duration,
    typed: &str,
) -> Result<Result<bool, NoAnswer>, HostError> {
    let mut shown = Ok(false);
    for _ in 0..TRIES {
        session.type_on_console(typed.as_bytes());
        shown = shows(session, limit / TRIES, typed)?;
        session.type_on_console(FORGET_LINE);
        if !matches!(shown, Ok(false)) {
            break;
        }
    }
    Ok(shown)
}

/// Whether a text comes on the console within the limit.
fn shows(
    session: &mut Session,
    limit: Duration,
    text: &str,
) -> Result<Result<bool, NoAnswer>, HostError> {
    let waited = session.wait(limit, |state| {
        let shown = state.console.tail_has(text).then_some(None);
        shown.or_else(|| state.died().map(Some))
    })?;
    Ok(match waited {
        Waited::Came(None) => Ok(true),
        Waited::Came(Some(how)) => Err(NoAnswer::Died(how)),
        Waited::Late => Ok(false),
        Waited::Gone => Err(NoAnswer::Silent(session.gone().unwrap_or_default())),
        Waited::Interrupted => Err(NoAnswer::Interrupted),
    })
}

/// A console that was not read to its end.
fn flooded(limit_bytes: u64) -> Finding {
    let message = format!(
        "the guest wrote more than {} MiB to its console; what came after that was not read",
        limit_bytes >> 20
    );
    Finding::plain(Outcome::Failed, "console_flood", message)
}
