//! Giving the agent something to do.

use std::time::{Duration, Instant};

use detente_block::with_causes;
use detente_host::HostError;
use detente_plan::protocol::{HostMessage, Observation, Task};

use super::Session;
use super::wait::{GLANCE, Waited};
use crate::limits::ms;

/// The longest report of a task.
const OUTPUT_LIMIT_BYTES: u32 = 512 * 1024;

/// How long the agent's own time limit is given before we stop waiting for its word.
const GRACE: Duration = Duration::from_secs(10);

/// How a task ended, as the agent says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TaskEnd {
    /// With something seen.
    Observed {
        observation: Observation,
        duration_ms: u64,
    },
    /// Without.
    Failed { reason: String, timed_out: bool },
}

/// A task that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// Its number.
    pub(crate) id: u32,
    limit: Duration,
    due: Instant,
    /// Why the agent could not be told, if it could not.
    untold: Option<String>,
}

impl Given {
    /// Whether nothing is waited for any more.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        now >= self.due
    }
}

/// Why a task gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The guest could not do it (in words): the guest's fault.
    Failed(String),
    /// The guest was seen to end meanwhile (in words): the guest's fault.
    Died(String),
    /// The agent did not answer: nobody knows whose fault.
    Silent(String),
    /// The user ended the run.
    Interrupted,
}

impl Session {
    /// Gives a task to the agent. A port that breaks is a finding, not the end of the run: the
    /// machine's end is told by its events.
    pub(crate) fn give(&mut self, task: Task, limit: Duration) -> Given {
        self.last_task = self.last_task.saturating_add(1);
        let said = self.say(&HostMessage::Run {
            task_id: self.last_task,
            task,
            timeout_ms: ms(limit),
            output_limit_bytes: OUTPUT_LIMIT_BYTES,
        });
        Given {
            id: self.last_task,
            limit,
            due: self.now() + limit + GRACE,
            untold: said.err().map(|error| with_causes(&error)),
        }
    }

    /// Whether a task has ended.
    pub(crate) fn has_result(&self, id: u32) -> bool {
        self.results.contains_key(&id)
    }

    /// Ends a task before its time; nobody waits for it any more.
    pub(crate) fn cancel(&mut self, given: &Given) {
        self.mention(&HostMessage::Cancel { task_id: given.id });
    }

    /// Why nothing more comes from this guest.
    pub(crate) fn end(&self) -> NoAnswer {
        self.lost_or(|| NoAnswer::Silent("the machine is gone".to_owned()))
    }

    /// Why nothing more comes from this guest, or another reason where none was seen.
    pub(crate) fn lost_or(&self, other: impl FnOnce() -> NoAnswer) -> NoAnswer {
        self.lost().unwrap_or_else(other)
    }

    /// Waits for a task's end.
    pub(crate) fn answer(
        &mut self,
        given: &Given,
    ) -> Result<Result<(Observation, u64), NoAnswer>, HostError> {
        if let Some(why) = &given.untold {
            // Perhaps the machine has just ended: its events say more.
            self.wait(GLANCE, |state| state.lost().map(|_| ()))?;
            if self.interrupted() {
                return Ok(Err(NoAnswer::Interrupted));
            }
            let broken = || NoAnswer::Silent(format!("the agent could not be told: {why}"));
            return Ok(Err(self.lost().unwrap_or_else(broken)));
        }
        let waited = self.wait_until(given.due, |state| {
            let end = state.results.get(&given.id).cloned().map(Ok);
            end.or_else(|| state.lost().map(Err))
        })?;
        Ok(match waited {
            Waited::Came(Ok(TaskEnd::Observed {
                observation,
                duration_ms,
            })) => Ok((observation, duration_ms)),
            Waited::Came(Ok(TaskEnd::Failed { reason, timed_out })) => {
                let late = || format!("not done within {} s: {reason}", given.limit.as_secs());
                Err(NoAnswer::Failed(if timed_out { late() } else { reason }))
            }
            Waited::Came(Err(lost)) => Err(lost),
            Waited::Late => Err(NoAnswer::Silent("the agent did not answer".to_owned())),
            Waited::Gone => Err(NoAnswer::Silent("the machine is gone".to_owned())),
            Waited::Interrupted => Err(NoAnswer::Interrupted),
        })
    }
}
