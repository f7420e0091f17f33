//! `detente validate --batch`: many machines, a few at a time.

mod list;
mod said;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_evidence::Verdict;
use detente_guest::Guest;
use detente_host::Host;
use detente_machine::Profile;
use detente_plan::Plan;
use detente_validate::{Observer, Progress};

use self::said::Said;
use super::Arguments;
use super::one::{Asked, Audience, Wanted};
use crate::commands::batch::{self, Batch, Machine};
use crate::commands::new_folder::NewFolder;
use crate::failure::Failure;
use crate::output::Output;

/// The document in a machine's folder.
const DOCUMENT: &str = "validated.json";

/// The run's folder in it.
const RUN: &str = "run";

/// A machine that is to be validated.
struct Job<'a> {
    asked: &'a Asked,
    images: Vec<PathBuf>,
    allow_path: Vec<PathBuf>,
    profiles: Vec<Profile>,
    /// The new folder.
    folder: PathBuf,
    /// What tells it from what it was before.
    job: String,
}

pub(super) fn run(
    path: &Path,
    arguments: &Arguments,
    asked: &Asked,
    profiles: &[Profile],
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let machines = list::read(path, asked, profiles, &arguments.allow_path)?;
    let batch = Batch {
        command: "validate",
        done: "validated",
        list: path,
        jobs: arguments.jobs,
        format: arguments.format,
    };
    batch::run(&batch, &machines, out)
}

impl Machine for Job<'_> {
    type Document = Said;

    fn sources(&self) -> &[PathBuf] {
        &self.images
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its folder says of what it was made.
    fn finished(&self) -> Option<Said> {
        let json = fs::read(self.folder.join(DOCUMENT)).ok()?;
        let said = Said::read(&json)?;
        (said.job == self.job).then_some(said)
    }

    fn make(&self, cancel: &Arc<AtomicBool>) -> Result<Said, Failure> {
        let folder = NewFolder::create(&self.folder)?;
        let wanted = Wanted {
            images: &self.images,
            allow_path: &self.allow_path,
            profiles: &self.profiles,
            out: folder.path(RUN),
        };
        let run = self.asked.validate(wanted, cancel, &mut Nobody)?;
        if run.verdict == Verdict::Interrupted {
            // What was half seen is not kept: the next start begins it anew.
            return Err(Failure {
                error: anyhow::Error::msg("the run was ended"),
                hint: None,
                code: crate::INTERRUPTED,
            });
        }
        let said = Said::of(&run, &self.folder, &self.job);
        let mut json = serde_json::to_vec_pretty(&said).expect("what is said is JSON");
        json.push(b'\n');
        folder
            .write(DOCUMENT, &json)
            .and_then(|()| folder.publish())
            .map_err(|error| Failure::cannot_tell(error, None))?;
        Ok(said)
    }
}

/// Nobody looks at one machine among many.
struct Nobody;

impl Observer for Nobody {
    fn progress(&mut self, _: &Progress<'_>) {}
}

impl Audience for Nobody {
    fn begin(&mut self, _: &Guest, _: &Plan, _: &mut dyn Iterator<Item = &dyn Host>) {}
}
