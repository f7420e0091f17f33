//! `detente prepare --batch`: many machines, a few at a time.

mod list;
mod said;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_disk::Target;
use detente_validate::prepare::{Destination, PrepareOutcome};

use self::said::Said;
use super::Arguments;
use super::document::Document;
use super::one::Wanted;
use super::within::{self, Final};
use crate::commands::batch::{self, Batch, Machine};
use crate::commands::new_folder::NewFolder;
use crate::failure::Failure;
use crate::output::Output;

/// The document in a machine's folder.
const DOCUMENT: &str = "prepare.json";

/// A machine that is to be prepared.
struct Job {
    wanted: Wanted,
    /// The new folder.
    folder: PathBuf,
    /// What the new disk is called; where there are several, their folder.
    name: String,
    target: Option<Target>,
    /// What tells it from what it was before.
    job: String,
}

pub(super) fn run(
    path: &Path,
    arguments: &Arguments,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let machines = list::read(path, &|images| arguments.wanted(images))?;
    let batch = Batch {
        command: "prepare",
        done: "prepared",
        list: path,
        jobs: arguments.jobs,
        format: arguments.format,
    };
    batch::run(&batch, &machines, out)
}

impl Machine for Job {
    type Document = Said;

    fn sources(&self) -> &[PathBuf] {
        &self.wanted.images
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its folder says of what it was made.
    fn finished(&self) -> Option<Said> {
        let json = fs::read(self.folder.join(DOCUMENT)).ok()?;
        let said = Said::read(&json, &self.folder)?;
        (said.job() == Some(&self.job)).then_some(said)
    }

    fn make(&self, cancel: &Arc<AtomicBool>) -> Result<Said, Failure> {
        let folder = NewFolder::create(&self.folder)?;
        let destination = Destination::New {
            path: folder.path(&self.name),
            target: self.target.clone(),
        };
        let mut outcome = within::prepare(&self.wanted, destination, cancel, None)?;
        self.settle(&mut outcome, &folder)?;
        let document = Document {
            outcome: &outcome,
            validation: None,
            job: Some(&self.job),
        };
        let mut json = serde_json::to_vec_pretty(&document).expect("outcomes are JSON");
        json.push(b'\n');
        folder
            .write(DOCUMENT, &json)
            .and_then(|()| folder.publish())
            .map_err(|error| Failure::cannot_tell(error, None))?;
        let said = Said::read(&json, &self.folder);
        Ok(said.expect("it was just written"))
    }
}

impl Job {
    /// Everything is named for where it will be.
    fn settle(&self, outcome: &mut PrepareOutcome, folder: &NewFolder) -> Result<(), Failure> {
        let part = folder.path("");
        let settled = |path: &str| match Path::new(path).strip_prefix(&part) {
            Ok(inside) => folder.target().join(inside),
            Err(_) => PathBuf::from(path),
        };
        if let Some(journal) = &mut outcome.journal {
            let disks = outcome.disks.iter().map(|disk| Final {
                path: settled(&disk.path),
                format: None,
            });
            within::settle_journal(Path::new(journal.as_str()), &disks.collect::<Vec<_>>())?;
            *journal = settled(journal).display().to_string();
        }
        for disk in &mut outcome.disks {
            disk.path = settled(&disk.path).display().to_string();
        }
        Ok(())
    }
}
