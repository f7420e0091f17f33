//! TAP version 14, held against its specification by hand (and by `tap-parser` of npm, see
//! docs/decisions/0024).

use crate::support::{json as sample, run};
use serde_json::{Value, json};

/// The points of a subtest, or of the whole with an empty indent.
fn points(tap: &str, indent: &str) -> Vec<String> {
    let lines = tap.lines().filter_map(|line| line.strip_prefix(indent));
    let is_point = |line: &&str| line.starts_with("ok ") || line.starts_with("not ok ");
    lines.filter(is_point).map(str::to_owned).collect()
}

/// The sample with one profile of one case that ended so, and the verdict that follows.
fn one(outcome: &str, requirement: &str, verdict: &str) -> String {
    let mut json = sample();
    json["profiles"].as_array_mut().unwrap().truncate(1);
    json["profiles"][0]["verdict"] = json!(verdict);
    let cases = json["profiles"][0]["cases"].as_array_mut().unwrap();
    cases.truncate(1);
    cases[0]["outcome"] = json!(outcome);
    cases[0]["requirement"] = json!(requirement);
    cases[0]["message"] = json!("why # it \\ is so");
    detente_report::tap(&run(&json))
}

#[track_caller]
fn check(outcome: &str, requirement: &str, verdict: &str, expect: [&str; 2]) {
    let tap = one(outcome, requirement, verdict);
    assert_eq!(points(&tap, "    "), [expect[0]]);
    assert_eq!(points(&tap, ""), [expect[1]]);
}

#[test]
fn every_outcome_has_its_point_and_a_harness_agrees_with_the_verdict() {
    let passed = "ok 1 - kvm: passed";
    let point = "ok 1 - BOOT-01 cold boot";
    check("passed", "required", "passed", [point, passed]);
    check("passed_with_warning", "required", "passed", [point, passed]);
    let not = "not ok 1 - BOOT-01 cold boot";
    check(
        "failed",
        "required",
        "failed",
        [not, "not ok 1 - kvm: failed"],
    );
    check(
        "error",
        "required",
        "incomplete",
        [not, "not ok 1 - kvm: incomplete"],
    );
    let advisory = "not ok 1 - BOOT-01 cold boot # TODO advisory: failed";
    check("failed", "advisory", "passed", [advisory, passed]);
    let unseen = "ok 1 - BOOT-01 cold boot # SKIP not_run: why \\# it \\\\ is so";
    check(
        "not_run",
        "required",
        "incomplete",
        [unseen, "not ok 1 - kvm: incomplete"],
    );
    let skipped = "ok 1 - BOOT-01 cold boot # SKIP skipped: why \\# it \\\\ is so";
    check("skipped", "required", "passed", [skipped, passed]);
}

#[test]
fn plans_count_what_follows() {
    let run = crate::support::opened().run;
    let tap = detente_report::tap(&run);
    let mut lines = tap.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    assert_eq!(lines.next(), Some("1..2"));
    assert_eq!(points(&tap, "").len(), 2);
    let cases: usize = run.profiles.iter().map(|part| part.cases.len()).sum();
    assert_eq!(points(&tap, "    ").len(), cases);
    for part in &run.profiles {
        assert!(tap.contains(&format!("    1..{}\n", part.cases.len())));
        assert!(tap.contains(&format!("# Subtest: {}\n", part.profile)));
    }
}

#[test]
fn no_text_makes_a_line_of_its_own() {
    let mut json = sample();
    let evil = "x\nok 99 - forged\r\nBail out!\n1..1\u{2028}not ok";
    json["guest"]["os"] = json!(evil);
    for part in json["profiles"].as_array_mut().unwrap() {
        part["profile"] = json!(evil);
        for case in part["cases"].as_array_mut().unwrap() {
            for field in ["case_id", "title", "message"] {
                case[field] = Value::from(evil);
            }
        }
    }
    let tap = detente_report::tap(&run(&json));
    assert_eq!(points(&tap, "").len(), 2);
    assert!(
        tap.lines()
            .all(|line| !line.trim_start().starts_with("Bail out!"))
    );
    assert!(
        tap.lines()
            .all(|line| !line.trim_start().starts_with("ok 99"))
    );
}
