//! Running a program of the guest's.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use detente_plan::protocol::{RunTool, ToolEnd, ToolRun};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::Limits;
use super::tool_output::{Lines, Stream};
use crate::task_error::{Doing as _, TaskError};
use crate::tool;
use crate::worker::Report;

/// Where programs of the system are, on every distribution.
pub(super) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

const MAX_TAIL_BYTES: usize = 64 * 1024;
/// Kept back to report that the time was over.
const RESERVE: Duration = Duration::from_secs(2);
/// How long the outputs of a program that has ended may stay open: what it has started in the
/// background may hold them.
const LINGERING: Duration = Duration::from_secs(1);
const TICK_NS: i64 = 100_000_000;

/// Runs it to its end, or to the end of its time.
///
/// # Errors
/// It could not be started.
pub(super) fn run(
    order: &RunTool,
    limits: &Limits,
    tell: &mut dyn FnMut(Report),
) -> Result<ToolRun, TaskError> {
    let name = order.argv.first().map_or("", String::as_str);
    let Some(program) = find(Path::new("/"), name) else {
        return Ok(missing());
    };
    let mut command = Command::new("/proc/self/exe");
    command
        .arg(tool::ROLE)
        .arg(order.folder.as_ref().map_or("/", |folder| folder.as_str()))
        .arg(program)
        .args(&order.argv)
        .env_clear()
        .envs([
            ("PATH", PATH),
            ("HOME", "/root"),
            ("LANG", "C"),
            ("LC_ALL", "C"),
            ("TERM", "dumb"),
            // systemd, docs/ENVIRONMENT.md: what is to be enabled is, on the disk; nothing is started
            // or reloaded in a guest that is about to be turned off.
            ("SYSTEMD_OFFLINE", "1"),
        ])
        .envs(order.env.iter().map(|(name, value)| (name, value)));
    let tail_bytes = usize::try_from(order.tail_bytes).unwrap_or(usize::MAX);
    watch(command, tail_bytes, limits, tell)
}

fn missing() -> ToolRun {
    ToolRun {
        end: ToolEnd::Missing,
        elapsed_ms: 0,
        output_tail: String::new(),
        output_bytes: 0,
        error_tail: String::new(),
        error_bytes: 0,
    }
}

/// The file of a program: as it is named, or the first of that name in [`PATH`].
pub(super) fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let runs = |file: &PathBuf| {
        let metadata = root.join(file.strip_prefix("/").unwrap_or(file)).metadata();
        metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if name.is_empty() || name.contains('\0') {
        return None;
    }
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(runs);
    }
    let folders = PATH.split(':').map(Path::new);
    folders.map(|folder| folder.join(name)).find(runs)
}

/// Starts `command` in a process group of its own and listens to it.
fn watch(
    mut command: Command,
    tail_bytes: usize,
    limits: &Limits,
    tell: &mut dyn FnMut(Report),
) -> Result<ToolRun, TaskError> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .doing("start the program")?;
    // Whoever ends this worker ends the program too.
    tell(Report::Started { group: child.id() });
    let tail_bytes = tail_bytes.min(MAX_TAIL_BYTES).min(limits.output_bytes / 8);
    let stream = |pipe: Option<OwnedFd>| pipe.map(|pipe| Stream::new(pipe, tail_bytes));
    let pipes = (
        stream(child.stdout.take().map(Into::into)),
        stream(child.stderr.take().map(Into::into)),
    );
    let (Some(output), Some(errors)) = pipes else {
        return Err(TaskError::Missing {
            what: "the program's output".to_owned(),
        });
    };
    let mut streams = [output, errors];
    let due = started + limits.left(RESERVE);
    let end = listen(&mut child, &mut streams, due, tell).doing("wait for the program")?;
    tell(Report::Ended);
    let [output, errors] = streams;
    let (output_bytes, output_tail) = output.finish();
    let (error_bytes, error_tail) = errors.finish();
    Ok(ToolRun {
        end,
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        output_tail,
        output_bytes,
        error_tail,
        error_bytes,
    })
}

/// Until the program has ended and its outputs too, or it has been killed.
fn listen(
    child: &mut Child,
    streams: &mut [Stream; 2],
    due: Instant,
    tell: &mut dyn FnMut(Report),
) -> std::io::Result<ToolEnd> {
    let mut lines = Lines::new();
    let mut ended: Option<(ToolEnd, Instant)> = None;
    loop {
        for stream in &mut *streams {
            stream.read(&mut lines);
        }
        if let Some((lines, left_out)) = lines.due() {
            tell(Report::Progress { lines, left_out });
        }
        if ended.is_none() {
            ended = child
                .try_wait()?
                .map(|status| (end(status), Instant::now()));
        }
        let silent = streams.iter().all(|stream| stream.pipe().is_none());
        match ended {
            Some((end, at)) if silent || at.elapsed() >= LINGERING => return Ok(end),
            None if Instant::now() >= due => {
                let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
                child.wait()?;
                ended = Some((ToolEnd::TimedOut, Instant::now()));
            }
            Some(_) | None => wait(streams),
        }
    }
}

fn wait(streams: &[Stream; 2]) {
    let pipes = streams.iter().filter_map(Stream::pipe);
    let mut fds: Vec<PollFd<'_>> = pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: TICK_NS,
    };
    // An interrupted wait is a short one.
    let _ = poll(&mut fds, Some(&tick));
}

fn end(status: ExitStatus) -> ToolEnd {
    match (status.code(), status.signal()) {
        (Some(status), _) => ToolEnd::Exited { status },
        (None, signal) => ToolEnd::Signalled {
            signal: signal.unwrap_or_default(),
        },
    }
}

#[cfg(test)]
#[path = "run_tool_tests.rs"]
mod tests;
