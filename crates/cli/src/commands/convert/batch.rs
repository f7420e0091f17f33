//! `detente convert --batch`: many machines, a few at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::document::{Document, Done};
use super::{Arguments, Wanted, list, one};
use crate::commands::batch::{self, Batch, Machine};
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(
    path: &Path,
    arguments: &Arguments,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let machines = list::read(path, arguments.verify)?;
    let batch = Batch {
        command: "convert",
        done: "converted",
        list: path,
        jobs: arguments.jobs,
        format: arguments.format,
    };
    batch::run(&batch, &machines, out)
}

impl Machine for Wanted {
    type Document = Document;

    fn sources(&self) -> &[PathBuf] {
        &self.sources
    }

    fn folder(&self) -> &Path {
        &self.destination
    }

    /// Its folder says of what it was made.
    fn finished(&self) -> Option<Document> {
        let json = fs::read(self.destination.join("convert.json")).ok()?;
        let document: Document = serde_json::from_slice(&json).ok()?;
        (document.job.is_some() && document.job == self.job).then_some(document)
    }

    fn make(&self, cancel: &Arc<AtomicBool>) -> Result<Document, Failure> {
        one::convert(self, cancel, one::Look::Unseen)
    }
}

impl batch::Document for Document {
    fn is_made(&self) -> bool {
        match self.result {
            Done::Made | Done::WouldBeMade => true,
            Done::RefusedByGate | Done::RefusedByStrict => false,
        }
    }

    fn code(&self) -> u8 {
        self.code_number()
    }

    fn line(&self) -> String {
        Self::line(self)
    }
}
