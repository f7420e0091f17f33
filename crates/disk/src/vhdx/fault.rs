//! A broken rule: an error for who reads the image, a finding for who checks it.

use detente_block::{BlockRead, ReadError};

use crate::field;
use crate::{Finding, Severity};

/// Why a structure could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The storage failed, or it is sound and we do not support it.
    Read(ReadError),
    /// A rule is broken.
    Broken(Finding),
}

/// A rule of the specification.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
}

impl Rule {
    pub(super) const fn new(name: &'static str, section: &'static str) -> Self {
        Self { name, section }
    }

    /// The rule was broken at `offset`.
    pub(super) fn broken(self, offset: u64, what: impl Into<String>) -> Fault {
        Fault::Broken(self.finding(Severity::Corrupt, offset, what))
    }

    pub(super) fn finding(
        self,
        severity: Severity,
        offset: u64,
        what: impl Into<String>,
    ) -> Finding {
        Finding {
            severity,
            rule: self.name,
            offset,
            what: what.into(),
            section: self.section,
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Read(error) => error,
            Fault::Broken(finding) => Self::Corrupt {
                offset: finding.offset,
                rule: format!("{} ({})", finding.what, finding.section),
            },
        }
    }
}

/// The error for what we do not read.
pub(super) fn unsupported(offset: u64, what: impl Into<String>) -> Fault {
    Fault::Read(crate::error::unsupported(offset, what))
}

const TRUNCATED: Rule = Rule::new("vhdx.truncated", "[MS-VHDX] 2.1");

/// The `len` bytes of the structure `name` at `offset`; the caller has bounded `len`.
pub(super) fn read_bytes(
    file: &dyn BlockRead,
    offset: u64,
    len: u64,
    name: &str,
) -> Result<Vec<u8>, Fault> {
    let end = file.len_bytes();
    if offset.checked_add(len).is_none_or(|last| last > end) {
        let what = format!("the file ends at {end:#x}, inside or before the {name}");
        return Err(TRUNCATED.broken(offset, what));
    }
    Ok(field::read_bytes(file, offset, len)?)
}
