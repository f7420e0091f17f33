//! `detente report` and `detente explain`, on the folder of a real run.
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use support::schema::{check, validator};
use support::{detente, expect_code, repository, stderr};

/// The folder of a run that failed on one side; see the README beside it.
fn sample() -> PathBuf {
    repository().join("crates/report/tests/sample/run")
}

/// A copy of the run that may be spoiled.
fn copy(place: &Path) -> PathBuf {
    let to = place.join("run");
    for folder in ["", "kvm", "hyperv-vmbus"] {
        fs::create_dir_all(to.join(folder)).unwrap();
        for entry in fs::read_dir(sample().join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
    to
}

fn report(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = detente();
    command.arg("report").arg(folder).args(arguments);
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn without_a_file_it_is_the_table() {
    let output = report(&sample(), &[]);
    expect_code(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("BOOT-01"), "{text}");
    assert!(text.contains("Test result, not a vendor certification."));
    assert!(text.ends_with("verdict: failed\n"));
}

#[test]
fn a_file_gets_the_page_and_is_not_replaced_unasked() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("report.html");
    let name = file.to_str().unwrap();
    expect_code(&report(&sample(), &["-o", name]), 0);
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    let output = report(&sample(), &["-o", name]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("--force"));
    expect_code(&report(&sample(), &["-o", name, "--force"]), 0);
    let link = place.path().join("link.html");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let output = report(&sample(), &["--force", "-o", link.to_str().unwrap()]);
    expect_code(&output, 2);
    fs::remove_file(&link).unwrap();
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn every_format_is_what_it_says() {
    let html = stdout(&report(&sample(), &["--format", "html"]));
    assert!(html.starts_with("<!DOCTYPE html>"));
    let tap = stdout(&report(&sample(), &["--format", "tap"]));
    assert!(tap.starts_with("TAP version 14\n1..2\n"));
    let junit = stdout(&report(&sample(), &["--format", "junit"]));
    assert!(junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"));
}

#[test]
fn the_document_is_as_its_schema_says() {
    let output = report(
        &sample(),
        &["--format", "json", "--against", sample().to_str().unwrap()],
    );
    expect_code(&output, 0);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let spoiled = [
        ("/schema", json!("detente/report/2")),
        ("/coverage", json!([])),
        ("/coverage/0/hardware", json!("xen")),
        ("/coverage/0/seen", json!(-1)),
        ("/statements", json!([])),
        ("/statements/0/statement", json!("Certified.")),
        ("/differences/mended", json!(null)),
        ("/run", json!({})),
    ];
    check("report-1.json", &document, &spoiled);
    assert!(validator("run-1.json").is_valid(&document["run"]));
    let alone = report(&sample(), &["--format", "json"]);
    let alone: Value = serde_json::from_slice(&alone.stdout).unwrap();
    assert!(validator("report-1.json").is_valid(&alone));
    assert_eq!(alone["differences"], json!(null));
}

#[test]
fn a_changed_file_is_said_and_nothing_is_reported() {
    let place = tempfile::tempdir().unwrap();
    let folder = copy(place.path());
    expect_code(&report(&folder, &[]), 0);
    let run = fs::read_to_string(folder.join("run.json")).unwrap();
    let whitewashed = run.replace("\"failed\"", "\"passed\"");
    assert_ne!(run, whitewashed);
    fs::write(folder.join("run.json"), whitewashed).unwrap();
    let output = report(&folder, &[]);
    expect_code(&output, 2);
    assert!(output.stdout.is_empty());
    assert!(
        stderr(&output).contains("run.json has other content"),
        "{}",
        stderr(&output)
    );
    // The same for the run to compare with.
    let output = report(&sample(), &["--against", folder.to_str().unwrap()]);
    expect_code(&output, 2);
}

#[test]
fn evidence_is_not_written_over() {
    let place = tempfile::tempdir().unwrap();
    let folder = copy(place.path());
    for name in ["run.json", "manifest.json", "kvm/console.log"] {
        let before = fs::read(folder.join(name)).unwrap();
        let target = folder.join(name);
        let output = report(&folder, &["--force", "-o", target.to_str().unwrap()]);
        expect_code(&output, 64);
        assert_eq!(fs::read(folder.join(name)).unwrap(), before);
    }
}

#[test]
fn a_failure_that_is_new_since_is_the_finding() {
    let place = tempfile::tempdir().unwrap();
    let earlier = copy(place.path());
    // The earlier run passed: with its manifest made again, as that run would have had it.
    let mut run: Value =
        serde_json::from_slice(&fs::read(earlier.join("run.json")).unwrap()).unwrap();
    let mut manifest: Value =
        serde_json::from_slice(&fs::read(earlier.join("manifest.json")).unwrap()).unwrap();
    for part in run["profiles"].as_array_mut().unwrap() {
        for case in part["cases"].as_array_mut().unwrap() {
            if case["outcome"] == "failed" {
                case["outcome"] = json!("passed");
            }
        }
    }
    for case in manifest["planned_cases"].as_array_mut().unwrap() {
        if case["outcome"] == "failed" {
            case["outcome"] = json!("passed");
        }
    }
    let bytes = run.to_string();
    for file in manifest["files"].as_array_mut().unwrap() {
        if file["name"] == "run.json" {
            file["size_bytes"] = json!(bytes.len());
            file["sha256"] = json!(sha256(bytes.as_bytes()));
        }
    }
    fs::write(earlier.join("run.json"), bytes).unwrap();
    fs::write(earlier.join("manifest.json"), manifest.to_string()).unwrap();

    let output = report(&sample(), &["--against", earlier.to_str().unwrap()]);
    expect_code(&output, 1);
    let text = stdout(&output);
    assert!(text.contains("new failure: hyperv-vmbus BOOT-01"), "{text}");
    let output = report(&earlier, &["--against", sample().to_str().unwrap()]);
    expect_code(&output, 0);
    assert!(stdout(&output).contains("mended: hyperv-vmbus BOOT-01"));
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_is_no_run_is_refused_with_a_way_out() {
    let empty = tempfile::tempdir().unwrap();
    let output = report(empty.path(), &[]);
    expect_code(&output, 2);
    assert!(
        stderr(&output).contains("hint: name the folder"),
        "{}",
        stderr(&output)
    );
    expect_code(&report(&empty.path().join("missing"), &[]), 2);
}

#[test]
fn words_and_cases_are_explained() {
    let explain = |arguments: &[&str]| {
        let mut command = detente();
        command.arg("explain").args(arguments).output().unwrap()
    };
    let output = explain(&["not_run"]);
    expect_code(&output, 0);
    assert!(stdout(&output).contains("It never counts as passed."));
    assert!(stdout(&output).contains("What to do: "));
    let output = explain(&["boot-01"]);
    expect_code(&output, 0);
    assert!(stdout(&output).contains("BOOT-01") && stdout(&output).contains("cold boot"));
    let output = explain(&["certified"]);
    expect_code(&output, 64);
    assert!(stderr(&output).contains("`detente explain` lists"));
    let all = stdout(&explain(&[]));
    for term in ["passed_with_warning", "compatible_implementation", "PWR-01"] {
        assert!(all.contains(term), "{term}");
    }
    for arguments in [&["failed"][..], &["SUP-05"], &[]] {
        let output = explain(&[arguments, &["--format", "json"]].concat());
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        check(
            "explanation-1.json",
            &document,
            &[("/schema", json!("detente/explanation/2"))],
        );
    }
}
