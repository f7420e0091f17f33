//! The caller's say over which files an image may name.

use std::path::PathBuf;
use std::sync::Arc;

use crate::BlockRead;

/// Decides whether a file that an image names may be opened, and opens it.
pub trait Gate {
    /// Opens what an image names, as the image spells it.
    ///
    /// # Errors
    /// [`GateError`] when it may not be opened, or cannot.
    fn open(&self, name: &str) -> Result<Opened, GateError>;
}

/// A file that a gate let through.
pub struct Opened {
    /// Its bytes.
    pub reader: Arc<dyn BlockRead>,
    /// Where it is, for messages and for starting a machine on it.
    pub path: PathBuf,
    /// The gate for files that this one names in turn.
    pub gate: Box<dyn Gate>,
}

/// Why a gate stayed shut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The rules forbid it.
    #[error("the image names {name:?}, which may not be opened: {rule}")]
    Refused {
        /// As the image spells it.
        name: String,
        /// The rule that forbids it.
        rule: &'static str,
    },
    /// The rules allow it, the operating system does not.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// A gate that lets nothing through.
#[derive(Debug, Clone, Copy)]
pub struct ClosedGate;

impl Gate for ClosedGate {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        Err(GateError::Refused {
            name: name.to_owned(),
            rule: "no further file may be opened here",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_gate_opens_nothing() {
        let refused = ClosedGate.open("base.raw").err();
        assert!(matches!(refused, Some(GateError::Refused { name, .. }) if name == "base.raw"));
    }
}
