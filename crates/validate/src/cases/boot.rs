//! BOOT-01 and BOOT-10: from the start of the machine until the guest is ready, or is not.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, BootEnd, BootSeen, Finding};
use detente_plan::protocol::{HostMessage, Observation, Phase, Task};

use super::{Context, Judged, interrupted};
use crate::limits::ms;
use crate::observer::{Observer, Progress};
use crate::session::{NoAnswer, Session, Waited};

/// More garbage than this on the agent's port, and no boot is to be hoped for.
const GARBAGE_LIMIT: u64 = 1 << 20;

/// How long a guest in trouble is given to say the rest, and the agent to look around.
const LAST_LOOK: Duration = Duration::from_secs(15);

/// How long a console's last bytes may take after the guest has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How a boot went: its findings, and whether the guest can be asked anything.
pub(crate) struct Booted {
    pub(crate) findings: Vec<Judged>,
    pub(crate) ready: bool,
}

/// Waits until the guest is ready, or is known not to become so.
pub(crate) fn boot(
    context: &Context<'_>,
    session: &mut Session,
    limit: Duration,
    observer: &mut dyn Observer,
) -> Result<Booted, HostError> {
    let Some(end) = watch(session, limit, observer)? else {
        let both = [CaseId::Boot01, CaseId::Boot10];
        let findings = both
            .into_iter()
            .map(|case| judged(session, case, interrupted()))
            .collect();
        return Ok(Booted {
            findings,
            ready: false,
        });
    };
    let ready = matches!(end, BootEnd::Ready(_));
    let seen = BootSeen {
        end,
        alarms: session.console.alarms.clone(),
        stalls: session.console.stalls.clone(),
        execution: context.execution(),
        survey: session.survey.clone(),
        agent_spoke: session.agent.is_some(),
        garbage_bytes: session.garbage_bytes(),
        console_tail: session.console.tail(),
        elapsed_ms: ms(session.elapsed()),
        limit_ms: ms(limit),
    };
    let drivers = drivers(context, session);
    let findings = vec![
        judged(session, CaseId::Boot01, judge::boot01(&seen)),
        judged(session, CaseId::Boot10, drivers),
    ];
    Ok(Booted { findings, ready })
}

fn judged(session: &Session, case: CaseId, finding: Finding) -> Judged {
    Judged {
        case,
        finding,
        duration_ms: ms(session.elapsed()),
        started_ms: 0,
    }
}

/// What the initramfs holds, if the agent got to look.
fn drivers(context: &Context<'_>, session: &Session) -> Finding {
    match &session.first_survey {
        Some(survey) => judge::boot10(survey, &context.hardware()),
        None => Finding::plain(
            Outcome::NotRun,
            "no_survey",
            "the agent never reported what the initramfs holds",
        ),
    }
}

/// Follows the boot to its end; `None` if the user ended the run.
fn watch(
    session: &mut Session,
    limit: Duration,
    observer: &mut dyn Observer,
) -> Result<Option<BootEnd>, HostError> {
    let spoke = session.wait(limit, |state| turn(state, state.agent.is_some()))?;
    let end = match spoke {
        Waited::Came(Turn::Good) => {
            step(observer, session, "the agent speaks from the initramfs");
            let rest = limit.saturating_sub(session.elapsed());
            session.wait(rest, |state| turn(state, state.phase == Some(Phase::Root)))?
        }
        other => other,
    };
    match end {
        Waited::Came(Turn::Good) => {
            step(observer, session, "the root is there");
            await_ready(session, limit)
        }
        Waited::Came(Turn::Bad) => {
            last_look(session)?;
            Ok(Some(bad_end(session)))
        }
        Waited::Late => {
            last_look(session)?;
            Ok(Some(BootEnd::NoRoot))
        }
        Waited::Gone => Ok(Some(gone(session))),
        Waited::Interrupted => Ok(None),
    }
}

/// A turn that a boot takes.
enum Turn {
    Good,
    Bad,
}

/// Whether what is hoped for is there, or something that ends all hope.
fn turn(state: &Session, hoped: bool) -> Option<Turn> {
    if hoped {
        return Some(Turn::Good);
    }
    let hopeless = state.console.gave_up.is_some()
        || state.died().is_some()
        || state.power_off.is_some()
        || state.flooded.is_some()
        || state.garbage_bytes() > GARBAGE_LIMIT;
    hopeless.then_some(Turn::Bad)
}

/// What ended all hope, in the order of how much it explains.
fn bad_end(session: &Session) -> BootEnd {
    if let Some(line) = session.panic_line() {
        return BootEnd::Stopped(line.clone());
    }
    if let Some(line) = &session.console.gave_up {
        return BootEnd::GaveUp(line.clone());
    }
    if let Some(limit) = session.flooded {
        return BootEnd::Flooded(limit);
    }
    if let Some(how) = session.died() {
        return BootEnd::Stopped(how);
    }
    session.gone().map_or(BootEnd::Garbage, BootEnd::Lost)
}

/// Why a machine is gone.
fn gone(session: &Session) -> BootEnd {
    BootEnd::Lost(session.gone().unwrap_or_default())
}

/// Has the agent look around once more, if it can, so that the verdict can name a driver.
fn last_look(session: &mut Session) -> Result<(), HostError> {
    if session.died().is_some() || session.gone().is_some() {
        // The rest of what it said.
        session.wait(LAST_WORDS, |_| None::<()>)?;
        return Ok(());
    }
    if session.agent.is_none() || session.phase == Some(Phase::Root) {
        return Ok(());
    }
    let before = session.survey_count();
    session.mention(&HostMessage::Survey);
    session.wait(LAST_LOOK, |state| {
        let came = state.survey_count() > before;
        (came || state.died().is_some()).then_some(())
    })?;
    Ok(())
}

/// Asks the guest's init whether it has started everything.
fn await_ready(session: &mut Session, limit: Duration) -> Result<Option<BootEnd>, HostError> {
    let rest = limit.saturating_sub(session.elapsed()).max(LAST_LOOK);
    let given = session.give(Task::AwaitReady, rest);
    Ok(match session.answer(&given)? {
        Err(NoAnswer::Interrupted) => None,
        // What was cut off might have been anything.
        Ok(_) | Err(_) if session.flooded.is_some() => Some(bad_end(session)),
        Ok((Observation::BootState(state), _)) => Some(BootEnd::Ready(state)),
        Err(NoAnswer::Died(_)) => Some(bad_end(session)),
        Err(NoAnswer::Silent(_)) if session.gone().is_some() => Some(gone(session)),
        Ok(_) | Err(NoAnswer::Failed(_) | NoAnswer::Silent(_)) => Some(BootEnd::NotReady),
    })
}

fn step(observer: &mut dyn Observer, session: &Session, text: &str) {
    observer.progress(&Progress::Step {
        text,
        elapsed_ms: ms(session.elapsed()),
    });
}
