//! Giving the agent something to do.

use std::time::Duration;

use detente_host::HostError;
use detente_plan::protocol::{HostMessage, Observation, Task};

use super::Session;
use super::wait::Waited;
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

/// Why a task gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The guest could not do it (in words): the guest's fault.
    Failed(String),
    /// The agent did not answer: nobody knows whose fault.
    Silent(String),
    /// The user ended the run.
    Interrupted,
}

impl Session {
    /// Gives a task to the agent; the number is for [`Session::answer`].
    pub(crate) fn give(&mut self, task: Task, limit: Duration) -> Result<u32, HostError> {
        self.last_task = self.last_task.saturating_add(1);
        let task_id = self.last_task;
        self.say(&HostMessage::Run {
            task_id,
            task,
            timeout_ms: ms(limit),
            output_limit_bytes: OUTPUT_LIMIT_BYTES,
        })?;
        Ok(task_id)
    }

    /// Waits for a task's end.
    pub(crate) fn answer(
        &mut self,
        task_id: u32,
        limit: Duration,
    ) -> Result<Result<(Observation, u64), NoAnswer>, HostError> {
        let waited = self.wait(limit + GRACE, |state| {
            let end = state.results.get(&task_id).cloned().map(Ok);
            end.or_else(|| state.agent_lost().map(Err))
        })?;
        let waited = match waited {
            Waited::Came(Err(lost)) => return Ok(Err(NoAnswer::Silent(lost))),
            Waited::Came(Ok(end)) => Waited::Came(end),
            Waited::Late => Waited::Late,
            Waited::Gone => Waited::Gone,
            Waited::Interrupted => Waited::Interrupted,
        };
        Ok(match waited {
            Waited::Came(TaskEnd::Observed {
                observation,
                duration_ms,
            }) => Ok((observation, duration_ms)),
            Waited::Came(TaskEnd::Failed {
                reason,
                timed_out: true,
            }) => Err(NoAnswer::Failed(format!(
                "not done within {} s: {reason}",
                limit.as_secs()
            ))),
            Waited::Came(TaskEnd::Failed {
                reason,
                timed_out: false,
            }) => Err(NoAnswer::Failed(reason)),
            Waited::Late => Err(NoAnswer::Silent("the agent did not answer".to_owned())),
            Waited::Gone => Err(NoAnswer::Silent("the machine is gone".to_owned())),
            Waited::Interrupted => Err(NoAnswer::Interrupted),
        })
    }
}
