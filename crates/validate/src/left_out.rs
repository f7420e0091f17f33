//! The cases of a plan that are not run on a profile, and why: told before any machine is started.

use std::collections::BTreeMap;

use detente_evidence::{CaseResult, Outcome};
use detente_guest::Facts;
use detente_machine::Profile;
use detente_plan::judge::Finding;
use detente_plan::{Case, CaseId, Plan};

use crate::condition::lacking;
use crate::own_case::OwnCase;
use crate::scope::Scope;

/// The cases that are not run, by name, each with what is said of it; one of which nothing is said
/// belongs to another pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct LeftOut(BTreeMap<String, Option<Finding>>);

impl LeftOut {
    /// Those of a plan on a profile. Where nothing is known of the guest, its conditions are met.
    pub(crate) fn new(plan: &Plan, profile: Profile, facts: Option<&Facts>, scope: &Scope) -> Self {
        let finding = |case: &Case| why(case, profile, facts, scope);
        let cases = plan.cases.iter();
        let named = |case: &Case| Some((case.id.name().to_owned(), Some(finding(case)?)));
        Self(cases.filter_map(named).collect())
    }

    /// The same, with the user's own cases.
    pub(crate) fn with_own(mut self, own: &[OwnCase], profile: Profile, scope: &Scope) -> Self {
        for case in own {
            let finding = if !case.profiles.contains(&profile) {
                not_applicable("does not apply to this hardware profile")
            } else if !scope.chooses(profile, &case.id) {
                not_selected()
            } else {
                continue;
            };
            self.0.insert(case.id.clone(), Some(finding));
        }
        self
    }

    /// All cases but these.
    pub(crate) fn all_but(plan: &Plan, own: &[OwnCase], cases: &[CaseId]) -> Self {
        let others = plan.cases.iter().map(|case| case.id);
        let others = others.filter(|case| !cases.contains(case));
        let others = others.map(|case| case.name().to_owned());
        let own = own.iter().map(|case| case.id.clone());
        Self(others.chain(own).map(|case| (case, None)).collect())
    }

    /// Whether a case is not run.
    pub(crate) fn contains(&self, case: CaseId) -> bool {
        self.0.contains_key(case.name())
    }

    /// What is said of a case that is not run.
    pub(crate) fn said(&self, case: &str) -> Said<'_> {
        match self.0.get(case) {
            None => Said::Run,
            Some(Some(finding)) => Said::Instead(finding),
            Some(None) => Said::Nothing,
        }
    }
}

/// What is said of a case.
#[derive(Debug)]
pub(crate) enum Said<'a> {
    /// It is run: what is found.
    Run,
    /// It is not run: this.
    Instead(&'a Finding),
    /// It is not spoken of.
    Nothing,
}

/// Why a case is not run, if it is not. What does not apply is not asked for in vain.
fn why(case: &Case, profile: Profile, facts: Option<&Facts>, scope: &Scope) -> Option<Finding> {
    if !case.applies_to(profile) {
        let message = "does not apply to this hardware profile";
        return Some(not_applicable(message));
    }
    let conditions = case.applies_when.iter();
    let mut lacking = conditions.filter_map(|&what| lacking(what, facts?, profile));
    if let Some(why) = lacking.next() {
        return Some(not_applicable(&format!(
            "does not apply to this guest: {why}"
        )));
    }
    if !scope.chooses(profile, case.id.name()) {
        return Some(not_selected());
    }
    let why = case.not_shown_on(profile)?;
    let message = format!("this hardware profile cannot show it: {why}");
    Some(Finding::plain(
        Outcome::NotRun,
        CaseResult::NOT_SHOWN,
        message,
    ))
}

fn not_selected() -> Finding {
    let message = "was not chosen for this run";
    Finding::plain(Outcome::Skipped, CaseResult::NOT_SELECTED, message)
}

fn not_applicable(message: &str) -> Finding {
    Finding::plain(Outcome::Skipped, CaseResult::NOT_APPLICABLE, message)
}
