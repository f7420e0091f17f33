//! A worker: one process that does one task.
//!
//! The work order comes as JSON on standard input, the report leaves as one line of JSON on
//! standard output. The background agent kills the worker when its time is over.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::{Observation, Task};
use serde::{Deserialize, Serialize};

use crate::namespace;
use crate::phase::RootWatch;
use crate::task_error::{Doing as _, TaskError};
use crate::tasks::{self, Limits};

/// The first argument of a worker.
pub(crate) const ROLE: &str = "task";

/// What the background agent tells a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkOrder {
    /// What to do.
    pub(crate) task: Task,
    /// When the worker will be killed.
    pub(crate) timeout_ms: u64,
    /// The longest line that the background agent takes.
    pub(crate) output_limit_bytes: usize,
    /// Tells the initramfs from the real root.
    pub(crate) first_device: u64,
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Report {
    /// The task saw something.
    Seen(Observation),
    /// It could not.
    Failed(String),
    /// Not the end: a program of the guest's runs, in a process group of its own, to be ended
    /// with the worker.
    Started {
        /// The group's number.
        group: u32,
    },
    /// Not the end: that program has ended.
    Ended,
    /// Not the end: what that program says.
    Progress {
        /// The latest lines.
        lines: Vec<String>,
        /// How many before them were left out.
        left_out: u64,
    },
}

/// Does the task of standard input.
pub(crate) fn run() -> i32 {
    let mut text = Vec::new();
    if io::stdin()
        .lock()
        .take(1 << 21)
        .read_to_end(&mut text)
        .is_err()
    {
        return 1;
    }
    let Ok(order) = serde_json::from_slice::<WorkOrder>(&text) else {
        return 1;
    };
    let limits = Limits {
        end: Instant::now() + Duration::from_millis(order.timeout_ms),
        output_bytes: order.output_limit_bytes,
    };
    let report = match prepare(&order).and_then(|()| tasks::run(&order.task, &limits, &mut tell)) {
        Ok(done) => {
            let sent = send(&Report::Seen(done.observation));
            sleep(done.hold);
            drop(done.held);
            return sent;
        }
        Err(error) => Report::Failed(error.to_string()),
    };
    send(&report)
}

/// Enters the real root if the task needs it, and waits for it until killed.
fn prepare(order: &WorkOrder) -> Result<(), TaskError> {
    if !tasks::needs_root(&order.task) {
        return Ok(());
    }
    let mut watch = RootWatch::new(order.first_device);
    while !watch.look(Path::new("/proc")) {
        sleep(Duration::from_millis(100));
    }
    namespace::enter_root_of_first().doing("enter the guest's root")
}

/// Says something before the end; nobody hears it where the background agent is gone.
fn tell(report: Report) {
    let _ = send(&report);
}

fn send(report: &Report) -> i32 {
    let Ok(mut line) = serde_json::to_vec(report) else {
        return 1;
    };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    i32::from(out.write_all(&line).and_then(|()| out.flush()).is_err())
}
