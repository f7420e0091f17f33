//! What is answered: the new folder, its disks, and what was lost.

use std::path::Path;
use std::process::ExitCode;

use detente_machine::{Gate, Loss};
use serde::{Deserialize, Serialize};

use super::source::Loaded;
use super::{Effect, Wanted};
use crate::args::Format;
use crate::output::Output;
use crate::page::{clean, size};
use crate::{BAD, FINE};

/// The answer for programs, which lies in the new folder, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::commands) struct Document {
    schema: String,
    pub(super) machine: String,
    source_kind: String,
    sources: Vec<String>,
    to: String,
    pub(super) folder: String,
    pub(super) result: Done,
    /// What has to be accepted before it is made.
    gates: Vec<Gate>,
    accepted: Vec<Gate>,
    pub(super) disks: Vec<Made>,
    processors: u32,
    memory_bytes: u64,
    losses: Vec<Loss>,
    /// What tells it from others in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Done {
    /// The folder is there.
    Made,
    /// It would be made.
    WouldBeMade,
    /// A gate is shut.
    RefusedByGate,
    /// Something would be lost, and nothing may.
    RefusedByStrict,
}

/// A disk that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) file: String,
    pub(super) source: String,
    pub(super) virtual_size_bytes: u64,
    pub(super) file_size_bytes: u64,
    pub(super) allocated_bytes: u64,
    /// Of kits, whose script holds the disk against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
}

/// A loss report by itself.
#[derive(Serialize)]
struct LossReport<'a> {
    schema: &'static str,
    machine: &'a str,
    to: &'a str,
    losses: &'a [Loss],
}

impl Document {
    /// The name of the document.
    pub(super) const SCHEMA: &'static str = "detente/convert/1";

    pub(super) fn new(wanted: &Wanted, loaded: &Loaded, target: &Path) -> Self {
        let sources = wanted.sources.iter();
        Self {
            schema: Self::SCHEMA.to_owned(),
            machine: loaded.spec.name.clone(),
            source_kind: loaded.kind.name().to_owned(),
            sources: sources.map(|path| path.display().to_string()).collect(),
            to: wanted.to.name().to_owned(),
            folder: target.display().to_string(),
            result: match wanted.effect {
                Effect::Made => Done::Made,
                Effect::OnlySaid => Done::WouldBeMade,
            },
            gates: Vec::new(),
            accepted: wanted.accept.clone(),
            disks: Vec::new(),
            processors: loaded.spec.processors.count,
            memory_bytes: loaded.spec.memory.startup_bytes,
            losses: loaded.losses.iter().cloned().collect(),
            job: wanted.job.clone(),
        }
    }

    /// Nothing was made, and why.
    pub(super) fn refuse(&mut self, shut: Vec<Gate>, strict: bool) {
        if !shut.is_empty() {
            self.result = Done::RefusedByGate;
            self.gates = shut;
        } else if strict {
            self.result = Done::RefusedByStrict;
        }
    }

    pub(super) fn made(&mut self, folder: &Path) {
        self.folder = folder.display().to_string();
    }

    pub(super) fn code(&self) -> anyhow::Result<ExitCode> {
        Ok(ExitCode::from(self.code_number()))
    }

    pub(super) fn code_number(&self) -> u8 {
        match self.result {
            Done::Made | Done::WouldBeMade => FINE,
            Done::RefusedByGate | Done::RefusedByStrict => BAD,
        }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let lost = match self.losses.len() {
            0 => "nothing lost".to_owned(),
            1 => "1 loss".to_owned(),
            count => format!("{count} losses"),
        };
        let line = match self.result {
            Done::Made => format!("{}: {} ({lost})", self.machine, self.folder),
            Done::WouldBeMade => format!("{}: would become {} ({lost})", self.machine, self.folder),
            Done::RefusedByGate => {
                let gates: Vec<_> = self.gates.iter().map(|gate| gate.name()).collect();
                format!("{}: not converted: {}", self.machine, gates.join(", "))
            }
            Done::RefusedByStrict => format!("{}: not converted: {lost}", self.machine),
        };
        clean(&line)
    }

    pub(super) fn print(&self, format: Format, out: &mut Output) -> anyhow::Result<()> {
        if format == Format::Json {
            return out.json(self);
        }
        out.line(&self.line())?;
        let disks = self.disks.iter().map(|disk| {
            let (virtual_size, room) = (size(disk.virtual_size_bytes), size(disk.allocated_bytes));
            format!(
                "  {} of {virtual_size}, file of {room}, from {}",
                disk.file, disk.source
            )
        });
        for line in disks {
            out.line(&clean(&line))?;
        }
        for loss in &self.losses {
            out.line(&clean(&format!("  {loss}")))?;
        }
        match self.result {
            Done::Made | Done::WouldBeMade => {}
            Done::RefusedByGate => {
                out.aside("error: nothing was written: what is refused above would be lost");
                let flags = self.gates.iter().map(|gate| format!("--accept {gate}"));
                out.aside(&format!(
                    "hint: if that is meant: {}",
                    flags.collect::<Vec<_>>().join(" ")
                ));
            }
            Done::RefusedByStrict => {
                out.aside("error: nothing was written: not everything would be as it was");
                out.aside("hint: without --strict it is converted, and the losses are reported");
            }
        }
        Ok(())
    }

    /// The report for people.
    pub(super) fn losses_text(&self) -> String {
        let mut text = format!(
            "What is not as it was: {}, for {}\n\n",
            self.machine, self.to
        );
        if self.losses.is_empty() {
            text.push_str("Nothing.\n");
        }
        for loss in &self.losses {
            text.push_str(&clean(&loss.to_string()));
            text.push('\n');
        }
        text
    }

    /// The report for programs.
    pub(super) fn losses_json(&self) -> Vec<u8> {
        let report = LossReport {
            schema: "detente/losses/1",
            machine: &self.machine,
            to: &self.to,
            losses: &self.losses,
        };
        let mut json = serde_json::to_vec_pretty(&report).expect("strings are JSON");
        json.push(b'\n');
        json
    }

    pub(super) fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("strings and numbers are JSON");
        json.push(b'\n');
        json
    }
}
