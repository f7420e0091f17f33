//! `detente prepare` with what cannot be prepared: a sentence, a code, and nothing left behind.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::path::Path;
use std::process::Command;

/// Runs it in a folder; the code and what was said beside the answer.
fn prepare(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_detente"))
        .arg("prepare")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

#[track_caller]
fn check(arguments: &[&str], code: i32, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("zeros.raw"), vec![0; 1 << 20]).unwrap();
    let (is, said) = prepare(folder.path(), arguments);
    assert_eq!(is, code, "{said}");
    assert!(said.contains(part), "{said}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "{said}"
    );
}

#[test]
fn wrong_usage_is_64() {
    check(&[], 64, "IMAGE");
    check(&["zeros.raw"], 64, "--out");
    check(&["zeros.raw", "-o", "x", "--in-place"], 64, "--in-place");
    check(&["zeros.raw", "--dry-run", "--validate"], 64, "--validate");
    check(
        &["zeros.raw", "-o", "x", "--profile", "xen"],
        64,
        "unknown hardware profile",
    );
    check(
        &["zeros.raw", "-o", "x", "--mac", "eth0"],
        64,
        "no MAC address",
    );
}

#[test]
fn what_holds_no_linux_is_refused() {
    check(&["zeros.raw", "-o", "x"], 2, "zeros.raw");
    check(&["zeros.raw", "--dry-run"], 2, "hint");
    check(&["gone.raw", "-o", "x"], 2, "gone.raw");
    check(
        &["zeros.raw", "-o", "x", "--packages", "."],
        2,
        "there are no packages",
    );
}

#[test]
fn what_is_no_journal_is_refused() {
    check(&["--undo", "gone.journal", "-o", "x"], 2, "gone.journal");
}

#[test]
fn what_a_dead_run_left_is_removed_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join(".x.detente-prepare-01234567");
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("disk0.overlay"), "x").unwrap();
    let (code, said) = prepare(folder.path(), &["gone.raw", "-o", "x"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("a run that was killed"), "{said}");
    assert!(!dead.exists());
}
