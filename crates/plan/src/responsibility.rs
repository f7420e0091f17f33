//! Whose part it is that a case passes.

use serde::{Deserialize, Serialize};

/// Who is asked first when a case fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Responsibility {
    /// The maker of the virtual hardware.
    Host,
    /// The maker of the operating system, or who set the guest up.
    Guest,
    /// Both: it takes the two to tell.
    Both,
}

impl Responsibility {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Host => "the maker of the virtual hardware.",
            Self::Guest => "the maker of the operating system, or who set the guest up.",
            Self::Both => "both sides: a failure may come from the virtual hardware or the guest.",
        }
    }
}
