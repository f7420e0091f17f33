//! Boots with faults, and what the committed table says of them.

use serde_json::Value;

use super::{case, detente, expect_code, image, repository, run_document};

/// Boots once with all the faults of a group of the table, and looks at each of its cases; the
/// `unspoiled` ones must pass all the same.
#[track_caller]
pub(crate) fn check(test: &str, (profile, boot): (&str, u64), unspoiled: &[&str]) {
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
    if rows.iter().any(|row| row["plan"] == "base") {
        command.args(["--plan", "base"]);
        for row in &rows {
            command.args(["--case", row["case"].as_str().unwrap()]);
        }
    }
    for row in &rows {
        command.args(["--fault", row["fault"].as_str().unwrap()]);
    }
    let output = command.output().unwrap();
    expect_code(&output, 1);
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
