//! What the plan `base` asks beyond `smoke`, one file each. What is changed is put back, whatever
//! happens in between; every wait ends before the worker is killed, so that there is time for it.

use detente_plan::protocol::{Exercise, Exercised};

use super::Limits;
use crate::task_error::TaskError;

/// Whether the exercise looks at the guest's files.
pub(super) fn needs_root(exercise: &Exercise) -> bool {
    match exercise {
        Exercise::LoadDisk { .. }
        | Exercise::ReadKernelState
        | Exercise::CollectSupportData { .. } => true,
        Exercise::CycleProcessors
        | Exercise::ReadProcessor { .. }
        | Exercise::StressMemory { .. }
        | Exercise::ToggleOffloads { .. }
        | Exercise::ChangeMtu { .. }
        | Exercise::BurnProcessors { .. }
        | Exercise::TurnBackClock { .. }
        | Exercise::Echo { .. }
        | Exercise::ReadFirmware => false,
    }
}

/// Does it.
pub(super) fn run(exercise: &Exercise, _limits: &Limits) -> Result<Exercised, TaskError> {
    match exercise {
        Exercise::Echo { content } => Ok(Exercised::Echo {
            content: content.clone(),
        }),
        other => Err(TaskError::Missing {
            what: format!("{other:?}"),
        }),
    }
}
