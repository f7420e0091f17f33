//! The tasks that are running: one worker each, watched by time and by length.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use detente_plan::protocol::{AgentMessage, MAX_PAYLOAD_BYTES, Task};
use rustix::fs::{MemfdFlags, OFlags, memfd_create};

use crate::job::{Job, failed};
use crate::worker::{self, WorkOrder};

/// More at once than any plan asks for.
const MAX_JOBS: usize = 8;
/// The envelope of an observation, generously.
const ENVELOPE_BYTES: usize = 4096;
const LONGEST: Duration = Duration::from_secs(3600);

/// What the host asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The number of the task.
    pub(crate) task_id: u32,
    /// What to do.
    pub(crate) task: Task,
    /// The limit.
    pub(crate) timeout_ms: u64,
    /// The longest report.
    pub(crate) output_limit_bytes: u32,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Jobs {
    program: PathBuf,
    first_device: u64,
    running: Vec<Job>,
    /// Killed, but not yet gone.
    dying: Vec<Child>,
}

impl Jobs {
    /// None yet; workers are started from `program`.
    pub(crate) fn new(program: impl Into<PathBuf>, first_device: u64) -> Self {
        Self {
            program: program.into(),
            first_device,
            running: Vec::new(),
            dying: Vec::new(),
        }
    }

    /// Starts a worker; a message comes back if that fails.
    pub(crate) fn start(&mut self, request: Request) -> Option<AgentMessage> {
        let task_id = request.task_id;
        if self.running.iter().any(|job| job.task_id() == task_id) {
            return None;
        }
        if self.running.len() >= MAX_JOBS {
            return Some(failed(
                task_id,
                format!("{MAX_JOBS} tasks are running already"),
                false,
            ));
        }
        match self.spawn(request) {
            Ok(job) => {
                self.running.push(job);
                None
            }
            Err(error) => Some(failed(
                task_id,
                format!("cannot start a worker: {error}"),
                false,
            )),
        }
    }

    fn spawn(&self, request: Request) -> io::Result<Job> {
        let limit = usize::try_from(request.output_limit_bytes).unwrap_or(usize::MAX);
        let limit = limit.min(MAX_PAYLOAD_BYTES - ENVELOPE_BYTES);
        let timeout = Duration::from_millis(request.timeout_ms).min(LONGEST);
        let order = WorkOrder {
            task: request.task,
            timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            output_limit_bytes: limit,
            first_device: self.first_device,
        };
        let mut child = Command::new(&self.program)
            .arg0("@detente-task")
            .arg(worker::ROLE)
            .env_clear()
            .stdin(as_file(&order)?)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let out = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        rustix::fs::fcntl_setfl(&out, OFlags::NONBLOCK)?;
        Ok(Job::new(request.task_id, (child, out), limit, timeout))
    }

    /// Hears the workers, ends those whose time is over, and says what there is to say.
    pub(crate) fn poll(&mut self) -> Vec<AgentMessage> {
        let mut messages = Vec::new();
        let now = Instant::now();
        for mut job in std::mem::take(&mut self.running) {
            let gone = job.is_gone();
            messages.extend(job.hear());
            messages.extend(job.overdue(now).or_else(|| job.silent(gone)));
            if !gone && now < job.end() {
                self.running.push(job);
            } else {
                self.bury(job);
            }
        }
        self.dying
            .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        messages
    }

    /// Ends a task; it says so unless it has reported.
    pub(crate) fn cancel(&mut self, task_id: u32) -> Option<AgentMessage> {
        let at = self
            .running
            .iter()
            .position(|job| job.task_id() == task_id)?;
        let job = self.running.remove(at);
        let message = (!job.has_reported()).then(|| failed(task_id, "cancelled".to_owned(), false));
        self.bury(job);
        message
    }

    /// Ends them all.
    pub(crate) fn cancel_all(&mut self) -> Vec<AgentMessage> {
        let ids: Vec<u32> = self.running.iter().map(Job::task_id).collect();
        ids.into_iter()
            .filter_map(|task_id| self.cancel(task_id))
            .collect()
    }

    /// Whether no worker exists any more.
    pub(crate) fn are_gone(&self) -> bool {
        self.running.is_empty() && self.dying.is_empty()
    }

    /// The pipes to wait for.
    pub(crate) fn pipes(&self) -> impl Iterator<Item = &ChildStdout> {
        self.running.iter().map(Job::pipe)
    }

    fn bury(&mut self, job: Job) {
        self.dying.push(job.kill());
    }
}

/// A file and not a pipe: it cannot block, and nobody has to write while the worker starts.
fn as_file(order: &WorkOrder) -> io::Result<File> {
    let mut file = File::from(memfd_create("order", MemfdFlags::CLOEXEC)?);
    file.write_all(&serde_json::to_vec(order)?)?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
