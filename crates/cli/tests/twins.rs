//! The table of spoiled twins is whole: `boot_faults.rs` boots only what stands in it.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;

use serde_json::Value;
use support::{detente, expect_code, repository};

/// The shared boots that `boot_faults.rs` has a test for.
const BOOTS: [u64; 3] = [1, 2, 3];

fn rows() -> Vec<Value> {
    let bytes = fs::read(repository().join("docs/spoiled-twins.json")).unwrap();
    let table: Value = serde_json::from_slice(&bytes).unwrap();
    table["twins"].as_array().unwrap().clone()
}

#[test]
fn every_case_of_the_plan_has_a_spoiled_twin() {
    let mut command = detente();
    let output = command
        .args(["plan", "show", "smoke", "--format", "json"])
        .output()
        .unwrap();
    expect_code(&output, 0);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut planned: Vec<String> = plan["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["id"].as_str().unwrap().to_owned())
        .collect();
    let mut spoiled: Vec<String> = rows()
        .iter()
        .map(|row| row["case"].as_str().unwrap().to_owned())
        .collect();
    planned.sort();
    spoiled.sort();
    assert_eq!(planned.len(), 20);
    assert_eq!(spoiled, planned);
}

#[test]
fn every_twin_is_booted_by_a_test_that_looks_at_what_it_says() {
    let guide = fs::read_to_string(repository().join("docs/guide/plan-smoke.md")).unwrap();
    let guide = guide.replace('\n', " ");
    for row in rows() {
        let says = row["says"].as_str().unwrap();
        assert!(says.len() > 5, "{row}");
        assert!(guide.contains(says), "plan-smoke.md does not have: {row}");
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
