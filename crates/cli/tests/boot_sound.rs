//! Sound guests pass every applicable case on every profile, and the run's folder tells all.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{case, detente, expect_code, image, names, run_document, sha256sum};

/// The cases of the plan `smoke` that apply to QEMU's hardware, as the issues list them.
const CASES: [&str; 14] = [
    "BOOT-01", "BOOT-02", "BOOT-10", "CPU-01", "CPU-05", "MEM-01", "STO-01", "NET-01", "NET-02",
    "TIME-01", "RNG-01", "CON-01", "PWR-01", "SUP-05",
];

/// All cases of the plan, those of the synthetic hardware too.
const PLANNED: usize = 20;

#[track_caller]
fn check(image: &Path) {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let before = sha256sum(image);
    let output = detente()
        .args([
            "validate",
            "--plan",
            "smoke",
            "--profile",
            "kvm",
            "--profile",
            "kvm-legacy",
            "--out",
        ])
        .args([&out, image])
        .output()
        .unwrap();
    expect_code(&output, 0);
    assert_eq!(sha256sum(image), before, "the image was written to");
    assert_eq!(
        names(place.path()),
        ["run"],
        "something was left beside the run's folder"
    );

    let run = run_document(&out);
    assert_eq!(run["verdict"], "passed");
    for id in CASES {
        for profile in ["kvm", "kvm-legacy"] {
            let (outcome, message) = case(&run, profile, id);
            let expected = if (id, profile) == ("RNG-01", "kvm-legacy") {
                "skipped"
            } else {
                "passed"
            };
            assert_eq!(outcome, expected, "{profile} {id}: {message}");
        }
    }
    manifest_tells_the_folder(&out);
}

/// Every file but the manifest is in it, with the digest that another tool finds.
#[track_caller]
fn manifest_tells_the_folder(out: &Path) {
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(
        manifest["planned_cases"].as_array().unwrap().len(),
        2 * PLANNED
    );
    let mut listed = Vec::new();
    for file in manifest["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        assert_eq!(file["sha256"], sha256sum(&out.join(name)), "{name}");
        listed.push(name.to_owned());
    }
    let mut found = Vec::new();
    for name in names(out) {
        let path = out.join(&name);
        if path.is_dir() {
            found.extend(
                names(&path)
                    .into_iter()
                    .map(|inner| format!("{name}/{inner}")),
            );
        } else if name != "manifest.json" {
            found.push(name);
        }
    }
    found.sort();
    assert_eq!(listed, found);
    assert!(found.iter().any(|name| name == "kvm/console.log"));
    assert!(found.iter().any(|name| name == "kvm/screen.png"));
    assert!(found.iter().any(|name| name == "junit.xml"));
}

#[test]
fn debian_12_with_initramfs_tools() {
    if let Some(image) = image("debian_12_with_initramfs_tools", "debian12.qcow2") {
        check(&image);
    }
}

/// The other world's format: what QEMU sees is what we read, over NBD.
#[test]
fn debian_12_with_dracut_in_a_vhdx() {
    let Some(image) = image("debian_12_with_dracut_in_a_vhdx", "debian12-dracut.qcow2") else {
        return;
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    check(&vhdx(&image, place.path()));
}

/// The same disk as another tool writes it.
fn vhdx(image: &Path, place: &Path) -> PathBuf {
    let vhdx = place.join("disk.vhdx");
    let output = Command::new("qemu-img")
        .args(["convert", "-f", "qcow2", "-O", "vhdx"])
        .args(["-o", "subformat=dynamic"])
        .args([image, &vhdx])
        .output()
        .expect("qemu-img, which made the image");
    expect_code(&output, 0);
    vhdx
}
