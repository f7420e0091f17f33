//! A run's folder is opened whole and unchanged, or not at all.

use std::fs;
use std::path::Path;

use crate::support::copy;
use detente_report::{Change, OpenError, open};
use serde_json::{Value, json};

/// Opens a copy after `spoil`.
fn spoiled(spoil: impl FnOnce(&Path)) -> OpenError {
    let place = copy();
    spoil(place.path());
    open(place.path()).unwrap_err()
}

/// Changes the manifest.
fn with_manifest(change: impl FnOnce(&mut Value)) -> OpenError {
    spoiled(|folder| {
        let path = folder.join("manifest.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut manifest);
        fs::write(&path, manifest.to_string()).unwrap();
    })
}

#[test]
fn a_folder_as_it_was_written_is_opened() {
    let place = copy();
    let opened = open(place.path()).unwrap();
    assert_eq!(opened.run.profiles.len(), 2);
}

#[test]
fn every_changed_and_missing_file_is_named() {
    let error = spoiled(|folder| {
        let run = fs::read_to_string(folder.join("run.json")).unwrap();
        fs::write(
            folder.join("run.json"),
            run.replace("\"failed\"", "\"passed\""),
        )
        .unwrap();
        fs::remove_file(folder.join("kvm/screen.png")).unwrap();
    });
    let OpenError::Changed { changes } = &error else {
        panic!("{error}");
    };
    let mut changes = changes.clone();
    changes.sort_by_key(ToString::to_string);
    assert_eq!(
        changes,
        [
            Change::Missing("kvm/screen.png".to_owned()),
            Change::Content("run.json".to_owned())
        ]
    );
    assert!(error.to_string().contains("run.json has other content"));
}

#[test]
fn one_byte_more_is_a_change() {
    let error = spoiled(|folder| {
        let path = folder.join("kvm/console.log");
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(b'\n');
        fs::write(path, bytes).unwrap();
    });
    assert!(matches!(error, OpenError::Changed { .. }), "{error}");
}

#[test]
fn a_link_is_no_file_of_the_run() {
    let error = spoiled(|folder| {
        let (path, away) = (folder.join("kvm/console.log"), folder.join("away"));
        fs::rename(&path, &away).unwrap();
        std::os::unix::fs::symlink(&away, &path).unwrap();
    });
    assert!(matches!(error, OpenError::Changed { .. }), "{error}");
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in [
        "../x",
        "/etc/passwd",
        "kvm/../../x",
        "",
        "a//b",
        "a\nb",
        ".",
    ] {
        let error = with_manifest(|manifest| manifest["files"][0]["name"] = json!(name));
        assert!(matches!(error, OpenError::Name { .. }), "{name:?}: {error}");
    }
}

#[test]
fn a_manifest_of_another_run_is_refused() {
    let error = with_manifest(|manifest| manifest["run_id"] = json!("another"));
    assert!(matches!(error, OpenError::Apart { .. }), "{error}");
    let error = with_manifest(|manifest| {
        manifest["planned_cases"][0]["outcome"] = json!("passed_with_warning")
    });
    assert!(matches!(error, OpenError::Apart { .. }), "{error}");
    let error = with_manifest(|manifest| {
        manifest["planned_cases"].as_array_mut().unwrap().pop();
    });
    assert!(matches!(error, OpenError::Apart { .. }), "{error}");
}

#[test]
fn a_manifest_must_name_the_run() {
    let error = with_manifest(|manifest| {
        let files = manifest["files"].as_array_mut().unwrap();
        files.retain(|file| file["name"] != "run.json");
    });
    assert!(matches!(error, OpenError::NoRun), "{error}");
}

#[test]
fn what_is_no_run_is_refused() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        open(empty.path()).unwrap_err(),
        OpenError::Io { .. }
    ));
    let error = spoiled(|folder| fs::write(folder.join("manifest.json"), "{}").unwrap());
    assert!(matches!(error, OpenError::Document { .. }), "{error}");
    let error = spoiled(|folder| {
        let file = fs::File::create(folder.join("manifest.json")).unwrap();
        file.set_len(1 << 40).unwrap();
    });
    assert!(matches!(error, OpenError::TooLarge { .. }), "{error}");
}
