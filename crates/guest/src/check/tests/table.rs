//! What holds for the table of rules as a whole.

use std::collections::BTreeSet;

use super::super::{Basis, Profile, Severity, rule, rules};

#[test]
fn there_are_at_least_45_rules_with_names_of_their_own() {
    let ids: BTreeSet<_> = rules().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules().count());
    assert!(ids.len() >= 45, "{}", ids.len());
    for id in ids {
        assert!(rule(id).is_some());
        let words: Vec<&str> = id.split('.').collect();
        assert_eq!(words.len(), 3, "{id}");
        assert_eq!(words[0], "linux", "{id}");
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        assert!(id.chars().all(fine), "{id}");
    }
}

#[test]
fn every_rule_says_what_it_means_in_whole_sentences() {
    for rule in rules() {
        let id = rule.id;
        assert!(!rule.profiles.is_empty(), "{id}");
        assert!(rule.consequence.ends_with('.'), "{id}");
        assert!(!rule.title.ends_with('.'), "{id}");
        assert!(rule.title.len() <= 90, "{id}: {}", rule.title.len());
        for text in [rule.title, rule.consequence, rule.remedy, rule.source] {
            assert!(!text.is_empty() && !text.contains("  "), "{id}: {text}");
        }
    }
}

#[test]
fn what_rests_on_inference_says_that_it_is_unproven() {
    for rule in rules() {
        let said = rule.consequence.contains("unproven");
        assert_eq!(said, rule.basis == Basis::Inferred, "{}", rule.id);
    }
}

#[test]
fn nothing_about_real_hyperv_alone_is_said_to_have_been_seen() {
    let real = [Profile::HypervGen1, Profile::HypervGen2];
    for rule in rules().filter(|rule| rule.basis == Basis::Seen) {
        let only = rule.profiles.iter().all(|profile| real.contains(profile));
        assert!(!only, "{}", rule.id);
    }
}

#[test]
fn severities_are_ordered() {
    assert!(Severity::Note < Severity::Degrades);
    assert!(Severity::Degrades < Severity::LosesNetwork);
    assert!(Severity::LosesNetwork < Severity::BlocksBoot);
}
