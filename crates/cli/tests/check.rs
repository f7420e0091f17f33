//! `detente check`, by its public face: documents, exit codes, words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Output;

use detente_samples::{Label, Partition, Tree, can_make_uefi_disks, disk, esp};
use serde_json::{Value, json};
use support::schema::check as fits;
use support::{detente, stderr};
use tempfile::TempDir;

/// A small guest's disk: UEFI, ext4, a kernel without modules; `None` if a tool is missing.
fn guest(test: &str, folder: &TempDir) -> Option<PathBuf> {
    if !can_make_uefi_disks(test) {
        return None;
    }
    let root = Partition {
        kind: "linux",
        content: Tree::debian().ext4(24),
        mib: 24,
    };
    let path = folder.path().join("guest.raw");
    std::fs::write(&path, disk(Label::Gpt, &[esp(), root])).unwrap();
    Some(path)
}

fn run(image: &Path, arguments: &[&str]) -> Output {
    let mut command = detente();
    command.arg("check").arg(image).args(arguments);
    command.output().expect("it starts")
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", stderr(output));
    })
}

fn profiles(document: &Value) -> Vec<&str> {
    let rows = document["profiles"].as_array().unwrap().iter();
    rows.map(|row| row["profile"].as_str().unwrap()).collect()
}

#[test]
fn the_document_is_as_its_schema_says() {
    let folder = TempDir::new().unwrap();
    let Some(image) = guest("the_document_is_as_its_schema_says", &folder) else {
        return;
    };
    let document = document(&run(&image, &["--format", "json", "--profile", "all"]));
    fits(
        "readiness-1.json",
        &document,
        &[
            ("/state", json!("good")),
            ("/profiles/0/profile", json!("xen")),
            ("/profiles/0/boots", json!(true)),
            ("/profiles/0/aspects/0/state", json!(1)),
            ("/findings/0/severity", json!("fatal")),
            ("/findings/0/evidence/0/text", json!(1)),
            ("/support/platforms/0/status", json!("unsupported")),
        ],
    );
    assert_eq!(
        profiles(&document),
        [
            "kvm",
            "kvm-legacy",
            "hyperv-gen1",
            "hyperv-gen2",
            "hyperv-vmbus"
        ]
    );
}

#[test]
fn a_guest_of_uefi_is_not_asked_about_generation_1() {
    let folder = TempDir::new().unwrap();
    let Some(image) = guest("a_guest_of_uefi_is_not_asked_about_generation_1", &folder) else {
        return;
    };
    let document = document(&run(&image, &["--format", "json"]));
    assert_eq!(
        profiles(&document),
        ["kvm", "kvm-legacy", "hyperv-gen2", "hyperv-vmbus"]
    );
    assert_eq!(document["left_out"][0]["profile"], "hyperv-gen1");
    let asked = run(&image, &["--profile", "hyperv-gen1"]);
    assert_eq!(asked.status.code(), Some(1));
    let text = String::from_utf8(asked.stdout).unwrap();
    assert!(
        text.contains("linux.firmware.uefi-on-generation-1"),
        "{text}"
    );
    assert!(text.contains("NOT READY"), "{text}");
    assert!(text.contains("no part of readiness"), "{text}");
}

#[test]
fn sarif_has_what_the_format_requires() {
    let folder = TempDir::new().unwrap();
    let Some(image) = guest("sarif_has_what_the_format_requires", &folder) else {
        return;
    };
    let log = document(&run(&image, &["--format", "sarif", "--profile", "all"]));
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let level = result["level"].as_str().unwrap();
        assert!(["error", "warning", "note"].contains(&level), "{level}");
        assert!(result["message"]["text"].is_string());
        for location in result["locations"].as_array().into_iter().flatten() {
            let artifact = &location["physicalLocation"]["artifactLocation"];
            assert_eq!(artifact["uriBaseId"], "GUEST");
            assert!(!artifact["uri"].as_str().unwrap().starts_with('/'));
        }
    }
}

#[test]
fn wrong_words_are_wrong_usage() {
    for arguments in [
        &["--profile", "xen", "x.raw"][..],
        &["--explain", "linux.no-such.rule"],
        &["--explain", "linux.time.no-synchronisation", "x.raw"],
        &["--list", "--format", "json"],
        &[],
    ] {
        let output = detente().arg("check").args(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(64),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    let output = detente().args(["check", "not-there.raw"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn rules_are_listed_and_explained_without_an_image() {
    let list = detente().args(["check", "--list"]).output().unwrap();
    assert_eq!(list.status.code(), Some(0));
    let text = String::from_utf8(list.stdout).unwrap();
    let ids = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let ids: Vec<&str> = ids.filter(|word| word.starts_with("linux.")).collect();
    assert!(ids.len() >= 45, "{}", ids.len());
    let one = ids.first().unwrap();
    let output = detente()
        .args(["check", "--explain", one])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with(one));
}
