//! CON-01: the guest writes to its serial console, and echoes what is typed.

use std::time::Duration;

use detente_host::{HostError, Port};
use detente_plan::CaseId;
use detente_plan::judge::{self, ConsoleSeen};
use detente_plan::protocol::{HostMessage, Task};

use super::{Context, Judged, interrupted, no_answer};
use crate::limits::ms;
use crate::session::{NoAnswer, Session, Waited};

/// NAK: the line discipline's and agetty's "forget this line" (termios, `VKILL`).
const FORGET_LINE: &[u8] = &[0x15];

/// Runs the case.
pub(crate) fn console(context: &Context<'_>, session: &mut Session) -> Result<Judged, HostError> {
    let case = CaseId::Con01;
    let started_ms = ms(session.elapsed());
    let limit = context.limit(case);
    // Two words that cannot be told beforehand, so that nothing else on the console is taken
    // for them.
    let from_guest = format!("detente-guest-{:016x}", context.seed);
    let typed = format!("detente-host-{:016x}", context.seed.rotate_left(32));
    let task = session.give(
        Task::WriteConsole {
            line: from_guest.clone(),
            hold_ms: ms(limit),
        },
        limit + Duration::from_secs(5),
    )?;
    let finding = match session.answer(task, limit)? {
        Err(NoAnswer::Interrupted) => interrupted(),
        Err(nothing) => no_answer(nothing),
        Ok(_) => {
            let guest_line = came(session.wait(limit, |state| on_console(state, &from_guest))?);
            session.machine().send(Port::Console, typed.as_bytes())?;
            let echo = came(session.wait(limit, |state| on_console(state, &typed))?);
            session.machine().send(Port::Console, FORGET_LINE)?;
            session.say(&HostMessage::Cancel { task_id: task })?;
            judge::con01(ConsoleSeen { guest_line, echo })
        }
    };
    let duration_ms = ms(session.elapsed()).saturating_sub(started_ms);
    Ok(Judged {
        case,
        finding,
        duration_ms,
        started_ms,
    })
}

fn on_console(state: &Session, text: &str) -> Option<()> {
    state.console.tail_has(text).then_some(())
}

fn came<T>(waited: Waited<T>) -> bool {
    matches!(waited, Waited::Came(_))
}
