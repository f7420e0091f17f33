//! What is said of one guest of a batch: a line of a table, or a document on a line.

use detente_guest::InspectError;
use detente_guest::facts::{Facts, Firmware};
use serde::Serialize;

use super::Answer;
use super::guests::Machine;
use crate::failure;
use crate::page::clean;
use crate::{BAD, CANNOT_TELL};

/// A guest's answer, written already: facts may be large, and many wait.
pub(super) struct Line {
    pub(super) code: u8,
    text: String,
}

/// The document for programs.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    images: Vec<String>,
    exit_code: u8,
    /// `null` where the guest could not be read.
    facts: Option<&'a Facts>,
    error: Option<String>,
    hint: Option<String>,
}

/// The line above the table.
pub(super) fn heading() -> String {
    row("STATE", "SYSTEM", "FIRMWARE", "KERNEL", "IMAGE")
}

fn row(state: &str, system: &str, firmware: &str, kernel: &str, image: &str) -> String {
    let line = format!("{state:8} {system:18} {firmware:9} {kernel:32} {image}");
    clean(line.trim_end())
}

impl Line {
    /// The line of a guest that was read.
    pub(super) fn of_facts(
        machine: &Machine,
        facts: &Facts,
        code: u8,
        answer: Answer,
    ) -> anyhow::Result<Self> {
        let text = match answer {
            Answer::Table => table(machine, facts, code),
            Answer::Lines => serde_json::to_string(&Document {
                schema: "detente/guest-batch/1",
                images: names(machine),
                exit_code: code,
                facts: Some(facts),
                error: None,
                hint: None,
            })?,
        };
        Ok(Self { code, text })
    }

    /// The line of a guest that could not be read.
    pub(super) fn of_error(machine: &Machine, error: &anyhow::Error, answer: Answer) -> Self {
        let said = failure::text(error);
        let text = match answer {
            Answer::Table => row("unknown", "-", "-", "-", &about(machine, &said)),
            Answer::Lines => serde_json::to_string(&Document {
                schema: "detente/guest-batch/1",
                images: names(machine),
                exit_code: CANNOT_TELL,
                facts: None,
                error: Some(said),
                hint: hint(error),
            })
            .expect("strings can be written as JSON"),
        };
        Self {
            code: CANNOT_TELL,
            text,
        }
    }

    /// As it is printed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(failure) = error.downcast_ref::<failure::Failure>() {
        return failure.hint.clone();
    }
    error.downcast_ref::<InspectError>()?.hint()
}

fn names(machine: &Machine) -> Vec<String> {
    let disks = machine.disks.iter();
    disks.map(|disk| disk.display().to_string()).collect()
}

/// The image and what is wrong with it; most of what is said names the image already.
fn about(machine: &Machine, said: &str) -> String {
    let named = names(machine)
        .iter()
        .any(|name| said.starts_with(&format!("{name}: ")));
    match named {
        true => said.to_owned(),
        false => format!("{}: {said}", image(machine)),
    }
}

fn image(machine: &Machine) -> String {
    names(machine).join(", ")
}

fn table(machine: &Machine, facts: &Facts, code: u8) -> String {
    let system = &facts.operating_system;
    let version = system.version_id.as_deref().unwrap_or_default();
    let firmware = match facts.firmware {
        Firmware::Uefi => "uefi",
        Firmware::Bios => "bios",
        Firmware::UefiAndBios => "uefi+bios",
        Firmware::Unknown => "unknown",
    };
    let kernel = facts.boot.default.as_ref();
    let kernel = kernel.and_then(|entry| entry.kernel_release.as_deref());
    let state = match code {
        BAD => "no boot",
        CANNOT_TELL => "unknown",
        _ => "fine",
    };
    let mut image = image(machine);
    for problem in &facts.problems {
        image.push_str(&format!("; {}", problem.message));
    }
    let system = format!("{} {version}", system.id);
    row(state, &system, firmware, kernel.unwrap_or("-"), &image)
}
