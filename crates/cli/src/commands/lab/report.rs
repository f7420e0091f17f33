//! What the commands of the lab answer.

use detente_host::lab::warm::WarmLab;
use serde::Serialize;

use crate::args::Format;
use crate::output::Output;

/// How the lab stands, after the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It is up and waits for a guest.
    Up,
    /// It has a guest, or is just being started or ended.
    InUse,
    /// There is none.
    Down,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: &'static str,
    state: State,
    changed: bool,
    message: String,
    lab: Option<Lab>,
}

/// A lab that is up.
#[derive(Debug, Serialize)]
struct Lab {
    version: String,
    kernel: String,
    kernel_origin: String,
    processors: u32,
    memory_mib: u64,
    guest_memory_mib: u64,
    folder: String,
}

impl Report {
    /// The answer, with the lab if one is up. `changed` says whether the command changed how the
    /// lab stands.
    pub(super) fn new(state: State, changed: bool, message: &str, lab: Option<WarmLab>) -> Self {
        Self {
            schema: "detente/lab-status/1",
            state,
            changed,
            message: message.to_owned(),
            lab: lab.map(|lab| Lab {
                version: lab.version,
                kernel: lab.kernel,
                kernel_origin: lab.kernel_origin,
                processors: lab.processors,
                memory_mib: lab.memory_mib,
                guest_memory_mib: lab.guest_memory_mib,
                folder: lab.folder,
            }),
        }
    }

    /// Prints it.
    pub(super) fn print(&self, format: Format, out: &mut Output) -> anyhow::Result<()> {
        match format {
            Format::Json => out.json(self)?,
            Format::Text => {
                out.line(&self.message)?;
                for line in self.lab.iter().flat_map(Lab::lines) {
                    out.line(&line)?;
                }
            }
        }
        Ok(())
    }
}

impl Lab {
    fn lines(&self) -> [String; 4] {
        [
            format!(
                "  kernel      Linux {}, {}",
                self.kernel, self.kernel_origin
            ),
            format!(
                "  size        {} processors, {} MiB: guests of up to {} MiB",
                self.processors, self.memory_mib, self.guest_memory_mib
            ),
            format!("  started by  detente {}", self.version),
            format!("  folder      {}", self.folder),
        ]
    }
}
