//! `machine.json`: reading and writing.

use super::{MachineSpec, SpecError};

/// No definition is larger than this: a machine with everything that the rules allow has a
/// twentieth of it.
const SIZE_LIMIT_BYTES: usize = 16 << 20;

/// Why a definition could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadSpecError {
    /// It is too large.
    #[error("a definition of {size_bytes} bytes; no more than {SIZE_LIMIT_BYTES} are read")]
    TooLarge {
        /// How large.
        size_bytes: usize,
    },
    /// It is no JSON, or not of the right shape.
    #[error("not a machine's definition")]
    Json(#[from] serde_json::Error),
    /// It is another document, or a newer one.
    #[error(
        "this is {found:?}; detente reads {:?} and is too old for newer ones",
        MachineSpec::SCHEMA
    )]
    Schema {
        /// What the document calls itself.
        found: String,
    },
    /// It breaks a rule.
    #[error("the definition breaks a rule")]
    Rule(#[from] SpecError),
}

impl MachineSpec {
    /// Reads a definition and holds it against the rules.
    ///
    /// # Errors
    /// [`ReadSpecError`]; of several broken rules the first.
    pub fn from_json(json: &[u8]) -> Result<Self, ReadSpecError> {
        if json.len() > SIZE_LIMIT_BYTES {
            let size_bytes = json.len();
            return Err(ReadSpecError::TooLarge { size_bytes });
        }
        let head: Head = serde_json::from_slice(json)?;
        if head.schema != Self::SCHEMA {
            let found = head.schema.chars().take(64).collect();
            return Err(ReadSpecError::Schema { found });
        }
        let spec: Self = serde_json::from_slice(json)?;
        spec.validate()?;
        Ok(spec)
    }

    /// The document, with line breaks for people.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("strings, numbers and maps with names as keys are JSON");
        text.push('\n');
        text
    }
}

/// What every document of ours starts with.
#[derive(serde::Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
}
