//! What a definition loses on its way between platforms.
//!
//! A reader reports what its source says and the neutral definition has no word for; a writer what
//! its platform cannot do. Nothing is lost in silence.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that is not on the other side as it was on this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Where it stands: a path in the definition (`memory.range`, `nics[0].vlan`), or the source's
    /// own path where the definition has no word for it.
    pub field: String,
    /// What became of it.
    pub fate: Fate,
    /// Why, and what can be done about it.
    pub why: String,
    /// What has to be accepted before anything is written, if it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.fate, self.field, self.why)
    }
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is carried along where the other side does not act on it, so that the way back finds it.
    Kept,
    /// The other side has something that comes near.
    Approximated,
    /// It is gone.
    Dropped,
    /// Going on would lose data or a promise: nothing is written unless its gate is accepted.
    Refused,
}

impl Fate {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Approximated => "approximated",
            Self::Dropped => "dropped",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What has to be accepted by name before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Disks can be opened only with what the TPM holds, and that never moves.
    TpmState,
    /// Checkpoints exist, and they never move.
    Checkpoints,
    /// A device of the host is the guest's own.
    Passthrough,
    /// Secure Boot rests on keys of the owner's own.
    SecureBootKeys,
    /// A disk is shared with other machines.
    SharedDisk,
    /// The machine is shielded or encrypted: only its own hosts can start it.
    Shielded,
}

impl Gate {
    /// Every gate.
    pub const ALL: [Self; 6] = [
        Self::TpmState,
        Self::Checkpoints,
        Self::Passthrough,
        Self::SecureBootKeys,
        Self::SharedDisk,
        Self::Shielded,
    ];

    /// The name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TpmState => "tpm-state",
            Self::Checkpoints => "checkpoints",
            Self::Passthrough => "passthrough",
            Self::SecureBootKeys => "secure-boot-keys",
            Self::SharedDisk => "shared-disk",
            Self::Shielded => "shielded",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Gate {
    type Err = UnknownGate;

    fn from_str(name: &str) -> Result<Self, UnknownGate> {
        let own = Self::ALL.into_iter().find(|gate| gate.name() == name);
        own.ok_or_else(|| UnknownGate {
            name: name.to_owned(),
        })
    }
}

/// No gate has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown gate {name:?}; the gates are tpm-state, checkpoints, passthrough, secure-boot-keys, shared-disk and shielded"
)]
pub struct UnknownGate {
    /// The name that was given.
    pub name: String,
}

/// A loss report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Nothing lost so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Carried along where nobody acts on it.
    pub fn kept(&mut self, field: impl Into<String>, why: impl Into<String>) {
        self.push(field.into(), Fate::Kept, why.into(), None);
    }

    /// Replaced by what comes near.
    pub fn approximated(&mut self, field: impl Into<String>, why: impl Into<String>) {
        self.push(field.into(), Fate::Approximated, why.into(), None);
    }

    /// Gone.
    pub fn dropped(&mut self, field: impl Into<String>, why: impl Into<String>) {
        self.push(field.into(), Fate::Dropped, why.into(), None);
    }

    /// Refused unless the gate is accepted.
    pub fn refused(&mut self, field: impl Into<String>, gate: Gate, why: impl Into<String>) {
        self.push(field.into(), Fate::Refused, why.into(), Some(gate));
    }

    /// Adds another report behind this one.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The losses in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter()
    }

    /// Whether nothing is lost.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The gates that are shut, each once, leaving out those that are accepted.
    #[must_use]
    pub fn gates(&self, accepted: &[Gate]) -> Vec<Gate> {
        let mut shut: Vec<Gate> = self.0.iter().filter_map(|loss| loss.gate).collect();
        shut.retain(|gate| !accepted.contains(gate));
        shut.sort_unstable();
        shut.dedup();
        shut
    }

    /// Whether the other side does what this side did: nothing worse than [`Fate::Kept`].
    #[must_use]
    pub fn is_faithful(&self) -> bool {
        self.0.iter().all(|loss| loss.fate == Fate::Kept)
    }

    /// Whether a loss covers a field: its own, one above it, or one within it.
    #[must_use]
    pub fn covers(&self, field: &str) -> bool {
        self.0
            .iter()
            .any(|loss| is_within(field, &loss.field) || is_within(&loss.field, field))
    }

    fn push(&mut self, field: String, fate: Fate, why: String, gate: Option<Gate>) {
        let loss = Loss {
            field,
            fate,
            why,
            gate,
        };
        // A machine with many disks would say some things once a disk and once again.
        if !self.0.contains(&loss) {
            self.0.push(loss);
        }
    }
}

impl IntoIterator for Losses {
    type Item = Loss;
    type IntoIter = std::vec::IntoIter<Loss>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Whether a path is another one, or lies below it.
fn is_within(inner: &str, outer: &str) -> bool {
    let Some(rest) = inner.strip_prefix(outer) else {
        return false;
    };
    rest.is_empty() || rest.starts_with('.') || rest.starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_stay_shut_until_they_are_accepted() {
        let mut losses = Losses::new();
        losses.refused("tpm", Gate::TpmState, "its state never moves");
        losses.refused("passthrough[0]", Gate::Passthrough, "no other host has it");
        losses.dropped("numa", "one node is enough");
        assert_eq!(losses.gates(&[]), [Gate::TpmState, Gate::Passthrough]);
        assert_eq!(losses.gates(&[Gate::TpmState]), [Gate::Passthrough]);
        assert!(!losses.is_faithful());
    }

    #[test]
    fn a_loss_covers_what_lies_below_it() {
        let mut losses = Losses::new();
        losses.approximated("memory.range", "a balloon");
        losses.kept("nics[0]", "nobody reads it");
        for field in [
            "memory.range",
            "memory.range.priority",
            "memory",
            "nics[0].vlan",
        ] {
            assert!(losses.covers(field), "{field}");
        }
        for field in ["memory.startup_bytes", "nics[01]", "nic", "nics[1].vlan"] {
            assert!(!losses.covers(field), "{field}");
        }
    }

    #[test]
    fn every_gate_is_found_by_its_name_and_written_by_it() {
        for gate in Gate::ALL {
            assert_eq!(gate.name().parse(), Ok(gate));
            let written = serde_json::to_value(gate).unwrap();
            assert_eq!(written, gate.name());
        }
        assert!("tpm".parse::<Gate>().is_err());
    }
}
