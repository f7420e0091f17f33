//! `detente inspect --batch`: many machines, each with its own answer.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;

use detente_samples::{Tree, can_make_ext4};
use serde_json::{Value, json};
use support::{detente, expect_code, schema, stderr, stdout};

/// A folder with a sound machine, one without its kernel, and a file that is no disk.
fn folder(test: &str) -> Option<tempfile::TempDir> {
    if !can_make_ext4(test) {
        return None;
    }
    let place = tempfile::tempdir().unwrap();
    let sound = Tree::debian();
    let broken = Tree::debian().without("boot/vmlinuz-6.1");
    fs::write(place.path().join("a.raw"), sound.ext4(32)).unwrap();
    fs::write(place.path().join("b.raw"), broken.ext4(32)).unwrap();
    fs::write(place.path().join("c.raw"), vec![7; 1 << 20]).unwrap();
    fs::write(place.path().join("notes.txt"), b"not an image").unwrap();
    Some(place)
}

#[test]
fn one_bad_image_does_not_end_the_batch() {
    let Some(place) = folder("one_bad_image_does_not_end_the_batch") else {
        return;
    };
    for jobs in ["1", "2", "7"] {
        let mut command = detente();
        command.args(["inspect", "--jobs", jobs, "--batch", "."]);
        let output = command.current_dir(&place).output().unwrap();
        // A guest that would not boot is certain, one that cannot be read is not.
        expect_code(&output, 1);
        let said = stdout(&output);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 4, "{said}");
        assert!(lines[1].starts_with("fine     debian 12"), "{said}");
        assert!(lines[1].ends_with("./a.raw"), "{said}");
        assert!(lines[2].starts_with("no boot  debian 12"), "{said}");
        assert!(lines[3].starts_with("unknown  -"), "{said}");
        assert!(lines[3].contains("./c.raw: no operating system"), "{said}");
    }
}

#[test]
fn a_list_names_machines_with_several_disks() {
    let Some(place) = folder("a_list_names_machines_with_several_disks") else {
        return;
    };
    let list = place.path().join("list");
    fs::write(&list, "# servers\nc.raw\ta.raw\n\nabsent.raw\n").unwrap();
    let mut command = detente();
    command.args(["inspect", "--format", "json", "--batch", "list"]);
    let output = command.current_dir(&place).output().unwrap();
    expect_code(&output, 2);
    let said = stdout(&output);
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert_eq!(lines[0]["images"], json!(["c.raw", "a.raw"]));
    assert_eq!(lines[0]["facts"]["operating_system"]["id"], "debian");
    assert_eq!(lines[0]["facts"]["root"]["disk"], 1);
    assert!(lines[1]["error"].as_str().unwrap().contains("absent.raw"));
    assert!(lines[1]["hint"].is_string());
    schema::check(
        "guest-batch-1.json",
        &lines[0],
        &[
            ("/schema", json!("detente/guest-batch/2")),
            ("/images", json!([])),
            ("/exit_code", json!(64)),
        ],
    );
}

#[test]
fn an_image_that_is_not_there_is_named_once() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("list"), "absent.raw\tother.raw\n").unwrap();
    let mut command = detente();
    command.args(["inspect", "--batch", "list"]);
    let output = command.current_dir(&place).output().unwrap();
    expect_code(&output, 2);
    assert_eq!(stdout(&output).matches("absent.raw").count(), 1);
}

#[test]
fn a_batch_of_nothing_is_said() {
    let place = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], code: i32, says: &str| {
        let mut command = detente();
        command.arg("inspect").args(arguments).current_dir(&place);
        let output = command.output().unwrap();
        expect_code(&output, code);
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    };
    check(&["--batch", "."], 64, "no image");
    check(&["--batch", "absent"], 2, "No such file");
    check(&["--batch", ".", "a.raw"], 64, "cannot be used with");
    check(&["--batch", ".", "--jobs", "0"], 64, "invalid value");
    check(&["--jobs", "2", "a.raw"], 64, "--batch");
}
