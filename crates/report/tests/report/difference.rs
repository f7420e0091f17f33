//! Two runs: what failed newly, what is mended, what moved.

use crate::support::{json as sample, run, text};
use detente_evidence::Outcome;
use detente_report::{CaseChange, Differences, differences};
use serde_json::{Value, json};

/// The place of a case of the sample's first profile.
fn case<'a>(json: &'a mut Value, id: &str) -> &'a mut Value {
    let cases = json["profiles"][0]["cases"].as_array_mut().unwrap();
    cases.iter_mut().find(|case| case["case_id"] == id).unwrap()
}

/// What changed from the sample to the sample after `change`.
fn changed(change: impl FnOnce(&mut Value)) -> Differences {
    let earlier = sample();
    let mut now = sample();
    change(&mut now);
    differences(&run(&earlier), &run(&now))
}

fn ids(changes: &[CaseChange]) -> Vec<&str> {
    changes
        .iter()
        .map(|change| change.case_id.as_str())
        .collect()
}

#[test]
fn a_run_is_like_itself() {
    assert!(changed(|_| {}).is_empty());
}

#[test]
fn a_case_that_fails_now_is_a_new_failure_and_the_other_way_round_mended() {
    let found = changed(|now| case(now, "STO-01")["outcome"] = json!("failed"));
    assert_eq!(ids(&found.new_failures), ["STO-01"]);
    assert_eq!(found.new_failures[0].before, Some(Outcome::Passed));
    assert!(found.mended.is_empty() && found.other.is_empty());

    let (mut earlier, now) = (sample(), sample());
    case(&mut earlier, "STO-01")["outcome"] = json!("failed");
    let found = differences(&run(&earlier), &run(&now));
    assert_eq!(ids(&found.mended), ["STO-01"]);
    assert!(found.new_failures.is_empty() && found.other.is_empty());
}

#[test]
fn a_failure_that_is_not_seen_any_more_is_not_mended() {
    let (mut earlier, mut now) = (sample(), sample());
    case(&mut earlier, "STO-01")["outcome"] = json!("failed");
    case(&mut now, "STO-01")["outcome"] = json!("not_run");
    let found = differences(&run(&earlier), &run(&now));
    assert!(found.mended.is_empty());
    assert_eq!(ids(&found.other), ["STO-01"]);
}

#[test]
fn cases_that_come_and_go_are_said() {
    let found = changed(|now| case(now, "STO-01")["case_id"] = json!("STO-99"));
    assert_eq!(ids(&found.other), ["STO-99", "STO-01"]);
    assert_eq!((found.other[0].before, found.other[1].after), (None, None));
    let found = changed(|now| {
        let new = case(now, "STO-01");
        new["case_id"] = json!("STO-99");
        new["outcome"] = json!("failed");
    });
    assert_eq!(ids(&found.new_failures), ["STO-99"]);
}

/// What moved of one measurement, from `(value, limit)` to another value.
#[track_caller]
fn moved(unit: &str, limit: Option<f64>, before: f64, after: f64, expect: bool) {
    let comparator = limit.map(|_| "at_most");
    let measurement = |value: f64| json!([{"name": "m", "value": value, "unit": unit, "limit": limit, "comparator": comparator}]);
    let (mut earlier, mut now) = (sample(), sample());
    case(&mut earlier, "STO-01")["measurements"] = measurement(before);
    case(&mut now, "STO-01")["measurements"] = measurement(after);
    let found = differences(&run(&earlier), &run(&now));
    assert_eq!(
        found.measurements.len(),
        usize::from(expect),
        "{before} {after} {unit}"
    );
}

#[test]
fn values_that_moved_by_more_than_noise_are_said() {
    moved("count", Some(5.0), 3.0, 4.0, true);
    moved("count", Some(5.0), 3.0, 3.0, false);
    moved("count", None, 100.0, 110.0, false);
    moved("count", None, 100.0, 150.0, true);
    moved("ms", Some(60_000.0), 10_000.0, 12_000.0, false);
    moved("ms", Some(60_000.0), 10_000.0, 13_000.0, true);
    moved("ms", None, 10.0, 300.0, false);
    moved("bytes", None, 0.0, 1.0, true);
}

#[test]
fn what_was_not_the_same_from_the_beginning_is_said() {
    let found = changed(|now| {
        now["guest"]["kernel_release"] = json!("6.1.0-99");
        now["profiles"][0]["platform"]["acceleration"] = json!("hardware");
        now["images"][0]["digest"]["before"] = json!("00");
    });
    let names: Vec<_> = found.settings.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["kernel", "disks", "platform of kvm"]);
    assert!(!found.is_empty() && found.new_failures.is_empty());
}

#[test]
fn the_page_says_it_all() {
    let (mut earlier, mut now) = (sample(), sample());
    case(&mut earlier, "STO-01")["outcome"] = json!("failed");
    case(&mut now, "NET-01")["outcome"] = json!("failed");
    let folder = crate::support::opened().folder;
    let html = detente_report::html(&run(&now), &folder, Some(&run(&earlier))).unwrap();
    let text = text(&html);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(at("New failures") < at("Mended"));
    let (new, mended) = (
        &text[at("New failures")..at("Mended")],
        &text[at("Mended")..],
    );
    assert!(new.contains("NET-01") && !new.contains("STO-01"));
    assert!(mended.contains("STO-01"));

    let html = detente_report::html(&run(&now), &folder, Some(&run(&now))).unwrap();
    assert!(html.contains("Nothing changed"));
}
