//! What a case's end means.

use detente_evidence::Outcome;
use detente_plan::judge::Finding;
use detente_plan::protocol::{ToolEnd, ToolRun};

/// "Does not apply here" (GNU Automake, "Scripts-based Testsuites").
const SKIP: i32 = 77;

/// "The test itself is broken" (the same).
const HARD_ERROR: i32 = 99;

/// "Out of time" (GNU coreutils, `timeout`).
const OUT_OF_TIME: i32 = 124;

/// The most characters of a message.
const MESSAGE_LIMIT: usize = 400;

/// What the end of a case's program means.
pub(crate) fn judged(run: &ToolRun, limit_s: u64) -> Finding {
    let said = message(&run.output_tail);
    let with = |plain: &str| match &said {
        Some(said) => said.clone(),
        None => plain.to_owned(),
    };
    match run.end {
        ToolEnd::Exited { status: 0 } => {
            let mut finding = Finding::plain(Outcome::Passed, "", with("exit code 0"));
            finding.reason_code = None;
            finding
        }
        ToolEnd::Exited { status: SKIP } => {
            let message = with("the case says that it does not apply");
            Finding::plain(Outcome::Skipped, "case_skipped", message)
        }
        ToolEnd::Exited { status: HARD_ERROR } => {
            let message = format!("the case itself did not work: {}", with("exit code 99"));
            Finding::plain(Outcome::Error, "case_error", message)
        }
        ToolEnd::Exited {
            status: OUT_OF_TIME,
        } => {
            let message = format!("out of time, as it says: {}", with("exit code 124"));
            Finding::plain(Outcome::Failed, "timeout", message)
        }
        ToolEnd::Exited { status } => {
            let message = format!("{} (exit code {status})", with("it said nothing"));
            Finding::plain(Outcome::Failed, "exit_code", message)
        }
        ToolEnd::Signalled { signal } => {
            let message = format!("ended by signal {signal}");
            Finding::plain(Outcome::Failed, "signalled", message)
        }
        ToolEnd::TimedOut => {
            let message = format!("not done within {limit_s} s");
            Finding::plain(Outcome::Failed, "timeout", message)
        }
        ToolEnd::Missing => {
            let message = "the guest cannot run it: its interpreter is missing, or it may not";
            Finding::plain(Outcome::Error, "not_runnable", message)
        }
    }
}

/// The last line that says something.
fn message(output: &str) -> Option<String> {
    let line = output.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().chars().take(MESSAGE_LIMIT).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(end: ToolEnd, output: &str, expect: Outcome, message: &str) {
        let run = ToolRun {
            end,
            elapsed_ms: 1,
            output_tail: output.to_owned(),
            output_bytes: 0,
            error_tail: String::new(),
            error_bytes: 0,
        };
        let finding = judged(&run, 60);
        assert_eq!(finding.outcome, expect);
        assert_eq!(finding.message, message);
        assert_eq!(finding.reason_code.is_none(), expect == Outcome::Passed);
    }

    fn exited(status: i32) -> ToolEnd {
        ToolEnd::Exited { status }
    }

    #[test]
    fn the_exit_code_decides_and_the_last_line_is_the_message() {
        check(exited(0), "1\n2 mounts\n\n", Outcome::Passed, "2 mounts");
        check(exited(0), "", Outcome::Passed, "exit code 0");
        check(
            exited(1),
            "no /srv\n",
            Outcome::Failed,
            "no /srv (exit code 1)",
        );
        check(
            exited(2),
            "",
            Outcome::Failed,
            "it said nothing (exit code 2)",
        );
        check(exited(77), "no raid", Outcome::Skipped, "no raid");
        let own = "the case itself did not work: no jq";
        check(exited(99), "no jq", Outcome::Error, own);
        check(
            exited(124),
            "",
            Outcome::Failed,
            "out of time, as it says: exit code 124",
        );
    }

    #[test]
    fn a_program_that_does_not_end_or_cannot_run_is_told() {
        check(
            ToolEnd::TimedOut,
            "x",
            Outcome::Failed,
            "not done within 60 s",
        );
        let signal = ToolEnd::Signalled { signal: 11 };
        check(signal, "x", Outcome::Failed, "ended by signal 11");
        let missing = "the guest cannot run it: its interpreter is missing, or it may not";
        check(ToolEnd::Missing, "", Outcome::Error, missing);
    }

    #[test]
    fn a_message_is_bounded() {
        let finding = message(&"é".repeat(10_000)).unwrap();
        assert_eq!(finding.chars().count(), MESSAGE_LIMIT);
    }
}
