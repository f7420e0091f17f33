//! Cases that are one question each, asked side by side.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{EchoSeen, Finding};
use detente_plan::protocol::{KernelRecord, Observation};

use super::{Context, Judged, KERNEL_LOG, no_answer};
use crate::ValidateError;
use crate::folder::write_file;
use crate::limits::ms;
use crate::session::Session;

/// How long the service on the host may take for the last bytes of a transfer.
const LAST_BYTES: Duration = Duration::from_secs(10);

/// Runs the cases of one batch that are one question each, side by side.
pub(crate) fn batch(
    context: &Context<'_>,
    session: &mut Session,
    cases: &[CaseId],
) -> Result<Vec<Judged>, ValidateError> {
    let mut judged = Vec::new();
    let mut given = Vec::new();
    for &case in cases.iter().filter(|case| context.applies(**case)) {
        let Some(task) = context.task(case) else {
            continue;
        };
        let started_ms = ms(session.elapsed());
        match unasked(session) {
            Some(finding) => judged.push(Judged {
                case,
                finding,
                duration_ms: 0,
                started_ms,
            }),
            None => given.push((case, session.give(task, context.limit(case)), started_ms)),
        }
    }
    for (case, task, started_ms) in given {
        let (finding, duration_ms) = match session.answer(&task)? {
            Ok((seen, duration_ms)) => {
                keep_kernel_log(context.work, case, &seen)?;
                (context.judge(case, &seen, session)?, duration_ms)
            }
            Err(nothing) => (
                no_answer(nothing),
                ms(session.elapsed()).saturating_sub(started_ms),
            ),
        };
        judged.push(Judged {
            case,
            finding,
            duration_ms,
            started_ms,
        });
    }
    Ok(judged)
}

/// Why a case is not begun at all, if it is not: the guest has ended.
pub(super) fn unasked(session: &Session) -> Option<Finding> {
    let how = session.died()?;
    let message = format!("not begun: {how}");
    Some(Finding::plain(Outcome::NotRun, "guest_ended", message))
}

/// What the service on the host saw of the transfer. The guest's word may be here before the
/// service has taken its last bytes.
pub(super) fn echo_seen(session: &mut Session) -> Result<EchoSeen, HostError> {
    // Late or not: what is there then is judged.
    session.wait(LAST_BYTES, |state| {
        let seen = state.network_seen();
        (!seen.echoed_sha256.is_empty()).then_some(())
    })?;
    let seen = session.network_seen();
    Ok(EchoSeen {
        bytes: seen.echoed_bytes,
        sha256: seen.echoed_sha256,
    })
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
