//! What counts as booted, and what differs.

use serde_json::json;

use super::{Pair, Seen, prediction, seen};

fn outcome(boot: &str, message: &str, log: &str) -> Seen {
    seen(&json!({ "profiles": [{ "cases": [
        { "case_id": "BOOT-01", "outcome": boot, "message": message },
        { "case_id": "BOOT-02", "outcome": log, "message": "" },
    ] }] }))
}

#[test]
fn a_guest_that_is_late_has_booted_and_one_that_is_lost_shows_nothing() {
    let late = "systemd said \"unknown\" after 299.3 s";
    assert!(matches!(outcome("failed", late, "passed"), Seen::Booted(_)));
    assert!(matches!(outcome("passed", "", "failed"), Seen::Booted(_)));
    let lost = "no root file system after 300 s; device …";
    assert!(matches!(
        outcome("failed", lost, "not_run"),
        Seen::Stopped(_)
    ));
    let slow = "not ready after 300 s";
    assert!(matches!(
        outcome("failed", slow, "not_run"),
        Seen::Nothing(_)
    ));
    assert!(matches!(
        outcome("error", "the machine was lost", "not_run"),
        Seen::Nothing(_)
    ));
}

#[test]
fn unknown_is_right_about_nothing() {
    let document = json!({
        "profiles": [{ "boots": "unknown" }],
        "findings": [{ "severity": "note", "rule": "a" }, { "severity": "blocks-boot", "rule": "b" }],
    });
    let (said, rules) = prediction(&document);
    assert_eq!(rules, ["b"]);
    let pair = |seen| Pair {
        guest: "a",
        profile: "kvm",
        said: said.clone(),
        rules: Vec::new(),
        seen,
    };
    assert!(pair(Seen::Booted(String::new())).is_mismatch());
    assert!(pair(Seen::Stopped(String::new())).is_mismatch());
    assert!(!pair(Seen::Nothing(String::new())).is_mismatch());
}
