//! Healthy guests pass; each rule finds its spoiled twin, and no other rule does.

mod bases;
mod spoil;
mod table;
mod twins;
mod twins_boot;
mod twins_rest;

use std::collections::BTreeSet;

use super::{Profile, Readiness, State, check};
use crate::facts::Facts;

/// The rules that a guest breaks on a profile.
fn broken(facts: &Facts, profile: Profile) -> BTreeSet<&'static str> {
    let readiness = check(facts, &[profile]);
    let findings = readiness.findings.iter();
    findings.map(|finding| finding.rule).collect()
}

/// Why a readiness is not spotless; notes aside.
fn spots(readiness: &Readiness) -> Vec<String> {
    let findings = readiness.findings.iter();
    let findings = findings
        .filter(|finding| finding.severity > super::Severity::Note)
        .map(|finding| {
            format!(
                "{} {:?}: {:?}",
                finding.rule, finding.profiles, finding.evidence
            )
        });
    let gaps = readiness.not_looked_at.iter();
    findings
        .chain(gaps.map(|gap| format!("{} not looked at: {:?}", gap.rule, gap.why)))
        .collect()
}

#[test]
fn guests_prepared_for_both_worlds_are_ready_everywhere() {
    for shape in bases::shapes() {
        let readiness = check(&shape.facts(), &Profile::ALL);
        assert_eq!(spots(&readiness), Vec::<String>::new(), "{}", shape.name);
        assert_eq!(readiness.worst(), State::Ready, "{}", shape.name);
    }
}
