//! CPU-04, MEM-02, MEM-04: more processors, less memory, more memory.

use std::time::Duration;

use detente_host::{HostError, Operation};
use detente_plan::CaseId;
use detente_plan::judge::{self, Ballooned, Finding};
use detente_plan::protocol::{Observation, Task};

use super::operating::{Step, ask, found, number, operate};
use crate::cases::{Context, Found};
use crate::limits::ms;
use crate::session::{Session, Waited};

/// What is plugged in: two blocks of an x86 kernel.
pub(super) const PLUGGED_MIB: u64 = 256;

/// What the balloon takes.
const BALLOON_MIB: u64 = 512;

const MIB: u64 = 1 << 20;

/// How often the balloon is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What the answer to a small question may take.
const ANSWER: Duration = Duration::from_secs(10);

/// CPU-04: a processor is plugged in.
pub(crate) fn processor(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Cpu04);
    let before = context.plan.parameters.vcpus.count();
    let talk = |session: &mut Session| -> Step<Finding> {
        operate(session, &Operation::PlugProcessor)?;
        let task = Task::AwaitProcessors {
            more_than: before,
            wait_ms: ms(limit),
        };
        let seen = ask(session, task, limit.saturating_mul(2), |seen| match seen {
            Observation::ProcessorsGrown(seen) => Some(seen),
            _ => None,
        })?;
        Ok(judge::cpu04(&seen, before, ms(limit)))
    };
    found(talk(session))
}

/// MEM-04: memory is plugged in.
pub(crate) fn memory(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Mem04);
    let plugged = PLUGGED_MIB.saturating_mul(MIB);
    let talk = |session: &mut Session| -> Step<Finding> {
        let before = total(session)?;
        operate(session, &Operation::PlugMemory { mib: PLUGGED_MIB })?;
        let task = Task::AwaitMemory {
            at_least_bytes: judge::memory_wanted(before, plugged),
            wait_ms: ms(limit),
        };
        let seen = ask(session, task, limit.saturating_mul(2), |seen| match seen {
            Observation::MemoryGrown(seen) => Some(seen),
            _ => None,
        })?;
        Ok(judge::mem04(&seen, before, plugged))
    };
    found(talk(session))
}

/// MEM-02: the balloon takes memory and gives it back.
pub(crate) fn balloon(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Mem02);
    let talk = |session: &mut Session| -> Step<Finding> {
        let given = number(session, &Operation::ReadMemory)?;
        let asked = given.saturating_sub(BALLOON_MIB.saturating_mul(MIB));
        let before = total(session)?;
        set(session, asked)?;
        let left = settled(session, asked, limit)?;
        let under = total(session)?;
        set(session, given)?;
        settled(session, given, limit)?;
        Ok(judge::mem02(&Ballooned {
            given,
            asked,
            left,
            totals: [before, under, total(session)?],
        }))
    };
    found(talk(session))
}

fn set(session: &mut Session, bytes: u64) -> Step<()> {
    operate(session, &Operation::SetMemory { mib: bytes / MIB })?;
    Ok(())
}

/// What the balloon leaves to the guest, when that is what is wanted or the limit is over.
fn settled(session: &mut Session, wanted: u64, limit: Duration) -> Step<u64> {
    let begun = session.elapsed();
    loop {
        let left = number(session, &Operation::ReadMemory)?;
        let over = session.elapsed().saturating_sub(begun) >= limit;
        if left == wanted || over || session.interrupted() {
            return Ok(left);
        }
        if session.wait(LOOK, |_| None::<()>)? == Waited::Gone {
            return Ok(left);
        }
    }
}

/// `MemTotal`.
fn total(session: &mut Session) -> Step<u64> {
    ask(session, Task::MeasureMemory, ANSWER, |seen| match seen {
        Observation::Memory(memory) => Some(memory.total_bytes),
        _ => None,
    })
}
