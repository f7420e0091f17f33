//! One worker: what it has said, and when its time is over.

use std::process::{Child, ChildStdout};
use std::time::{Duration, Instant};

use detente_plan::protocol::AgentMessage;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::worker::Report;

/// A worker and what it has said so far.
#[derive(Debug)]
pub(crate) struct Job {
    task_id: u32,
    child: Child,
    out: ChildStdout,
    said: Vec<u8>,
    limit: usize,
    started: Instant,
    end: Instant,
    reported: bool,
    /// The process group of a program that it has started and that is not in its own.
    group: Option<Pid>,
}

impl Job {
    /// A worker that has just been started, with what it reports to; the pipe does not block.
    pub(crate) fn new(
        task_id: u32,
        (child, out): (Child, ChildStdout),
        limit: usize,
        timeout: Duration,
    ) -> Self {
        let started = Instant::now();
        Self {
            task_id,
            child,
            out,
            said: Vec::new(),
            limit,
            started,
            end: started + timeout,
            reported: false,
            group: None,
        }
    }

    /// The number of the task.
    pub(crate) fn task_id(&self) -> u32 {
        self.task_id
    }

    /// When its time is over.
    pub(crate) fn end(&self) -> Instant {
        self.end
    }

    /// Whether it has said what it had to say.
    pub(crate) fn has_reported(&self) -> bool {
        self.reported
    }

    /// What to wait for.
    pub(crate) fn pipe(&self) -> &ChildStdout {
        &self.out
    }

    /// Whether the process has ended.
    pub(crate) fn is_gone(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Ends it with all that it has started; what is left is to be waited for.
    pub(crate) fn kill(self) -> Child {
        // The group and not the worker alone: it may have started a command of the guest.
        let own = Some(Pid::from_child(&self.child));
        for group in [own, self.group].into_iter().flatten() {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.child
    }

    /// Reads what the worker says; messages come back for each whole line, the last of them once.
    pub(crate) fn hear(&mut self) -> Vec<AgentMessage> {
        self.read();
        let mut messages = Vec::new();
        if self.said.len() > self.limit && !self.reported {
            let reason = format!("the report is longer than {} bytes", self.limit);
            messages.push(self.fail(reason, false));
        }
        // Each turn takes a line off `said`.
        while !self.reported
            && let Some(end) = self.said.iter().position(|byte| *byte == b'\n')
        {
            let line: Vec<u8> = self.said.drain(..=end).collect();
            messages.extend(self.take(&line));
        }
        if self.reported {
            self.said.clear();
        }
        messages
    }

    fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        while self.said.len() <= self.limit {
            match rustix::io::read(&self.out, &mut buffer) {
                Ok(0) => break,
                Ok(bytes) => self
                    .said
                    .extend_from_slice(buffer.get(..bytes).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
    }

    /// Takes one line.
    fn take(&mut self, line: &[u8]) -> Option<AgentMessage> {
        Some(match serde_json::from_slice(line) {
            Ok(Report::Started { group }) => {
                self.group = i32::try_from(group).ok().and_then(Pid::from_raw);
                return None;
            }
            Ok(Report::Ended) => {
                self.group = None;
                return None;
            }
            Ok(Report::Progress { lines, left_out }) => AgentMessage::Progress {
                task_id: self.task_id,
                lines,
                left_out,
            },
            Ok(Report::Seen(observation)) => {
                self.reported = true;
                let elapsed = self.started.elapsed().as_millis();
                AgentMessage::Observed {
                    task_id: self.task_id,
                    observation,
                    duration_ms: u64::try_from(elapsed).unwrap_or(u64::MAX),
                }
            }
            Ok(Report::Failed(reason)) => self.fail(reason, false),
            Err(error) => {
                let reason = format!("the worker's report cannot be read: {error}");
                self.fail(reason, false)
            }
        })
    }

    /// What to say where the time is over and nothing was reported.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<AgentMessage> {
        (!self.reported && now >= self.end).then(|| self.fail("the time is over".to_owned(), true))
    }

    /// What to say where the process has ended and nothing was reported.
    pub(crate) fn silent(&mut self, gone: bool) -> Option<AgentMessage> {
        (!self.reported && gone)
            .then(|| self.fail("the worker ended without a report".to_owned(), false))
    }

    fn fail(&mut self, reason: String, timed_out: bool) -> AgentMessage {
        self.reported = true;
        // Nothing more is expected of it.
        self.end = self.started;
        failed(self.task_id, reason, timed_out)
    }
}

/// A task that came to nothing.
pub(crate) fn failed(task_id: u32, reason: String, timed_out: bool) -> AgentMessage {
    AgentMessage::TaskFailed {
        task_id,
        reason,
        timed_out,
    }
}
