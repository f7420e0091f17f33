//! What a rule is.

use serde::{Deserialize, Serialize};

use super::finding::Proof;
use super::{Aspect, Profile, View};

/// A rule about guests. It is data: what it looks at, what a finding of it means, what helps.
#[derive(Debug)]
pub struct Rule {
    /// Its stable name: `linux.initramfs.storvsc-missing`.
    pub id: &'static str,
    /// What it is about.
    pub aspect: Aspect,
    /// What a finding does.
    pub severity: Severity,
    /// The hardware that it concerns.
    pub profiles: &'static [Profile],
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What follows, in a sentence. Where that is inferred, *unproven* stands in it.
    pub consequence: &'static str,
    /// What helps.
    pub remedy: &'static str,
    /// Who does that.
    pub by: By,
    /// What the rule rests on.
    pub basis: Basis,
    /// Where that is written, or was seen.
    pub source: &'static str,
    /// Looks at the facts, for one profile.
    pub look: fn(&View<'_>) -> Looked,
}

impl Rule {
    /// Whether a finding alone makes the guest not ready.
    #[must_use]
    pub fn decides(&self) -> bool {
        match self.severity {
            Severity::BlocksBoot | Severity::LosesNetwork => true,
            Severity::Degrades | Severity::Note => false,
        }
    }
}

/// What a finding does to the guest; the worse, the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know; nothing is lost.
    Note,
    /// Something is lost or slow.
    Degrades,
    /// The guest boots and cannot be reached.
    LosesNetwork,
    /// The guest does not boot.
    BlocksBoot,
}

impl Severity {
    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Degrades => "degrades",
            Self::LosesNetwork => "loses-network",
            Self::BlocksBoot => "blocks-boot",
        }
    }
}

/// Who carries a remedy out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A change in the guest that `detente prepare` is to make.
    Prepare,
    /// A change in the guest that somebody has to make, or has to decide on.
    Hand,
    /// A setting of the new machine; the guest stays as it is.
    Machine,
}

/// What a rule rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// It was seen, on a machine of ours.
    Seen,
    /// Documents or source code say it; it was not seen here.
    Documented,
    /// It follows from what is known, and nobody has shown it: unproven.
    Inferred,
}

/// What a rule saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// What breaks the rule, piece by piece; none: nothing does.
    pub proofs: Vec<Proof>,
    /// What could not be looked at, a sentence each.
    pub gaps: Vec<String>,
}

impl Looked {
    /// Only what breaks the rule.
    pub(crate) fn found(proofs: impl IntoIterator<Item = Proof>) -> Self {
        Self {
            proofs: proofs.into_iter().collect(),
            gaps: Vec::new(),
        }
    }

    /// Nothing breaks the rule.
    pub(crate) fn fine() -> Self {
        Self::default()
    }

    /// It could not be looked at.
    pub(crate) fn gap(why: impl Into<String>) -> Self {
        Self {
            proofs: Vec::new(),
            gaps: vec![why.into()],
        }
    }

    /// Both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.proofs.extend(other.proofs);
        self.gaps.extend(other.gaps);
        self
    }
}
