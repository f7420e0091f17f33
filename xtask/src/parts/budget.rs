//! The parts of `make test`, and how long each may take on two cores from a
//! cold clone. Together: under 40 minutes.

use std::time::Duration;

/// A part of `make test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The program, and all tests.
    Build,
    /// Tests that boot nothing, and the examples of the documentation.
    Unit,
    /// The exercisers of the parsers, on corpora and mutations.
    Hostile,
    /// The demo guests.
    Images,
    /// Tests that boot guests.
    Boots,
}

/// Every part, in the order in which they run.
pub(crate) const PARTS: &[Part] = &[
    Part::Build,
    Part::Unit,
    Part::Hostile,
    Part::Images,
    Part::Boots,
];

/// What all exercisers together are given: the two minutes.
pub(crate) const HOSTILE_SECONDS: u64 = 120;

impl Part {
    /// What it is called on the command line and in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Unit => "unit",
            Self::Hostile => "hostile",
            Self::Images => "images",
            Self::Boots => "boots",
        }
    }

    /// How long it may take.
    pub(crate) fn budget(self) -> Duration {
        let minutes = match self {
            Self::Build => 7,
            Self::Unit => 2,
            Self::Hostile => 3,
            Self::Images => 7,
            Self::Boots => 20,
        };
        Duration::from_secs(minutes * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::PARTS;

    #[test]
    fn the_budgets_stay_under_forty_minutes() {
        let seconds: u64 = PARTS.iter().map(|part| part.budget().as_secs()).sum();
        assert!(seconds < 40 * 60, "{seconds}");
    }
}
