//! Has the jobs done in the guest, one after the other; what they find and what they leave.

use std::collections::BTreeMap;

use detente_guest::prepare::{StepOutcome, StepResult};
use detente_plan::protocol::{
    ChangeEnd, FileSeen, FileState, GuestPath, MAX_DESCRIBED, Observation, Task, ToolEnd, ToolRun,
};

use super::error::PrepareError;
use super::jobs::Job;
use super::observer::PrepareEvent;
use super::talk::{Talk, why};
use crate::limits::ms;

/// How long a program of the guest's may take, with hardware acceleration.
const TOOL_S: u64 = 600;

/// The same of a file.
const FILE_S: u64 = 60;

/// Lines of a program's end that are kept.
const KEPT_LINES: usize = 20;

/// What the agent saw in places, by path.
pub(crate) type Seen = BTreeMap<String, FileState>;

/// What is in these places now.
pub(crate) fn describe(talk: &mut Talk<'_>, paths: &[GuestPath]) -> Result<Seen, PrepareError> {
    let mut seen = Seen::new();
    for part in paths.chunks(MAX_DESCRIBED) {
        let limit = talk.limit(FILE_S);
        let task = Task::DescribeFiles {
            paths: part.to_vec(),
        };
        match talk.ask(task, limit)? {
            Ok(Observation::Files { files }) => seen.extend(files.into_iter().map(of)),
            Ok(_) => {
                return Err(failed(
                    "looking at files",
                    "the agent answered something else",
                ));
            }
            Err(nothing) => return Err(failed("looking at files", &why(nothing))),
        }
    }
    Ok(seen)
}

fn of(seen: FileSeen) -> (String, FileState) {
    match seen.link {
        Some(target) => (seen.path, FileState::Link { target }),
        None => (seen.path, seen.state),
    }
}

/// Does all jobs, and syncs.
pub(crate) fn carry_out(
    talk: &mut Talk<'_>,
    jobs: &[Job],
) -> Result<Vec<StepResult>, PrepareError> {
    let mut results = Vec::new();
    for (index, job) in jobs.iter().enumerate() {
        talk.observer.event(&PrepareEvent::Begun {
            number: index.saturating_add(1),
            of: jobs.len(),
            name: &job.name,
            why: &job.why,
        });
        let begun = talk.session.elapsed();
        let mut output = Vec::new();
        for task in &job.tasks {
            output = one(talk, &job.name, task)?;
        }
        let duration_ms = ms(talk.session.elapsed().saturating_sub(begun));
        talk.observer.event(&PrepareEvent::Done {
            name: &job.name,
            duration_ms,
        });
        results.push(StepResult {
            step: job.name.clone(),
            outcome: StepOutcome::Done,
            output,
            duration_ms,
        });
    }
    sync(talk)?;
    Ok(results)
}

/// One task; the end of what its program printed.
fn one(talk: &mut Talk<'_>, step: &str, task: &Task) -> Result<Vec<String>, PrepareError> {
    let seconds = match task {
        Task::RunTool(_) => TOOL_S,
        _ => FILE_S,
    };
    let limit = talk.limit(seconds);
    let refused = |end: ChangeEnd, path: &str, found: &FileState| match end {
        ChangeEnd::Done => Ok(Vec::new()),
        ChangeEnd::Refused => Err(failed(step, &differs(path, found))),
    };
    match talk.ask(task.clone(), limit)? {
        Ok(Observation::Written(seen)) => refused(seen.end, &seen.resolved, &seen.found),
        Ok(Observation::Removed(seen)) => refused(seen.end, &seen.resolved, &seen.found),
        Ok(Observation::ToolRun(run)) => ran(step, &run),
        Ok(_) => Err(failed(step, "the agent answered something else")),
        Err(nothing) => Err(failed(step, &why(nothing))),
    }
}

fn differs(path: &str, found: &FileState) -> String {
    let found = match found {
        FileState::Absent => "nothing is there".to_owned(),
        FileState::File(content) => format!("a file of {} bytes is there", content.bytes),
        FileState::Link { target } => format!("a link to {target} is there"),
        FileState::Other { kind } => format!("a {kind} is there"),
    };
    format!("{path} of the running guest is not what its disk said: {found}")
}

fn ran(step: &str, run: &ToolRun) -> Result<Vec<String>, PrepareError> {
    let why = match run.end {
        ToolEnd::Exited { status: 0 } => return Ok(tail(run)),
        ToolEnd::Exited { status } => format!("its program ended with {status}"),
        ToolEnd::Signalled { signal } => format!("its program was killed by signal {signal}"),
        ToolEnd::TimedOut => "its program took too long".to_owned(),
        ToolEnd::Missing => "the guest has no such program".to_owned(),
    };
    Err(PrepareError::Step {
        step: step.to_owned(),
        why,
        output: tail(run),
    })
}

/// The last lines, what stands in standard error last.
fn tail(run: &ToolRun) -> Vec<String> {
    let lines = run.output_tail.lines().chain(run.error_tail.lines());
    let clean = |line: &str| -> String { line.chars().filter(|c| !c.is_control()).collect() };
    let lines: Vec<String> = lines
        .map(clean)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(KEPT_LINES);
    lines.into_iter().skip(from).collect()
}

fn sync(talk: &mut Talk<'_>) -> Result<(), PrepareError> {
    let step = "writing everything to the disks";
    let limit = talk.limit(FILE_S);
    match talk.ask(Task::SyncAll, limit)? {
        Ok(Observation::Synced(seen)) => {
            let broken = seen.mounts.iter().find_map(|mount| {
                let error = mount.error.as_ref()?;
                Some(format!("{}: {error}", mount.place))
            });
            broken.map_or(Ok(()), |broken| Err(failed(step, &broken)))
        }
        Ok(_) => Err(failed(step, "the agent answered something else")),
        Err(nothing) => Err(failed(step, &why(nothing))),
    }
}

fn failed(step: &str, why: &str) -> PrepareError {
    PrepareError::Step {
        step: step.to_owned(),
        why: why.to_owned(),
        output: Vec::new(),
    }
}
