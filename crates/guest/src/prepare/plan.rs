//! The plan: what is changed in a guest, why, and what is left to others.

use serde::{Deserialize, Serialize};

use super::Change;
use crate::check::{By, Profile};

/// The schema of [`Plan`] as JSON.
pub const PLAN_SCHEMA: &str = "detente/prepare-plan/1";

/// What is to be done in a guest so that it runs on the hardware of [`profiles`](Self::profiles).
///
/// The steps are carried out in this order: files first, then packages, then the guest's own tools.
/// No file is written twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Always [`PLAN_SCHEMA`].
    pub schema: String,
    /// The hardware that the guest is prepared for.
    pub profiles: Vec<Profile>,
    /// What is done, in this order. Empty: there is nothing to do.
    pub steps: Vec<Step>,
    /// What is found and not mended by a step, each with its reason.
    pub left: Vec<Left>,
}

impl Plan {
    /// Whether nothing of the guest is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The step of this name.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

/// One change, and why it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name, once in a plan: `write /etc/fstab`, `dracut 5.14.0-1.el9.x86_64`.
    pub id: String,
    /// The rules of `check` that it mends, sorted, each once; at least one.
    pub rules: Vec<String>,
    /// What is done and why, in a few sentences.
    pub why: String,
    /// The change.
    pub change: Change,
}

/// Something that was found and is not mended by a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The rule of `check`.
    pub rule: String,
    /// Why no step mends it, and what would.
    pub why: String,
    /// Who has to.
    pub by: By,
    /// The packages of the guest's distribution that would help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}
