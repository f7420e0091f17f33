//! Each case's own spoiled twin fails: the committed table says how, and what is said.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use serde_json::Value;
use support::{case, detente, image, repository, run_document};

/// Boots once with all the faults of a group of the table, and looks at each of its cases; the
/// `unspoiled` ones must pass all the same.
#[track_caller]
fn check(test: &str, (profile, boot): (&str, u64), unspoiled: &[&str]) {
    let Some(image) = image(test, "debian12.qcow2") else {
        return;
    };
    let table: Value = serde_json::from_slice(
        &std::fs::read(repository().join("docs/spoiled-twins.json")).unwrap(),
    )
    .unwrap();
    let rows: Vec<&Value> = table["twins"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["shared_boot"] == boot)
        .collect();
    assert!(!rows.is_empty());
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let mut command = detente();
    command
        .args([
            "validate",
            "--profile",
            profile,
            "--shutdown-limit",
            "40",
            // Who waits for what never comes waits as long as the plan allows.
            "--case-limit",
            "120",
            "--out",
        ])
        .args([&out, &image]);
    for row in &rows {
        command.args(["--fault", row["fault"].as_str().unwrap()]);
    }
    let output = command.output().unwrap();
    support::expect_code(&output, 1);
    let run = run_document(&out);
    assert_eq!(run["kind"], "fault_injected");
    for row in &rows {
        let (id, says) = (row["case"].as_str().unwrap(), row["says"].as_str().unwrap());
        let (outcome, message) = case(&run, profile, id);
        assert_eq!(outcome, "failed", "{id}: {message}");
        assert!(
            message.contains(says),
            "{id}: {message:?} does not say {says:?}"
        );
    }
    for id in unspoiled {
        let (outcome, message) = case(&run, profile, id);
        assert!(outcome.starts_with("passed"), "{id}: {outcome}: {message}");
    }
}

#[test]
fn the_faults_of_the_first_boot_fail_their_cases() {
    check(
        "the_faults_of_the_first_boot_fail_their_cases",
        ("kvm", 1),
        &["BOOT-01", "BOOT-10", "NET-01", "TIME-01", "SUP-05"],
    );
}

#[test]
fn the_faults_of_the_second_boot_fail_their_cases() {
    // Without an address there is no transfer either.
    check(
        "the_faults_of_the_second_boot_fail_their_cases",
        ("kvm", 2),
        &[
            "BOOT-01", "BOOT-10", "CPU-01", "MEM-01", "STO-01", "RNG-01", "CON-01", "PWR-01",
            "SUP-05",
        ],
    );
}

#[test]
fn the_faults_of_the_synthetic_hardware_fail_their_cases() {
    check(
        "the_faults_of_the_synthetic_hardware_fail_their_cases",
        ("hyperv-vmbus", 3),
        &[
            "BOOT-01", "BOOT-10", "CPU-01", "CPU-05", "MEM-01", "STO-01", "NET-01", "NET-02",
            "TIME-01", "CON-01", "PWR-01", "SUP-05",
        ],
    );
}
