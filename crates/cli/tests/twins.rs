//! The table of spoiled twins is whole: `boot_faults.rs` boots only what stands in it.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;

use serde_json::Value;
use support::{detente, expect_code, repository};

/// The shared boots that `boot_faults.rs` has a test for.
const BOOTS: [u64; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

fn rows() -> Vec<Value> {
    let bytes = fs::read(repository().join("docs/spoiled-twins.json")).unwrap();
    let table: Value = serde_json::from_slice(&bytes).unwrap();
    table["twins"].as_array().unwrap().clone()
}

/// The cases of a plan, sorted.
fn planned(plan: &str) -> Vec<String> {
    let mut command = detente();
    let output = command
        .args(["plan", "show", plan, "--format", "json"])
        .output()
        .unwrap();
    expect_code(&output, 0);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases = plan["cases"].as_array().unwrap();
    let ids = cases.iter().map(|case| case["id"].as_str().unwrap());
    let mut ids: Vec<String> = ids.map(str::to_owned).collect();
    ids.sort();
    ids
}

/// The cases that have a twin in a plan, sorted.
fn spoiled(plan: &str) -> Vec<String> {
    let of_plan = |row: &Value| row["plan"].as_str().unwrap_or("smoke") == plan;
    let rows = rows().into_iter().filter(of_plan);
    let mut ids: Vec<String> = rows
        .map(|row| row["case"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[test]
fn every_case_of_smoke_has_a_spoiled_twin() {
    let planned = planned("smoke");
    assert_eq!(planned.len(), 20);
    assert_eq!(spoiled("smoke"), planned);
}

#[test]
fn every_twin_of_base_is_of_a_case_that_smoke_does_not_have() {
    let (base, smoke) = (planned("base"), planned("smoke"));
    for case in spoiled("base") {
        assert!(base.contains(&case) && !smoke.contains(&case), "{case}");
    }
}

#[test]
fn every_twin_is_booted_by_a_test_that_looks_at_what_it_says() {
    let guide = fs::read_to_string(repository().join("docs/guide/plan-smoke.md")).unwrap();
    let guide = guide.replace('\n', " ");
    for row in rows() {
        let in_smoke = row["plan"] != "base";
        let says = row["says"].as_str().unwrap();
        assert!(says.len() > 5, "{row}");
        assert!(
            !in_smoke || guide.contains(says),
            "plan-smoke.md does not have: {row}"
        );
        let Some(test) = row["test"].as_str() else {
            assert!(row["fault"].is_string(), "{row}");
            let boot = row["shared_boot"].as_u64().unwrap();
            assert!(BOOTS.contains(&boot), "nobody boots {row}");
            continue;
        };
        let file = repository().join(format!("crates/cli/tests/{test}.rs"));
        let source = fs::read_to_string(file).unwrap();
        for part in [says, row["case"].as_str().unwrap()] {
            assert!(source.contains(part), "{test} does not look at {part}");
        }
    }
}
