//! Who is told what happens.

use detente_evidence::CaseResult;
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
    /// A case ended.
    Case {
        /// Its result.
        result: &'a CaseResult,
    },
}
