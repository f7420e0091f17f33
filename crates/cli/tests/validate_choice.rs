//! What of a plan is run, the user's own cases and batches: what needs no machine.
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::schema::validator;
use support::{detente, expect_code, names, repository, stderr, stdout};

/// Wrong usage of `validate`, which says these words.
#[track_caller]
fn wrong(arguments: &[&str], says: &[&str]) {
    let output = detente().arg("validate").args(arguments).output().unwrap();
    expect_code(&output, 64);
    let said = stderr(&output);
    for part in says {
        assert!(said.contains(part), "{said}");
    }
}

fn earlier_run() -> String {
    let folder = repository().join("crates/report/tests/sample/run");
    folder.display().to_string()
}

#[test]
fn an_unknown_case_is_wrong_usage_and_the_nearest_are_named() {
    let says = ["plan smoke has no case \"STO-1\"", "did you mean STO-01?"];
    wrong(&["x", "--case", "STO-1"], &says);
    wrong(
        &["x", "--skip", "boot-01,kbd"],
        &["no case \"kbd\"", "detente plan show smoke"],
    );
    wrong(
        &["x", "--case", "STO-01", "--skip", "sto-01"],
        &["no case is left to be run"],
    );
    wrong(&["x", "--repeat", "0"], &["0 is not in 1..=100"]);
}

#[test]
fn an_earlier_run_says_its_plan() {
    let run = earlier_run();
    let says = ["the earlier run was of the plan \"smoke\""];
    wrong(&["x", "--plan", "base", "--rerun-failed", &run], &says);
    let output = detente()
        .args(["validate", "x", "--rerun-failed", "nowhere"])
        .output()
        .unwrap();
    expect_code(&output, 2);
    // The plan and what did not pass are taken from it: what is missing is the image.
    let output = detente()
        .args(["validate", "x.raw", "--rerun-failed", &run])
        .output()
        .unwrap();
    expect_code(&output, 2);
    assert!(stderr(&output).contains("x.raw"), "{}", stderr(&output));
}

#[test]
fn cases_of_the_users_own_are_looked_at_before_anything_is_started() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().display().to_string();
    wrong(
        &["x", "--cases", &folder],
        &["holds no executable file", "own-cases.md"],
    );
    let script = place.path().join("bad.sh");
    fs::write(&script, "#!/bin/sh\n# detente: limit_s = never\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    wrong(&["x", "--cases", &folder], &["bad.sh, line 2: limit_s"]);
    fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
    let says = ["did you mean USER-bad.sh?"];
    wrong(&["x", "--cases", &folder, "--case", "USER-bad.s"], &says);
}

#[test]
fn a_case_is_shown_in_full_sentences() {
    let output = detente()
        .args(["plan", "show", "base", "kvp-01"])
        .output()
        .unwrap();
    expect_code(&output, 0);
    let said = stdout(&output);
    for line in [
        "What is done: The machine asks the guest's daemon",
        "Passes when: One daemon runs",
        "Applies to: hyperv-vmbus. On any other profile it is skipped.",
        "Applies when: Hyper-V's daemon for key-value pairs is installed and started. On any other \
         guest it is skipped.",
        "Requirement: required.",
        "Responsible: the maker of the operating system",
        "Limit: 90 s with hardware acceleration",
        "Boots: none of its own",
        "Retries: none",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

fn list(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("list.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_batch_says_what_it_could_not_run() {
    let place = tempfile::tempdir().unwrap();
    let text = "out = \"results\"\n[[machine]]\nsource = \"gone.qcow2\"\n\
                [[machine]]\nsource = [\"a.raw\", \"b.raw\"]\nout = \"two\"\n";
    let list = list(place.path(), text);
    let run = || {
        let mut command = detente();
        command.args(["validate", "--format", "json", "--jobs", "2", "--batch"]);
        command.arg(&list).output().unwrap()
    };
    for _ in 0..2 {
        let output = run();
        expect_code(&output, 2);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let errors: Vec<_> = validator("batch-1.json")
            .iter_errors(&answer)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(answer["command"], "validate");
        assert_eq!(answer["counts"]["failed"], 2);
        assert_eq!(answer["machines"][0]["result"], json!("failed"));
        assert_eq!(names(&place.path().join("results")), Vec::<String>::new());
    }
}

#[test]
fn a_list_that_cannot_be_meant_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let check = |text: &str, code: i32, says: &str| {
        let list = list(place.path(), text);
        let output = detente()
            .args(["validate", "--batch"])
            .arg(list)
            .output()
            .unwrap();
        expect_code(&output, code);
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    };
    let machine = "[[machine]]\nsource = \"a.raw\"\n";
    check("out = \"o\"\n", 64, "0 machines");
    check(machine, 2, "out");
    check(
        &format!("out = \"o\"\n{machine}{machine}"),
        64,
        "two machines would both become",
    );
    check(
        &format!("out = \"o\"\n{machine}out = \"../a\"\n"),
        64,
        "no plain name",
    );
    check(
        &format!("out = \"o\"\n{machine}profiles = [\"xen\"]\n"),
        64,
        "xen",
    );
    check(
        &format!("out = \"o\"\n{machine}plan = \"base\"\n"),
        2,
        "unknown field",
    );
    wrong(&["x", "--batch", "l.toml"], &["cannot be used with"]);
}
