//! Who is told what happens.

use detente_evidence::{CaseResult, StepRecord};
use detente_machine::Profile;

/// Is told what happens while it happens.
pub trait Observer {
    /// Something happened.
    fn progress(&mut self, progress: &Progress<'_>);
}

/// Something that happened.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A profile's machine is being started.
    Starting {
        /// The profile.
        profile: Profile,
    },
    /// A step of the boot.
    Step {
        /// In a few words.
        text: &'a str,
        /// Since the machine was started.
        elapsed_ms: u64,
    },
    /// The machine is left up after a failure; it is ended when the run's interrupt is set, which
    /// is then taken back.
    Held {
        /// How to get in, a line each.
        ways: &'a [String],
        /// Since the machine was started.
        elapsed_ms: u64,
    },
    /// A case ended.
    Case {
        /// Its result.
        result: &'a CaseResult,
    },
}

/// The most steps that a profile's record keeps.
const STEP_LIMIT: usize = 64;

/// Passes everything on, and keeps the steps for the record.
pub(crate) struct Recorder<'o> {
    inner: &'o mut dyn Observer,
    /// The steps so far.
    pub(crate) steps: Vec<StepRecord>,
}

impl<'o> Recorder<'o> {
    /// Before any step.
    pub(crate) fn new(inner: &'o mut dyn Observer) -> Self {
        Self {
            inner,
            steps: Vec::new(),
        }
    }
}

impl Observer for Recorder<'_> {
    fn progress(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Step { text, elapsed_ms } if self.steps.len() < STEP_LIMIT => {
                self.steps.push(StepRecord {
                    text: (*text).to_owned(),
                    elapsed_ms: *elapsed_ms,
                });
            }
            Progress::Starting { .. }
            | Progress::Step { .. }
            | Progress::Held { .. }
            | Progress::Case { .. } => {}
        }
        self.inner.progress(progress);
    }
}
