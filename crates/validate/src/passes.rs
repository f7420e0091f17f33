//! The passes of one profile: the first, then repetitions of everything, or retries of what did not
//! pass and may be tried again.

use detente_evidence::{CaseResult, MachineRecord, Outcome, StepRecord};
use detente_plan::{CaseId, Plan};

use crate::ValidateError;
use crate::attempts::{Again, merged};
use crate::left_out::LeftOut;
use crate::link::AgentIdentity;
use crate::observer::Observer;
use crate::profile::{ProfileTask, pass};

/// What came of one pass: a boot that the cases share, and those that some have to themselves.
pub(crate) struct Pass {
    /// The results, the self-check's not among them.
    pub(crate) cases: Vec<CaseResult>,
    /// How often a machine was started.
    pub(crate) boots: u32,
    pub(crate) steps: Vec<StepRecord>,
    pub(crate) machine: MachineRecord,
    pub(crate) agent: Option<AgentIdentity>,
    /// Whether the user ended it.
    pub(crate) interrupted: bool,
}

/// Runs all passes, and makes one of them: machine, steps and agent are the first one's.
pub(crate) fn passes(
    task: &ProfileTask<'_, '_>,
    observer: &mut dyn Observer,
) -> Result<Pass, ValidateError> {
    let (plan, scope) = (&task.request.plan, &task.scope);
    let facts = task.request.guest.facts();
    let (profile, own) = (task.column.profile, &task.request.own_cases);
    let left_out = LeftOut::new(plan, profile, Some(facts), scope).with_own(own, profile, scope);
    let mut first = pass(task, 1, left_out.clone(), observer)?;
    let again = if scope.repetitions > 1 {
        Again::Repeated
    } else {
        Again::Retried
    };
    let mut results: Vec<Vec<CaseResult>> = first.cases.drain(..).map(|case| vec![case]).collect();
    let mut done: u32 = 1;
    while !first.interrupted {
        let next = match again {
            Again::Repeated if done < scope.repetitions => left_out.clone(),
            Again::Retried => match to_retry(plan, &results, done) {
                cases if cases.is_empty() => break,
                cases => LeftOut::all_but(plan, own, &cases),
            },
            Again::Repeated => break,
        };
        done = done.saturating_add(1);
        let more = pass(task, done, next, observer)?;
        first.interrupted |= more.interrupted;
        first.boots = first.boots.saturating_add(more.boots);
        for case in more.cases {
            let same = |known: &&mut Vec<CaseResult>| {
                known
                    .first()
                    .is_some_and(|first| first.case_id == case.case_id)
            };
            if let Some(known) = results.iter_mut().find(same) {
                known.push(case);
            }
        }
    }
    let merged = results.into_iter().filter_map(|own| merged(own, again));
    first.cases = merged.collect();
    Ok(first)
}

/// The cases that have not passed in `done` attempts, and may be tried once more.
fn to_retry(plan: &Plan, results: &[Vec<CaseResult>], done: u32) -> Vec<CaseId> {
    let may = |id: &str| {
        let mut cases = plan.cases.iter();
        let case = cases.find(|case| case.id.name() == id)?;
        (case.retries >= done).then_some(case.id)
    };
    let latest = results.iter().filter_map(|attempts| attempts.last());
    latest
        .filter(|case| matches!(case.outcome, Outcome::Failed | Outcome::Error))
        .filter_map(|case| may(&case.case_id))
        .collect()
}
