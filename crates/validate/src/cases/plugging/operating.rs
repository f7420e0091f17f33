//! Doing something to the machine, within a conversation.

use std::time::Duration;

use detente_block::with_causes;
use detente_evidence::Outcome;
use detente_host::{HostError, Operated, Operation};
use detente_plan::judge::Finding;
use detente_plan::protocol::{Observation, Task};

use crate::cases::group::observe;
use crate::cases::{interrupted, no_answer, wrong_answer};
use crate::session::{Session, Waited};

/// A step's value, or what the case comes to without it.
pub(in crate::cases) type Step<T> = Result<T, Stop>;

/// Why a conversation goes no further.
pub(in crate::cases) enum Stop {
    /// With this finding.
    Finding(Box<Finding>),
    /// The machine cannot be watched any more.
    Host(HostError),
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Finding(Box::new(finding))
    }
}

/// Ends a conversation of steps.
pub(in crate::cases) fn found(step: Step<Finding>) -> Result<crate::cases::Found, HostError> {
    match step {
        Ok(finding) => Ok(Ok(finding)),
        Err(Stop::Finding(finding)) => Ok(Ok(*finding)),
        Err(Stop::Host(error)) => Err(error),
    }
}

/// Does something to the machine. A machine that does not is no fault of the guest's.
pub(in crate::cases) fn operate(session: &mut Session, operation: &Operation) -> Step<Operated> {
    session.machine().operate(operation).map_err(|error| {
        let message = with_causes(&error);
        Finding::plain(Outcome::Error, "host_refused", message).into()
    })
}

/// A number that the machine is asked for.
pub(in crate::cases) fn number(session: &mut Session, question: &Operation) -> Step<u64> {
    match operate(session, question)? {
        Operated::Bytes(bytes) => Ok(bytes),
        Operated::Done => {
            let message = "the machine gave no number";
            Err(Finding::plain(Outcome::Error, "no_number", message).into())
        }
    }
}

/// What the agent sees when it is asked, by whoever picks it out.
pub(in crate::cases) fn ask<T>(
    session: &mut Session,
    task: Task,
    limit: Duration,
    pick: impl FnOnce(Observation) -> Option<T>,
) -> Step<T> {
    let seen = observe(session, task, limit)?;
    let seen = seen.map_err(|nothing| Stop::from(no_answer(nothing)))?;
    pick(seen).ok_or_else(|| wrong_answer().into())
}

/// Waits until the guest has let go of a device; whether it has.
pub(in crate::cases) fn let_go(session: &mut Session, name: &str, limit: Duration) -> Step<bool> {
    match session.wait(limit, |state| state.is_gone(name).then_some(()))? {
        Waited::Came(()) => Ok(true),
        Waited::Late => Ok(false),
        Waited::Gone => Err(no_answer(session.end()).into()),
        Waited::Interrupted => Err(interrupted().into()),
    }
}
