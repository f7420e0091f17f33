//! Turns the guest off so that its file systems are clean.
//!
//! The guest's init is told by the guest's own programs: the power button needs a service that
//! listens to it, which the preparing boot does not start. Where none of them helps, the button is
//! pressed all the same.

use std::time::Duration;

use detente_host::PowerOff;
use detente_plan::protocol::{HostMessage, Observation, Phase, RunTool, Task, ToolEnd};

use super::error::PrepareError;
use super::talk::Talk;
use crate::session::Waited;

/// How long a shutdown may take, with hardware acceleration.
const SHUTDOWN_S: u64 = 90;

/// How long the guest's own programs may take to order it.
const ORDER_S: u64 = 20;

/// How long the agent is given to let go of the root.
const LEAVING: Duration = Duration::from_secs(10);

/// Programs that order the power off without waiting for it, the first that is there. systemd is
/// asked for the target itself: `systemctl poweroff` wants logind, which does not run.
const PROGRAMS: [&[&str]; 3] = [
    &[
        "systemctl",
        "--no-block",
        "--job-mode=replace-irreversibly",
        "start",
        "poweroff.target",
    ],
    &["poweroff"],
    &["busybox", "poweroff"],
];

/// Other tools are not to ask systemd (`RunTool::env`): `systemctl` then says that it is done, and
/// does nothing.
const ONLINE: (&str, &str) = ("SYSTEMD_OFFLINE", "0");

/// Turns it off; returns when the power is off.
pub(crate) fn shut_down(talk: &mut Talk<'_>) -> Result<(), PrepareError> {
    let is_ordered = order(talk)?;
    talk.session.mention(&HostMessage::Leave);
    talk.session.wait(LEAVING, |state| {
        let over = state.phase == Some(Phase::Leaving) || state.power_off.is_some();
        (over || state.gone().is_some()).then_some(())
    })?;
    let limit = talk.limit(SHUTDOWN_S) / 2;
    if is_ordered && let Some(end) = watch(talk, limit)? {
        return end;
    }
    talk.session.machine().press_power_button()?;
    watch(talk, limit)?.unwrap_or_else(|| {
        let seconds = limit.as_secs().saturating_mul(2);
        let why = format!("the power was not off after {seconds} s");
        Err(PrepareError::NotShutDown { why })
    })
}

/// Waits for the power to go off; nothing if it did not within the limit.
fn watch(
    talk: &mut Talk<'_>,
    limit: Duration,
) -> Result<Option<Result<(), PrepareError>>, PrepareError> {
    let waited = talk.session.wait(limit, |state| {
        let panicked = || {
            let line = state.panic_line()?;
            Some(Err(format!("its kernel panicked: {line}")))
        };
        match state.power_off {
            Some(PowerOff::Guest) => Some(Ok(())),
            Some(PowerOff::GuestPanic) => Some(Err("it panicked".to_owned())),
            Some(PowerOff::Host) => Some(Err("the host turned it off".to_owned())),
            None => panicked(),
        }
    })?;
    let why = match waited {
        Waited::Came(Ok(())) => return Ok(Some(Ok(()))),
        Waited::Came(Err(why)) => why,
        Waited::Late => return Ok(None),
        Waited::Gone => talk.session.gone().unwrap_or_default(),
        Waited::Interrupted => return Err(PrepareError::Interrupted),
    };
    Ok(Some(Err(PrepareError::NotShutDown { why })))
}

/// Has one of the guest's programs order it; whether one did.
fn order(talk: &mut Talk<'_>) -> Result<bool, PrepareError> {
    for words in PROGRAMS {
        let limit = talk.limit(ORDER_S);
        let task = Task::RunTool(RunTool {
            argv: words.iter().map(|word| (*word).to_owned()).collect(),
            env: vec![(ONLINE.0.to_owned(), ONLINE.1.to_owned())],
            folder: None,
            tail_bytes: 1024,
        });
        let seen = talk.ask(task, limit)?;
        let is_off = talk.session.power_off.is_some();
        let has_said = matches!(
            &seen,
            Ok(Observation::ToolRun(run)) if run.end == ToolEnd::Exited { status: 0 }
        );
        if has_said || is_off {
            return Ok(true);
        }
    }
    Ok(false)
}
