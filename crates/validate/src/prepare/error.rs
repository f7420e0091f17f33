//! Why nothing was prepared. Whatever it says: the images are what they were, and nothing that looks
//! finished was left.

use std::io;
use std::path::PathBuf;

use detente_copy::ConvertError;
use detente_guest::InspectError;
use detente_host::HostError;
use detente_machine::Profile;
use detente_volume::FsError;

use crate::ValidateError;

/// Why nothing was prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// Something has a name that is wanted.
    #[error("{} exists", path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The output cannot be called so.
    #[error("{} cannot be the output: {why}", path.display())]
    Name {
        /// The name.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// Images in this format are read, and not written.
    #[error("{} is {format}, which is read and not written", path.display())]
    Format {
        /// The image.
        path: PathBuf,
        /// Its format.
        format: &'static str,
    },
    /// A file or folder of ours cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of the guest cannot be read from the image.
    #[error("cannot read {path} of the guest")]
    GuestFile {
        /// The file.
        path: String,
        /// Why.
        source: FsError,
    },
    /// A file of the guest is not what the plan was made for.
    #[error("{path} of the guest is not what the plan was made for")]
    NotAsPlanned {
        /// The file.
        path: String,
    },
    /// The machine cannot be made.
    #[error(transparent)]
    Machine(#[from] ValidateError),
    /// The machine broke.
    #[error(transparent)]
    Host(#[from] HostError),
    /// There is no machine on which the guest could be booted.
    #[error(
        "the guest boots on no machine that is to be had here: {}",
        list(tried)
    )]
    NoMachine {
        /// What was thought of, each with the reason why not.
        tried: Vec<Tried>,
    },
    /// The guest was booted, and did not come so far that it could be changed.
    #[error("the guest was not ready to be changed on {profile}: {why}")]
    NotReady {
        /// The machine's hardware.
        profile: Profile,
        /// Why.
        why: String,
        /// The end of what the console showed.
        console: String,
    },
    /// A step was not done.
    #[error("step \"{step}\" was not done: {why}")]
    Step {
        /// The step.
        step: String,
        /// Why.
        why: String,
        /// The last lines that its program printed.
        output: Vec<String>,
    },
    /// The guest did not shut down as it should.
    #[error("the guest did not shut down: {why}")]
    NotShutDown {
        /// Why.
        why: String,
    },
    /// A file system was not left clean.
    #[error("the guest left {volume} in use: its file system is not clean")]
    NotClean {
        /// The volume.
        volume: String,
    },
    /// The result, or a disk, cannot be looked into.
    #[error("cannot look into {what}")]
    Inspect {
        /// Which.
        what: &'static str,
        /// Why.
        source: InspectError,
    },
    /// The result cannot be opened.
    #[error("the changed disk {} cannot be opened", path.display())]
    Reopen {
        /// Where it was.
        path: PathBuf,
    },
    /// The image cannot be copied.
    #[error(transparent)]
    Copy(#[from] ConvertError),
    /// What the disks hold could not be digested.
    #[error("the content of {} cannot be digested", path.display())]
    Digest {
        /// The image.
        path: PathBuf,
    },
    /// The disk is not the one that the journal belongs to.
    #[error(
        "{} changed since it was prepared: its content digest is {found}, and the journal has {wanted}",
        path.display()
    )]
    Changed {
        /// The image.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What it was.
        wanted: String,
    },
    /// The journal is not one.
    #[error("{} is no journal: {why}", path.display())]
    Journal {
        /// The folder or file.
        path: PathBuf,
        /// What is the matter.
        why: String,
    },
    /// A file was put back and is not what it was.
    #[error("{path} was put back and is not what it was")]
    NotPutBack {
        /// The file.
        path: String,
    },
    /// No randomness for names.
    #[error("the system gives no random numbers")]
    Random,
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
}

/// A machine that was thought of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Its hardware.
    pub profile: Profile,
    /// Why it was of no use.
    pub why: String,
}

fn list(tried: &[Tried]) -> String {
    let each: Vec<String> = tried
        .iter()
        .map(|tried| format!("{}: {}", tried.profile, tried.why))
        .collect();
    each.join("; ")
}

impl PrepareError {
    /// The way out, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Exists { .. } => "name another with -o, or move this one away",
            Self::Format { .. } => "name a new file with -o and its format with -O",
            Self::Write { .. } => {
                "look at the folder's permissions and at the free space there (df)"
            }
            Self::NoMachine { .. } => {
                "`detente check` says what the guest lacks, `detente doctor` what this machine can do"
            }
            Self::NotReady { .. } => {
                "the end of the guest's console stands above; `detente validate` shows the whole boot"
            }
            Self::Step { .. } => {
                "the disk was not changed; `detente prepare --dry-run` shows what the step does"
            }
            Self::Changed { .. } => {
                "what was written to the disk since would be lost: undo by hand with the files in the journal's folder"
            }
            Self::NotAsPlanned { .. } => "run it again while nothing else writes to the image",
            Self::Machine(error) => return error.hint(),
            Self::Inspect { source, .. } => return source.hint(),
            Self::Name { .. }
            | Self::Read { .. }
            | Self::GuestFile { .. }
            | Self::Host(_)
            | Self::NotShutDown { .. }
            | Self::NotClean { .. }
            | Self::Reopen { .. }
            | Self::Copy(_)
            | Self::Digest { .. }
            | Self::Journal { .. }
            | Self::NotPutBack { .. }
            | Self::Random
            | Self::Interrupted => return None,
        };
        Some(hint.to_owned())
    }
}
