//! CRS-05: a watchdog that is not fed resets the machine.

use std::time::Duration;

use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, WatchdogSeen};
use detente_plan::protocol::{Observation, Task};

use super::group::observe;
use super::own_boot::OwnBoot;
use super::restarts::ready;
use super::{interrupted, no_answer, wrong_answer};
use crate::limits::ms;
use crate::session::{Session, Waited};

/// What the answer to a small question may take.
const ANSWER: Duration = Duration::from_secs(20);

/// The boot.
pub(super) const BOOT: OwnBoot = OwnBoot {
    name: "watchdog",
    cases: &[CaseId::Crs05],
    furnish: |spec| spec.extras.watchdog = true,
    run: |stage| {
        let finding = match stage.start()? {
            Ok(mut session) => {
                let limit = stage.context.limit(CaseId::Crs05);
                let finding = starve(&mut session, stage.limits.boot, limit)?;
                stage.end(session)?;
                finding
            }
            Err(finding) => finding,
        };
        Ok(vec![stage.judged(CaseId::Crs05, finding)])
    },
};

/// Has the agent start the watchdog, and waits for the reset.
fn starve(session: &mut Session, boot: Duration, limit: Duration) -> Result<Finding, HostError> {
    if let Err(finding) = ready(session, boot)? {
        return Ok(finding);
    }
    let watchdog = match observe(session, Task::StartWatchdog, ANSWER)? {
        Ok(Observation::Watchdog(watchdog)) => watchdog,
        Ok(_) => return Ok(wrong_answer()),
        Err(nothing) => return Ok(no_answer(nothing)),
    };
    let mut seen = WatchdogSeen {
        watchdog,
        ..WatchdogSeen::default()
    };
    if seen.watchdog.identity.is_some() {
        let begun = session.elapsed();
        let reset = session.wait(limit, |state| (state.resets > 0).then_some(()))?;
        seen.waited_ms = ms(session.elapsed().saturating_sub(begun));
        seen.reset_after_ms = match reset {
            Waited::Came(()) => Some(seen.waited_ms),
            Waited::Late | Waited::Gone => None,
            Waited::Interrupted => return Ok(interrupted()),
        };
    }
    Ok(judge::crs05(&seen, ms(limit)))
}
