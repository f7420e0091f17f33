//! STO-13: several files are written and read at once.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check, check_as, measured, number, seconds};
use crate::protocol::{DiskLoaded, DiskWorker};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskLoad {
    /// Files at once.
    pub workers: u8,
    /// Rounds of each.
    pub rounds: u8,
    /// The length of each file.
    pub bytes: u64,
}

/// Judges the files.
#[must_use]
pub fn sto13(seen: &DiskLoaded, asked: DiskLoad) -> Finding {
    let mut checks = vec![check(
        "workers",
        seen.workers.len() == usize::from(asked.workers),
        format!(
            "{} of {} files were written and read at once in {}",
            seen.workers.len(),
            asked.workers,
            seconds(seen.elapsed_ms)
        ),
    )];
    checks.extend(
        seen.workers
            .iter()
            .zip(1_u32..)
            .map(|(worker, at)| judged(worker, at, asked)),
    );
    if !seen.past_cache {
        let message = "the file system gives no way past the cache: what was read may never have \
                       been on the disk";
        checks.push(check_as("past_cache", Outcome::PassedWithWarning, message));
    }
    let bytes = seen
        .workers
        .iter()
        .fold(0_u64, |sum, worker| sum.saturating_add(worker.bytes));
    let measurements = vec![
        measured("written and read", number(bytes), "bytes", None),
        measured("took", number(seen.elapsed_ms), "ms", None),
    ];
    Finding::of_checks(checks, measurements)
}

fn judged(worker: &DiskWorker, at: u32, asked: DiskLoad) -> Check {
    let wanted = asked.bytes.saturating_mul(asked.rounds.into());
    if let Some(error) = &worker.error {
        return check("file", false, format!("file {at} ended early: {error}"));
    }
    if worker.wrong > 0 {
        let message = format!(
            "file {at} came back with another digest than it was written with, {} of {} times",
            worker.wrong, worker.rounds
        );
        return check("file", false, message);
    }
    let whole = worker.rounds == asked.rounds && worker.bytes >= wanted && wanted > 0;
    let message = format!("file {at}: {} of {wanted} bytes whole", worker.bytes);
    check("file", whole, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: DiskLoad = DiskLoad {
        workers: 2,
        rounds: 2,
        bytes: 4096,
    };

    fn sound() -> DiskLoaded {
        let worker = DiskWorker {
            rounds: 2,
            bytes: 8192,
            wrong: 0,
            error: None,
        };
        DiskLoaded {
            workers: vec![worker.clone(), worker],
            past_cache: true,
            elapsed_ms: 1234,
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut DiskLoaded), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = sto13(&seen, ASKED);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn files_that_come_back_whole_pass() {
        verdict(
            |_| (),
            Outcome::Passed,
            "2 of 2 files were written and read at once in 1.2 s",
        );
    }

    #[test]
    fn each_spoiled_sign_fails() {
        verdict(
            |seen| seen.workers[1].wrong = 1,
            Outcome::Failed,
            "file 2 came back with another digest than it was written with, 1 of 2 times",
        );
        verdict(
            |seen| seen.workers[0].error = Some("cannot sync: I/O error".to_owned()),
            Outcome::Failed,
            "file 1 ended early: cannot sync",
        );
        verdict(
            |seen| seen.workers[0].rounds = 1,
            Outcome::Failed,
            "file 1: 8192 of",
        );
        verdict(
            |seen| seen.workers[0].bytes = 0,
            Outcome::Failed,
            "file 1: 0 of 8192",
        );
        verdict(
            |seen| drop(seen.workers.pop()),
            Outcome::Failed,
            "1 of 2 files",
        );
    }

    #[test]
    fn what_may_have_come_from_the_cache_is_said() {
        verdict(
            |seen| seen.past_cache = false,
            Outcome::PassedWithWarning,
            "past the cache",
        );
    }
}
