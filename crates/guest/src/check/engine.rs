//! Applies the rules.

use super::{
    Aspect, AspectState, Boots, Finding, Gap, Looked, Profile, ProfileReadiness, Readiness, Rule,
    Severity, State, View, rules,
};
use crate::facts::Facts;

/// A rule, applied for one profile.
pub(super) struct Applied {
    pub(super) rule: &'static Rule,
    pub(super) profile: Profile,
    pub(super) looked: Looked,
}

/// Says how ready a guest is for each of `profiles`. Reads no image: [`Facts`] are all there is.
///
/// Rules whose facts were not gathered (the contents of initramfs files, unless asked for) are
/// among [`Readiness::not_looked_at`], and what they decide is unknown.
#[must_use]
pub fn check(facts: &Facts, profiles: &[Profile]) -> Readiness {
    let applied: Vec<Applied> = profiles
        .iter()
        .flat_map(|profile| apply(facts, *profile))
        .collect();
    readiness(&applied, profiles)
}

/// What the rules say together.
pub(super) fn readiness(applied: &[Applied], profiles: &[Profile]) -> Readiness {
    let rows = profiles.iter().map(|profile| row(applied, *profile));
    Readiness {
        profiles: rows.collect(),
        findings: findings(applied),
        not_looked_at: gaps(applied),
    }
}

fn apply(facts: &Facts, profile: Profile) -> Vec<Applied> {
    let view = View::new(facts, profile);
    rules()
        .filter(|rule| rule.profiles.contains(&profile))
        .map(|rule| Applied {
            rule,
            profile,
            looked: (rule.look)(&view),
        })
        .collect()
}

fn row(applied: &[Applied], profile: Profile) -> ProfileReadiness {
    let own: Vec<&Applied> = applied
        .iter()
        .filter(|one| one.profile == profile)
        .collect();
    let cell = |aspect: Aspect| {
        let about = own.iter().filter(|one| one.rule.aspect == aspect);
        let states = about.clone().map(|one| state(one));
        let state = states.max().unwrap_or(State::NotApplicable);
        // Where nothing at all was looked at, nothing speaks for it either.
        let looked = about.clone().any(|one| one.looked.gaps.is_empty());
        AspectState {
            aspect,
            state: match state {
                State::Ready if !looked => State::Unknown,
                state => state,
            },
        }
    };
    let aspects: Vec<AspectState> = Aspect::ALL.into_iter().map(cell).collect();
    ProfileReadiness {
        profile,
        state: aspects
            .iter()
            .map(|cell| cell.state)
            .max()
            .unwrap_or(State::Unknown),
        boots: boots(&own),
        aspects,
        not_shown: profile.not_shown(),
    }
}

/// What one rule makes of its aspect. A note leaves it ready, and so does a gap in a rule that
/// decides nothing (it is listed).
fn state(applied: &Applied) -> State {
    let (broken, gap) = (
        !applied.looked.proofs.is_empty(),
        !applied.looked.gaps.is_empty(),
    );
    match (applied.rule.severity, broken, gap) {
        (Severity::BlocksBoot | Severity::LosesNetwork, true, _) => State::NotReady,
        (Severity::BlocksBoot | Severity::LosesNetwork, false, true) => State::Unknown,
        (Severity::Degrades, true, _) => State::ReadyWithRemarks,
        (Severity::Note, _, _)
        | (Severity::Degrades, false, _)
        | (Severity::BlocksBoot | Severity::LosesNetwork, false, false) => State::Ready,
    }
}

fn boots(own: &[&Applied]) -> Boots {
    let blocks = own.iter().filter(|one| {
        one.rule.severity == Severity::BlocksBoot && one.rule.aspect != Aspect::Firmware
    });
    let worst = blocks.map(|one| state(one)).max();
    match worst.unwrap_or(State::Unknown) {
        State::NotReady => Boots::No,
        State::Unknown => Boots::Unknown,
        State::NotApplicable | State::Ready | State::ReadyWithRemarks => Boots::Yes,
    }
}

/// One finding for each rule and proof, with all profiles that share it; the worst first, then in
/// the order of the table.
fn findings(applied: &[Applied]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for one in applied.iter().filter(|one| !one.looked.proofs.is_empty()) {
        let same = findings
            .iter_mut()
            .find(|other| other.rule == one.rule.id && other.evidence == one.looked.proofs);
        match same {
            Some(other) => other.profiles.push(one.profile),
            None => findings.push(Finding::new(
                one.rule,
                one.profile,
                one.looked.proofs.clone(),
            )),
        }
    }
    let place = |id: &str| rules().position(|rule| rule.id == id);
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), place(finding.rule)));
    findings
}

fn gaps(applied: &[Applied]) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for one in applied.iter().filter(|one| !one.looked.gaps.is_empty()) {
        let same = gaps
            .iter_mut()
            .find(|other| other.rule == one.rule.id && other.why == one.looked.gaps);
        match same {
            Some(other) => other.profiles.push(one.profile),
            None => gaps.push(Gap {
                rule: one.rule.id,
                aspect: one.rule.aspect,
                profiles: vec![one.profile],
                why: one.looked.gaps.clone(),
            }),
        }
    }
    gaps
}
