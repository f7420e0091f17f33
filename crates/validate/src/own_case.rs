//! A user's own cases: a folder of executables that the agent runs in the guest.
//!
//! The contract is in `docs/guide/own-cases.md`: exit code 0 passes, 77 skips, 99 is an error of the
//! case itself, anything else fails; the last line of standard output is the message.

mod header;
mod judge;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use detente_evidence::{OwnCaseRecord, Requirement};
use detente_machine::Profile;
use detente_plan::protocol::INLINE_LIMIT_BYTES;
use sha2::{Digest as _, Sha256};

use crate::agent::hex;

pub(crate) use judge::judged;

/// How many cases a folder may hold.
const CASES_LIMIT: usize = 100;

/// How many files a folder is looked through for.
const FILES_LIMIT: usize = 1_000;

/// The longest name of a case's file.
const NAME_LIMIT: usize = 64;

/// A case of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCase {
    /// `USER-` and the file's name.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// How much the user wants it.
    pub requirement: Requirement,
    /// The profiles that it applies to.
    pub profiles: Vec<Profile>,
    /// How long it may take with hardware acceleration; scaled for slower ones.
    pub limit_s: u64,
    content: Vec<u8>,
}

/// Why a folder of cases cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnCaseError {
    /// A file or the folder could not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing to run.
    #[error("{} holds no executable file", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// There is more than a run can hold.
    #[error("{} holds more than {limit} {what}", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A name that cannot be one of a case.
    #[error(
        "{name:?} is no name for a case: letters, digits, '.', '_' and '-', at most {NAME_LIMIT}, \
         and a letter or digit first"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Something in the folder that is neither a file nor a folder.
    #[error("{} is no ordinary file", path.display())]
    NoFile {
        /// Which.
        path: PathBuf,
    },
    /// A file that is too long to be told to the agent.
    #[error("{} has more than {INLINE_LIMIT_BYTES} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// A header line that says nothing that we know.
    #[error("{}, line {line}: {what}", path.display())]
    Header {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

impl OwnCase {
    /// The cases of a folder, by name: every executable file in it. Other files, hidden ones and
    /// folders are passed over.
    ///
    /// # Errors
    /// [`OwnCaseError`]: nothing to run, or something that is not to be run.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, OwnCaseError> {
        let failed = |source| OwnCaseError::Io {
            path: folder.to_path_buf(),
            source,
        };
        let mut paths = BTreeSet::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            paths.insert(entry.map_err(failed)?.path());
            if paths.len() > FILES_LIMIT {
                return Err(too_many(folder, "files", FILES_LIMIT));
            }
        }
        let mut cases = Vec::new();
        for path in paths {
            cases.extend(read(&path)?);
        }
        if cases.is_empty() {
            let path = folder.to_path_buf();
            return Err(OwnCaseError::Empty { path });
        }
        if cases.len() > CASES_LIMIT {
            return Err(too_many(folder, "cases", CASES_LIMIT));
        }
        Ok(cases)
    }

    /// The file that is run.
    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    /// The file's name.
    pub(crate) fn file_name(&self) -> &str {
        self.id.strip_prefix(PREFIX).unwrap_or(&self.id)
    }

    /// The record of the case.
    #[must_use]
    pub fn record(&self) -> OwnCaseRecord {
        OwnCaseRecord {
            case_id: self.id.clone(),
            sha256: hex(&Sha256::digest(&self.content)),
        }
    }
}

/// What the identities of the user's cases begin with; no plan has such a case.
const PREFIX: &str = "USER-";

fn too_many(folder: &Path, what: &'static str, limit: usize) -> OwnCaseError {
    OwnCaseError::TooMany {
        path: folder.to_path_buf(),
        what,
        limit,
    }
}

/// The case of a file, if it is one.
fn read(path: &Path) -> Result<Option<OwnCase>, OwnCaseError> {
    let failed = |source| OwnCaseError::Io {
        path: path.to_path_buf(),
        source,
    };
    let name = path.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default().into_owned();
    if name.starts_with('.') {
        return Ok(None);
    }
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if metadata.is_dir() || metadata.is_file() && !is_executable(&metadata) {
        return Ok(None);
    }
    if !metadata.is_file() {
        let path = path.to_path_buf();
        return Err(OwnCaseError::NoFile { path });
    }
    if !is_name(&name) {
        return Err(OwnCaseError::Name { name });
    }
    let content = bounded(path).map_err(failed)?;
    let Some(content) = content else {
        let path = path.to_path_buf();
        return Err(OwnCaseError::TooLarge { path });
    };
    let header = header::read(&content).map_err(|(line, what)| OwnCaseError::Header {
        path: path.to_path_buf(),
        line,
        what,
    })?;
    Ok(Some(OwnCase {
        id: format!("{PREFIX}{name}"),
        title: header.title.unwrap_or(name),
        requirement: header.requirement,
        profiles: header.profiles,
        limit_s: header.limit_s,
        content,
    }))
}

/// What is in a file, `None` if that is too much.
fn bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let limit = u64::try_from(INLINE_LIMIT_BYTES).unwrap_or(u64::MAX);
    let mut content = Vec::new();
    let file = File::open(path)?;
    file.take(limit.saturating_add(1))
        .read_to_end(&mut content)?;
    Ok((content.len() <= INLINE_LIMIT_BYTES).then_some(content))
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

/// Whether a file's name can be a part of a case's identity, and of a file's name in the guest.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= NAME_LIMIT
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain)
}
