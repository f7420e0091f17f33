//! CRS-03: the guest crashes on purpose, and tells the platform.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, CrashSeen, Finding};
use detente_plan::protocol::Task;

use super::interrupted;
use super::own_boot::OwnBoot;
use crate::limits::ms;
use crate::session::{Session, Waited};

/// How long the platform may take to tell us of a panic that the console has shown.
const AFTER_PANIC: Duration = Duration::from_secs(10);

/// The boot.
pub(super) const BOOT: OwnBoot = OwnBoot {
    name: "crash",
    cases: &[CaseId::Crs03],
    furnish: |_| {},
    run: |stage| {
        let started = stage.start()?;
        let finding = match started {
            Ok(mut session) => {
                let finding = crash(&mut session, stage.limits.boot)?;
                stage.end(session)?;
                finding
            }
            Err(finding) => finding,
        };
        Ok(vec![stage.judged(CaseId::Crs03, finding)])
    },
};

/// Has the agent crash the guest, and waits for the platform's word of it.
fn crash(session: &mut Session, limit: Duration) -> Result<Finding, HostError> {
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
