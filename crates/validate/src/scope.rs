//! How much of a plan is run, and how often.

use std::collections::{BTreeMap, BTreeSet};

use detente_evidence::{Outcome, Run, SelectionRecord};
use detente_machine::Profile;

/// How much of a plan is run, and how often.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The cases that are wanted, by name; none: all.
    pub only: BTreeSet<String>,
    /// The cases that are not wanted.
    pub skip: BTreeSet<String>,
    /// The run of which only what did not pass is run again.
    pub rerun: Option<Rerun>,
    /// How often every case is run, each time in a fresh boot. At least 1; with more there are no
    /// retries, because every repetition stands for itself.
    pub repetitions: u32,
}

/// What of an earlier run is run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// The earlier run.
    pub run_id: String,
    /// What did not pass in it, by profile.
    pub cases: BTreeMap<Profile, BTreeSet<String>>,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            only: BTreeSet::new(),
            skip: BTreeSet::new(),
            rerun: None,
            repetitions: 1,
        }
    }
}

impl Scope {
    /// Whether a case is wanted on a profile.
    #[must_use]
    pub fn chooses(&self, profile: Profile, case: &str) -> bool {
        let again = self.rerun.as_ref().is_none_or(|rerun| {
            let cases = rerun.cases.get(&profile);
            cases.is_some_and(|cases| cases.contains(case))
        });
        again && (self.only.is_empty() || self.only.contains(case)) && !self.skip.contains(case)
    }

    /// Whether it is the whole plan.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty() && self.rerun.is_none()
    }

    /// The same for a control run, which is on a profile that nobody asked for: once.
    pub(crate) fn of_control(&self) -> Self {
        let rerun = self.rerun.iter().flat_map(|rerun| rerun.cases.values());
        let again: BTreeSet<String> = rerun.flatten().cloned().collect();
        let mut only = self.only.clone();
        if !again.is_empty() {
            only = again
                .into_iter()
                .filter(|case| self.only.is_empty() || self.only.contains(case))
                .collect();
        }
        Self {
            only,
            skip: self.skip.clone(),
            rerun: None,
            repetitions: 1,
        }
    }

    /// The record of a scope that is not the whole plan.
    pub(crate) fn record(&self) -> Option<SelectionRecord> {
        let names = |cases: &BTreeSet<String>| cases.iter().cloned().collect();
        (!self.is_whole()).then(|| SelectionRecord {
            cases: names(&self.only),
            skipped: names(&self.skip),
            rerun_of: self.rerun.as_ref().map(|rerun| rerun.run_id.clone()),
        })
    }
}

impl Rerun {
    /// What did not pass in an earlier run, though it applied.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let mut cases: BTreeMap<Profile, BTreeSet<String>> = BTreeMap::new();
        for part in &run.profiles {
            let Ok(profile) = part.profile.parse::<Profile>() else {
                continue;
            };
            let again = part.cases.iter().filter(|case| {
                let skipped = case.outcome == Outcome::Skipped;
                !case.outcome.is_pass() && (!skipped || case.is_not_selected())
            });
            let names = again.map(|case| case.case_id.clone());
            cases.entry(profile).or_default().extend(names);
        }
        Self {
            run_id: run.run_id.clone(),
            cases,
        }
    }

    /// The profiles on which something is run again.
    pub fn profiles(&self) -> impl Iterator<Item = Profile> + '_ {
        let wanted = self.cases.iter().filter(|(_, cases)| !cases.is_empty());
        wanted.map(|(profile, _)| *profile)
    }
}
