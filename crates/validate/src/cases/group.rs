//! Groups of cases in the shared boot: questions side by side, then conversations one by one.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::Finding;
use detente_plan::protocol::{KernelRecord, Observation, Task};

use super::way::Way;
use super::{Context, Judged, KERNEL_LOG, no_answer};
use crate::ValidateError;
use crate::folder::write_file;
use crate::limits::ms;
use crate::session::{NoAnswer, Session};

/// Runs those cases of a group that apply. Conversations come after the questions, in the group's
/// order.
pub(crate) fn group(
    context: &Context<'_>,
    session: &mut Session,
    cases: &[CaseId],
    keep: &mut dyn FnMut(Judged),
) -> Result<(), ValidateError> {
    let cases: Vec<CaseId> = cases
        .iter()
        .copied()
        .filter(|case| context.applies(*case))
        .collect();
    questions(context, session, &cases, keep)?;
    for case in cases {
        let Way::Alone(run) = Way::of(case) else {
            continue;
        };
        let started_ms = ms(session.elapsed());
        let finding = match unasked(session) {
            Some(finding) => finding,
            None => run(context, session)?.unwrap_or_else(no_answer),
        };
        keep(Judged {
            case,
            finding,
            duration_ms: ms(session.elapsed()).saturating_sub(started_ms),
            started_ms,
        });
    }
    Ok(())
}

/// Asks the group's questions side by side.
fn questions(
    context: &Context<'_>,
    session: &mut Session,
    cases: &[CaseId],
    keep: &mut dyn FnMut(Judged),
) -> Result<(), ValidateError> {
    let mut given = Vec::new();
    for &case in cases {
        let Way::Question { ask, judge } = Way::of(case) else {
            continue;
        };
        let started_ms = ms(session.elapsed());
        match unasked(session) {
            Some(finding) => keep(Judged {
                case,
                finding,
                duration_ms: 0,
                started_ms,
            }),
            None => {
                let task = session.give(ask(context), context.limit(case));
                given.push((case, judge, task, started_ms));
            }
        }
    }
    for (case, judge, task, started_ms) in given {
        let answer = session.answer(&task)?;
        let (finding, duration_ms) = match answer {
            Ok((seen, duration_ms)) => {
                keep_kernel_log(context.work, case, &seen)?;
                (judge(context, &seen, session)?, duration_ms)
            }
            Err(nothing) => (
                no_answer(nothing),
                ms(session.elapsed()).saturating_sub(started_ms),
            ),
        };
        keep(Judged {
            case,
            finding,
            duration_ms,
            started_ms,
        });
    }
    Ok(())
}

/// Why a case is not begun at all, if it is not: the guest has ended.
fn unasked(session: &Session) -> Option<Finding> {
    let how = session.died()?;
    let message = format!("not begun: {how}");
    Some(Finding::plain(Outcome::NotRun, "guest_ended", message))
}

/// Gives a task within a conversation, and waits for what was seen.
pub(super) fn observe(
    session: &mut Session,
    task: Task,
    limit: Duration,
) -> Result<Result<Observation, NoAnswer>, HostError> {
    let given = session.give(task, limit);
    Ok(session.answer(&given)?.map(|(seen, _)| seen))
}

/// Keeps the records that BOOT-02 was judged by.
fn keep_kernel_log(work: &Path, case: CaseId, seen: &Observation) -> Result<(), ValidateError> {
    let (CaseId::Boot02, Observation::KernelLog(log)) = (case, seen) else {
        return Ok(());
    };
    let mut text = String::new();
    for record in &log.records {
        let KernelRecord {
            level,
            facility,
            time_us,
            text: said,
        } = record;
        let (seconds, rest) = (time_us / 1_000_000, time_us % 1_000_000);
        writeln!(text, "<{level},{facility}>[{seconds:5}.{rest:06}] {said}")
            .expect("writing to a string cannot fail");
    }
    write_file(&work.join(KERNEL_LOG), text.as_bytes())
}
