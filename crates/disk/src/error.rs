//! The two errors that every format's rules lead to.

use detente_block::ReadError;

/// The error for a broken rule.
pub(crate) fn corrupt(offset: u64, rule: impl Into<String>) -> ReadError {
    ReadError::Corrupt {
        offset,
        rule: rule.into(),
    }
}

/// The error for what we do not read.
pub(crate) fn unsupported(offset: u64, what: impl Into<String>) -> ReadError {
    ReadError::Unsupported {
        offset,
        what: what.into(),
    }
}
