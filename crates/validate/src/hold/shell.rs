//! A shell by the agent on a socket: a line is run, and what it said comes back.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use detente_plan::protocol::{Observation, RunTool, Task, ToolEnd, ToolRun};

use super::console::{accepted, is_there, listener};
use crate::session::{Given, Session, TaskEnd};

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How much of a command's output comes back.
const TAIL_BYTES: u32 = 48 * 1024;

/// The longest command.
const LINE_BYTES: usize = 4_096;

const WELCOME: &str =
    "Each line is run by /bin/sh as root, from /; the end of its output follows.\n# ";

/// A socket for one user at a time.
pub(super) struct ShellSocket {
    listener: UnixListener,
    path: PathBuf,
    client: Option<Client>,
}

/// Who is in, and what was asked.
struct Client {
    stream: UnixStream,
    line: Vec<u8>,
    asked: Option<Given>,
}

impl ShellSocket {
    pub(super) fn new(path: PathBuf) -> io::Result<Self> {
        Ok(Self {
            listener: listener(&path)?,
            path,
            client: None,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what was asked and gives what came of it.
    pub(super) fn serve(&mut self, session: &mut Session) {
        if self.client.is_none()
            && let Some(mut stream) = accepted(&self.listener)
        {
            // A user who is gone at once is let go below.
            let _ = stream.write(WELCOME.as_bytes());
            self.client = Some(Client {
                stream,
                line: Vec::new(),
                asked: None,
            });
        }
        if let Some(client) = &mut self.client
            && !client.serve(session)
        {
            self.client = None;
        }
    }
}

impl Client {
    /// Whether the user is still there.
    fn serve(&mut self, session: &mut Session) -> bool {
        if let Some(asked) = &self.asked {
            let Some(end) = session.taken(asked) else {
                return true;
            };
            self.asked = None;
            return is_there(&self.stream.write(said(end).as_bytes()));
        }
        let mut bytes = [0; 512];
        let read = self.stream.read(&mut bytes);
        if let Ok(count) = &read {
            self.line.extend(bytes.iter().take(*count));
        }
        if !is_there(&read) || matches!(read, Ok(0)) || self.line.len() > LINE_BYTES {
            return false;
        }
        let Some(end) = self.line.iter().position(|byte| *byte == b'\n') else {
            return true;
        };
        let rest = self.line.split_off(end.saturating_add(1));
        let line = std::mem::replace(&mut self.line, rest);
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if line.is_empty() {
            return is_there(&self.stream.write(b"# "));
        }
        self.asked = Some(session.give(command(line), LIMIT));
        true
    }
}

fn command(line: String) -> Task {
    Task::RunTool(RunTool {
        argv: vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
        env: vec![("SYSTEMD_OFFLINE".to_owned(), "0".to_owned())],
        folder: None,
        tail_bytes: TAIL_BYTES,
    })
}

/// What came of a command. Whatever would steer a terminal is taken out of it.
fn said(end: TaskEnd) -> String {
    let (mut text, how) = match end {
        TaskEnd::Observed {
            observation: Observation::ToolRun(run),
            ..
        } => (
            format!("{}{}", run.output_tail, run.error_tail),
            ended(&run),
        ),
        TaskEnd::Observed { .. } => (String::new(), "something else was answered".to_owned()),
        TaskEnd::Failed { reason, .. } => (String::new(), reason),
    };
    text.retain(|c| !c.is_control() || c == '\n' || c == '\t');
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    format!("{text}[{how}]\n# ")
}

fn ended(run: &ToolRun) -> String {
    match run.end {
        ToolEnd::Exited { status } => format!("exit code {status}"),
        ToolEnd::Signalled { signal } => format!("signal {signal}"),
        ToolEnd::TimedOut => format!("ended after {} s", LIMIT.as_secs()),
        ToolEnd::Missing => "no /bin/sh".to_owned(),
    }
}
