//! Guests that differ in what the agent must live with: another init, SELinux enforcing.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use support::{case, detente, expect_code, image, run_document};

/// Validates the guest and hands over what BOOT-01 said and what came on the console; every
/// case must have passed.
#[track_caller]
fn validate(test: &str, name: &str) -> Option<(String, String)> {
    let image = image(test, name)?;
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let output = detente()
        .args(["validate", "--plan", "smoke", "--profile", "kvm", "--out"])
        .args([&out, &image])
        .output()
        .unwrap();
    expect_code(&output, 0);
    let run = run_document(&out);
    assert_eq!(run["verdict"], "passed");
    let cases = run["profiles"][0]["cases"].as_array().unwrap();
    let (other_side, here): (Vec<_>, Vec<_>) =
        cases.iter().partition(|case| case["outcome"] == "skipped");
    assert_eq!((here.len(), other_side.len()), (14, 6));
    for case in here {
        assert_eq!(case["outcome"], "passed", "{case:#}");
    }
    let console = std::fs::read(out.join("kvm/console.log")).unwrap();
    let (_, message) = case(&run, "kvm", "BOOT-01");
    Some((
        message.to_owned(),
        String::from_utf8_lossy(&console).into_owned(),
    ))
}

/// init(8) of sysvinit says its version before anything else.
#[test]
fn debian_12_without_systemd() {
    let seen = validate("debian_12_without_systemd", "debian12-sysvinit.qcow2");
    let Some((ready, console)) = seen else { return };
    assert!(
        ready.contains(r#"(bookworm) under init said "login-ready""#),
        "{ready}"
    );
    assert!(console.contains("INIT: version 3."), "{console}");
    assert!(!console.contains("systemd["), "{console}");
}

/// The kernel's own record of loading the policy, and its own word after the boot.
#[test]
fn debian_12_with_selinux_enforcing() {
    let seen = validate("debian_12_with_selinux_enforcing", "debian12-selinux.qcow2");
    let Some((ready, console)) = seen else { return };
    assert!(
        ready.contains(r#"under systemd with SELinux enforcing said "running""#),
        "{ready}"
    );
    assert!(console.contains("enforcing=1 old_enforcing=0"), "{console}");
    assert!(
        console.contains("Successfully loaded SELinux policy"),
        "{console}"
    );
}
