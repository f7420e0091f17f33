//! `detente machine`: definitions through the public commands.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::schema::{check, check_twins};
use support::{detente, expect_code, names, repository, stderr, stdout};

fn domain() -> PathBuf {
    repository().join("crates/machine/tests/libvirt/rhel9.xml")
}

/// The gates of that machine: a device of its host, and a TPM of which nobody knows what it opens.
const ACCEPTED: [&str; 4] = ["--accept", "passthrough", "--accept", "tpm-state"];

#[test]
fn a_definition_is_shown_and_is_as_its_schema_says() {
    let output = detente()
        .args(["machine", "show"])
        .arg(domain())
        .output()
        .unwrap();
    expect_code(&output, 0);
    for piece in [
        "payroll",
        "UEFI, Secure Boot (microsoft both)",
        "4.0 GiB, up to 8.0 GiB by a balloon",
        "52:54:00:12:34:56  bridge br0",
        "VLAN 42",
        "extensions.libvirt.devices/sound",
    ] {
        assert!(
            stdout(&output).contains(piece),
            "{piece}: {}",
            stdout(&output)
        );
    }
    let output = detente()
        .args(["machine", "show", "--format", "json"])
        .arg(domain())
        .output()
        .unwrap();
    expect_code(&output, 0);
    assert!(
        stderr(&output).contains("kept extensions.libvirt.pm"),
        "{}",
        stderr(&output)
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    check_twins(
        "machine-1.json",
        &document,
        &[
            ("/schema", json!("detente/machine/2")),
            ("/name", json!("a/b")),
            ("/processors/count", json!(0)),
            ("/memory/range", json!({"kind": "rubber"})),
            ("/firmware/secure_boot/keys", json!("mine")),
            ("/disks/0/bus", json!("carrier pigeon")),
            ("/disks/0/source", json!({"kind": "file"})),
            ("/nics/0/mac", json!("52:54:00")),
            ("/nics/0/vlan/id", json!(4095)),
            ("/serial_ports/0/port", json!(4)),
            ("/clock", json!("utc")),
        ],
    );
}

#[test]
fn every_platform_has_its_words_and_the_report_is_as_its_schema_says() {
    let place = tempfile::tempdir().unwrap();
    for (to, begins) in [
        ("libvirt", "<domain type='kvm'>"),
        ("qemu", "#!/bin/sh"),
        ("kubevirt", "apiVersion: kubevirt.io/v1"),
        ("json", "{\n  \"schema\": \"detente/machine/1\""),
    ] {
        let out = place.path().join(to);
        let output = detente()
            .args(["machine", "convert", "--to", to])
            .args(ACCEPTED)
            .args(["--format", "json", "-o"])
            .arg(&out)
            .arg(domain())
            .output()
            .unwrap();
        expect_code(&output, 0);
        let text = fs::read_to_string(&out).unwrap();
        assert!(text.starts_with(begins), "{to}: {text}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["result"], "converted");
        check(
            "machine-convert-1.json",
            &document,
            &[
                ("/to", json!("xen")),
                ("/result", json!("maybe")),
                ("/losses/0/fate", json!("eaten")),
                ("/losses/0/why", json!("")),
            ],
        );
    }
}

#[test]
fn a_kit_is_a_folder_that_is_read_again() {
    let place = tempfile::tempdir().unwrap();
    let kit = place.path().join("kit");
    let output = detente()
        .args(["machine", "convert", "--to", "kit"])
        .args(ACCEPTED)
        .args(["--map", "br0=External", "-o"])
        .arg(&kit)
        .arg(domain())
        .output()
        .unwrap();
    expect_code(&output, 0);
    let output = detente()
        .args(["machine", "show"])
        .arg(&kit)
        .output()
        .unwrap();
    expect_code(&output, 0);
    assert!(
        stdout(&output).contains("read as       kit"),
        "{}",
        stdout(&output)
    );
}

/// A gate is shut until it is accepted by name, and --strict refuses what is lost.
#[test]
fn nothing_is_written_where_something_would_be_lost() {
    let place = tempfile::tempdir().unwrap();
    let convert = |more: &[&str]| {
        let mut command = detente();
        command.args(["machine", "convert", "--to", "libvirt", "-o"]);
        command
            .arg(place.path().join("out.xml"))
            .arg(domain())
            .args(more);
        command.output().unwrap()
    };
    let output = convert(&[]);
    expect_code(&output, 1);
    assert!(
        stderr(&output).contains("--accept passthrough"),
        "{}",
        stderr(&output)
    );
    // Nobody looked at the disks, and there is a TPM: that is a gate of its own.
    let output = convert(&["--accept", "passthrough"]);
    expect_code(&output, 1);
    assert!(
        stderr(&output).contains("hint: if that is meant: --accept tpm-state"),
        "{}",
        stderr(&output)
    );
    let output = convert(&[&ACCEPTED[..], &["--strict"]].concat());
    expect_code(&output, 1);
    assert!(stderr(&output).contains("--strict"), "{}", stderr(&output));
    assert!(names(place.path()).is_empty());
    let output = convert(&ACCEPTED);
    expect_code(&output, 0);
    // What is there is not written over.
    let output = convert(&ACCEPTED);
    expect_code(&output, 2);
    assert!(
        stderr(&output).contains("not written over"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn differences_are_told_and_make_the_code() {
    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other.xml");
    let text = fs::read_to_string(domain()).unwrap();
    fs::write(
        &other,
        text.replace("52:54:00:12:34:56", "52:54:00:12:34:99"),
    )
    .unwrap();
    let diff = |a: &Path, b: &Path, format: &str| {
        let mut command = detente();
        command
            .args(["machine", "diff", "--format", format])
            .arg(a)
            .arg(b);
        command.output().unwrap()
    };
    let output = diff(&domain(), &domain(), "text");
    expect_code(&output, 0);
    assert_eq!(stdout(&output), "They say the same.\n");
    let output = diff(&domain(), &other, "text");
    expect_code(&output, 1);
    assert_eq!(
        stdout(&output),
        "nics[0].mac: 52:54:00:12:34:56 | 52:54:00:12:34:99\n"
    );
    let output = diff(&domain(), &other, "json");
    expect_code(&output, 1);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    check(
        "machine-diff-1.json",
        &document,
        &[("/differences/0/field", json!("")), ("/left", json!(null))],
    );
}

#[track_caller]
fn wrong(arguments: &[&str], code: i32, says: &str) {
    let output = detente().arg("machine").args(arguments).output().unwrap();
    expect_code(&output, code);
    let said = stderr(&output);
    assert!(
        said.contains(says),
        "{arguments:?}: {said:?} does not say {says:?}"
    );
}

#[test]
fn wrong_input_has_a_reason_and_a_way_out() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = place.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let missing = place.path().join("missing").to_str().unwrap().to_owned();
    let folder = place.path().to_str().unwrap().to_owned();
    let domain = domain().to_str().unwrap().to_owned();
    wrong(&["show", &missing], 2, "No such file");
    wrong(
        &["show", &folder],
        2,
        "neither machine.json nor inventory.json",
    );
    wrong(&["show", "/dev/null"], 2, "it is no file");
    wrong(&["show", &file("empty", b"")], 2, "neither XML nor JSON");
    wrong(
        &["show", &file("disk.qcow2", b"QFI\xfb")],
        2,
        "detente inspect",
    );
    wrong(&["show", &file("a.xml", b"<domain")], 2, "not well-formed");
    wrong(&["show", &file("b.xml", b"<network/>")], 2, "<network>");
    wrong(
        &["show", &file("c.xml", b"<!DOCTYPE a><domain/>")],
        2,
        "document type",
    );
    wrong(&["show", &file("a.json", b"{}")], 2, "detente/machine/1");
    let newer = br#"{"schema": "detente/machine/9"}"#;
    wrong(&["show", &file("b.json", newer)], 2, "too old");
    wrong(
        &["show", &file("c.json", b"{\"schema\":")],
        2,
        "not a machine's definition",
    );
    wrong(
        &["convert", &domain, "--to", "kit"],
        64,
        "a kit is a folder",
    );
    let json = ["convert", &domain, "--to", "qemu", "--format", "json"];
    wrong(&json, 64, "-o");
    wrong(&["convert", &domain, "--to", "xen"], 64, "xen");
    wrong(&["convert", &domain], 64, "--to");
    wrong(
        &["convert", &domain, "--to", "qemu", "--accept", "all"],
        64,
        "unknown gate",
    );
    wrong(
        &["convert", &domain, "--to", "qemu", "--map", "br0"],
        64,
        "FROM=TO",
    );
    let to_json = [&["convert", &domain, "--to", "json"], &ACCEPTED[..]].concat();
    let unused = [&to_json[..], &["--map", "x=y"]].concat();
    wrong(&unused, 0, "no card is plugged into \"x\"");
    wrong(&["diff", &domain, &missing], 2, "No such file");
    let nowhere = format!("{missing}/out.xml");
    let out = [&to_json[..], &["-o", &nowhere]].concat();
    wrong(&out, 2, "its folder must be there");
}
