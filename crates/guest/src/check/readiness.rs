//! The answer: a matrix, findings, and what was not looked at.

use serde::Serialize;

use super::{Aspect, Finding, Gap, Profile, State};

/// How ready a guest is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Each profile that was asked for, by aspect.
    pub profiles: Vec<ProfileReadiness>,
    /// The rules that the guest breaks, worst first.
    pub findings: Vec<Finding>,
    /// The rules that could not be applied.
    pub not_looked_at: Vec<Gap>,
}

/// How ready a guest is for one kind of hardware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileReadiness {
    /// The hardware.
    pub profile: Profile,
    /// All aspects together.
    pub state: State,
    /// Whether it would boot, firmware aside: what a direct boot of its kernel would show.
    pub boots: Boots,
    /// Aspect by aspect, in the order of [`Aspect::ALL`].
    pub aspects: Vec<AspectState>,
    /// What only another host could show; empty where nothing is left.
    pub not_shown: &'static str,
}

/// How one aspect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AspectState {
    /// The aspect.
    pub aspect: Aspect,
    /// How it stands.
    pub state: State,
}

/// Whether a guest would boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boots {
    /// No rule speaks against it.
    Yes,
    /// A rule says that it does not.
    No,
    /// A rule that could say so could not be applied.
    Unknown,
}

impl Readiness {
    /// The worst state of all profiles.
    #[must_use]
    pub fn worst(&self) -> State {
        let states = self.profiles.iter().map(|profile| profile.state);
        states.max().unwrap_or(State::Unknown)
    }
}
