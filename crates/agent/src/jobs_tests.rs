//! Workers that behave badly, played by shell scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use detente_plan::protocol::{AgentMessage, Task};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

use super::{Jobs, MAX_JOBS, Request};

/// No script takes so long; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Jobs whose workers run `script`; the directory holds it as long as it lives.
fn jobs(script: &str) -> (Jobs, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("worker");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    (Jobs::new(program, 0), directory)
}

fn request(task_id: u32, timeout_ms: u64) -> Request {
    Request {
        task_id,
        task: Task::CountCpus,
        timeout_ms,
        output_limit_bytes: 1000,
    }
}

/// What is said once, and that nothing is said after it.
fn only_message(jobs: &mut Jobs) -> AgentMessage {
    let end = Instant::now() + PATIENCE;
    let mut messages = Vec::new();
    while (messages.is_empty() || !jobs.are_gone()) && Instant::now() < end {
        messages.extend(jobs.poll());
        let mut fds: Vec<PollFd<'_>> = jobs
            .pipes()
            .map(|pipe| PollFd::new(pipe, PollFlags::IN))
            .collect();
        let _ = poll(
            &mut fds,
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: 10_000_000,
            }),
        );
    }
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

#[track_caller]
fn check(script: &str, timeout_ms: u64, expect: &str, expect_timed_out: bool) {
    let (mut jobs, _directory) = jobs(script);
    assert_eq!(jobs.start(request(5, timeout_ms)), None);
    match only_message(&mut jobs) {
        AgentMessage::TaskFailed {
            task_id,
            reason,
            timed_out,
        } => {
            assert_eq!((task_id, timed_out), (5, expect_timed_out));
            assert!(reason.contains(expect), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

const LONG: u64 = 60_000;

#[test]
fn a_worker_that_fails_says_why() {
    check("echo '{\"failed\":\"no disk\"}'", LONG, "no disk", false);
}

#[test]
fn a_worker_that_says_nothing_has_failed() {
    check("exit 0", LONG, "without a report", false);
}

#[test]
fn a_worker_that_babbles_has_failed() {
    check("echo hello; exec sleep 1000", LONG, "cannot be read", false);
}

#[test]
fn a_report_over_the_limit_ends_the_worker() {
    check("exec yes", LONG, "longer than 1000 bytes", false);
    check(
        "head -c 2000 /dev/zero; exec sleep 1000",
        LONG,
        "longer than 1000 bytes",
        false,
    );
}

#[test]
fn a_worker_whose_time_is_over_is_ended_with_its_children() {
    check("sleep 1000 & sleep 1000", 50, "the time is over", true);
}

#[test]
fn a_report_comes_at_once_though_the_worker_stays() {
    let report = r#"{"seen":{"observation":"console-line","written":true,"held_by":[]}}"#;
    let (mut jobs, _directory) = jobs(&format!("echo '{report}'; exec sleep 1000"));
    assert_eq!(jobs.start(request(5, LONG)), None);
    let end = Instant::now() + PATIENCE;
    let mut said = Vec::new();
    while said.is_empty() && Instant::now() < end {
        said = jobs.poll();
    }
    assert!(
        matches!(&*said, [AgentMessage::Observed { task_id: 5, .. }]),
        "{said:?}"
    );
    assert!(!jobs.are_gone());
    assert_eq!(jobs.cancel(5), None, "it has said what it had to say");
}

#[test]
fn the_work_order_is_on_standard_input() {
    let (mut jobs, _directory) = jobs(
        r#"grep -q '"task":"count-cpus"' && [ "$1" = task ] && echo '{"failed":"understood"}'"#,
    );
    assert_eq!(jobs.start(request(5, LONG)), None);
    let said = only_message(&mut jobs);
    assert!(matches!(said, AgentMessage::TaskFailed { reason, .. } if reason == "understood"));
}

#[test]
fn a_cancelled_task_says_so() {
    let (mut jobs, _directory) = jobs("exec sleep 1000");
    assert_eq!(jobs.start(request(5, LONG)), None);
    assert_eq!(jobs.cancel(6), None);
    let said = jobs.cancel(5);
    assert!(
        matches!(&said, Some(AgentMessage::TaskFailed { task_id: 5, reason, .. }) if reason == "cancelled")
    );
}

#[test]
fn there_is_a_limit_to_what_runs_at_once() {
    let (mut jobs, _directory) = jobs("exec sleep 1000");
    for task_id in 0..u32::try_from(MAX_JOBS).unwrap() {
        assert_eq!(jobs.start(request(task_id, LONG)), None);
    }
    assert!(matches!(
        jobs.start(request(99, LONG)),
        Some(AgentMessage::TaskFailed { task_id: 99, .. })
    ));
    assert_eq!(jobs.cancel_all().len(), MAX_JOBS);
}

#[test]
fn a_program_that_is_missing_is_told() {
    let mut jobs = Jobs::new("/nonexistent/agent", 0);
    assert!(matches!(
        jobs.start(request(5, LONG)),
        Some(AgentMessage::TaskFailed { .. })
    ));
}

#[test]
fn what_a_program_says_is_told_before_the_report() {
    let (mut jobs, _directory) = jobs(
        r#"echo '{"started":{"group":1000000}}'
        echo '{"progress":{"lines":["one","two"],"left_out":3}}'
        echo '"ended"'
        echo '{"failed":"enough"}'"#,
    );
    assert_eq!(jobs.start(request(5, LONG)), None);
    let end = Instant::now() + PATIENCE;
    let mut said = Vec::new();
    while said.len() < 2 && Instant::now() < end {
        said.extend(jobs.poll());
    }
    let expected = AgentMessage::Progress {
        task_id: 5,
        lines: vec!["one".to_owned(), "two".to_owned()],
        left_out: 3,
    };
    assert_eq!(said.first(), Some(&expected));
    assert!(matches!(&said[1], AgentMessage::TaskFailed { reason, .. } if reason == "enough"));
}

#[test]
fn a_program_ends_with_its_worker_though_it_has_a_group_of_its_own() {
    let (mut jobs, directory) = jobs(
        r#"setsid sleep 1000 & echo $! > "${0%/*}/pid"
        echo '{"started":{"group":'$!'}}'
        echo '{"progress":{"lines":[],"left_out":0}}'
        exec sleep 1000"#,
    );
    assert_eq!(jobs.start(request(5, LONG)), None);
    let end = Instant::now() + PATIENCE;
    while jobs.poll().is_empty() && Instant::now() < end {}
    let pid = fs::read_to_string(directory.path().join("pid")).expect("its number");
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // proc(5): the state stands behind the name; nobody may have reaped it yet.
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    };
    assert!(runs(), "it has been started");
    jobs.cancel(5);
    while runs() && Instant::now() < end {}
    assert!(!runs(), "it still runs");
}
