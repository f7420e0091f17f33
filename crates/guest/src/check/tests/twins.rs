//! Runs the twins: a base, one fact changed, one rule more.

use std::collections::BTreeSet;

use super::super::{Profile, rules};
use super::bases::{Shape, shapes};
use super::{broken, twins_boot, twins_rest};
use crate::facts::Facts;

/// A guest that breaks one rule, made from a healthy one by changing one fact.
pub(super) struct Twin {
    /// The rule.
    pub(super) rule: &'static str,
    /// The shape of the healthy one; `""`: every shape.
    pub(super) shape: &'static str,
    /// Where it breaks it.
    pub(super) profile: Profile,
    /// What the healthy one is like beside its shape.
    pub(super) given: fn(&mut Facts),
    /// What is changed.
    pub(super) spoil: fn(&mut Facts),
}

/// A twin of every shape.
pub(super) const fn any(rule: &'static str, profile: Profile, spoil: fn(&mut Facts)) -> Twin {
    of("", rule, profile, spoil)
}

/// A twin of one shape.
pub(super) const fn of(
    shape: &'static str,
    rule: &'static str,
    profile: Profile,
    spoil: fn(&mut Facts),
) -> Twin {
    Twin {
        rule,
        shape,
        profile,
        given: |_| {},
        spoil,
    }
}

fn all() -> impl Iterator<Item = &'static Twin> {
    twins_boot::TWINS.iter().chain(twins_rest::TWINS)
}

#[test]
fn every_rule_has_a_twin() {
    let twins: BTreeSet<_> = all().map(|twin| twin.rule).collect();
    let rules: BTreeSet<_> = rules().map(|rule| rule.id).collect();
    assert_eq!(
        rules.difference(&twins).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
    assert_eq!(
        twins.difference(&rules).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}

#[test]
fn each_twin_breaks_its_rule_and_no_other() {
    let mut wrong = Vec::new();
    for twin in all() {
        let shapes = shapes().into_iter();
        let shapes = shapes.filter(|shape| twin.shape.is_empty() || twin.shape == shape.name);
        wrong.extend(shapes.filter_map(|shape| misfit(twin, &shape)));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

fn misfit(twin: &Twin, shape: &Shape) -> Option<String> {
    let mut facts = shape.facts();
    (twin.given)(&mut facts);
    let before = broken(&facts, twin.profile);
    (twin.spoil)(&mut facts);
    let after = broken(&facts, twin.profile);
    let more: Vec<_> = after.difference(&before).collect();
    (more != [&twin.rule]).then(|| format!("{} on {}: {more:?}", twin.rule, shape.name))
}
