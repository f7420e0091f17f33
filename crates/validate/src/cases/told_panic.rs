//! CRS-02: the guest crashes on purpose, and the pvpanic device tells the host.

use std::time::Duration;

use detente_host::{HostError, PowerOff};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, PanicSeen};
use detente_plan::protocol::Task;

use super::interrupted;
use super::own_boot::OwnBoot;
use super::restarts::ready;
use crate::limits::ms;
use crate::session::{Session, Waited};

/// How long the machine may take to tell of a panic that the console has shown.
const AFTER_PANIC: Duration = Duration::from_secs(10);

/// The boot.
pub(super) const BOOT: OwnBoot = OwnBoot {
    name: "panic",
    cases: &[CaseId::Crs02],
    furnish: |_| {},
    run: |stage| {
        let finding = match stage.start()? {
            Ok(mut session) => {
                let limit = stage.context.limit(CaseId::Crs02);
                let finding = panic(&mut session, stage.limits.boot, limit)?;
                stage.end(session)?;
                finding
            }
            Err(finding) => finding,
        };
        Ok(vec![stage.judged(CaseId::Crs02, finding)])
    },
};

/// Has the agent crash the guest when all its drivers are there, and waits for the machine's word.
fn panic(session: &mut Session, boot: Duration, limit: Duration) -> Result<Finding, HostError> {
    if let Err(finding) = ready(session, boot)? {
        return Ok(finding);
    }
    let begun = session.elapsed();
    session.give(Task::Crash, limit);
    let told = |state: &Session| state.power_off == Some(PowerOff::GuestPanic);
    let seen = session.wait(limit, |state| {
        let over = state.power_off.is_some() || state.resets > 0;
        (over || state.panic_line().is_some()).then_some(())
    })?;
    if seen == Waited::Interrupted {
        return Ok(interrupted());
    }
    let waited = session.wait(AFTER_PANIC, |state| told(state).then_some(()))?;
    Ok(judge::crs02(&PanicSeen {
        told: waited == Waited::Came(()),
        panic_line: session.panic_line().cloned(),
        waited_ms: ms(session.elapsed().saturating_sub(begun)),
    }))
}
