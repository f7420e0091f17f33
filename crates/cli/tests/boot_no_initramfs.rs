//! A guest whose boot entry names no initramfs: our archive alone, and the agent does the kernel's
//! part. Debian's cloud kernel has NVMe and ext4 built in, and virtio-blk not.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use support::{case, detente, expect_code, image, run_document};

/// The run's document and the console; `None` without the image.
#[track_caller]
fn validate(test: &str, faults: &[&str], code: i32) -> Option<(serde_json::Value, String)> {
    let image = image(test, "debian12-no-initramfs.qcow2")?;
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let mut command = detente();
    command.args(["validate", "--plan", "smoke", "--profile", "kvm", "--out"]);
    command.args([&out, &image]);
    for fault in faults {
        command.args(["--fault", fault]);
    }
    let output = command.output().unwrap();
    expect_code(&output, code);
    let console = std::fs::read(out.join("kvm/console.log")).unwrap();
    let console = String::from_utf8_lossy(&console).into_owned();
    Some((run_document(&out), console))
}

/// The root is found by its PARTUUID and mounted, and systemd starts from it; only what names
/// virtio's disk fails, because the disk is no virtio disk.
#[test]
fn the_agent_mounts_the_root_in_the_kernels_place() {
    let test = "the_agent_mounts_the_root_in_the_kernels_place";
    let Some((run, console)) = validate(test, &["disk-bus"], 1) else {
        return;
    };
    for case in run["profiles"][0]["cases"].as_array().unwrap() {
        let failed = matches!(case["case_id"].as_str().unwrap(), "BOOT-10" | "STO-01");
        let expect = if failed { "failed" } else { "passed" };
        // Other hardware's cases do not apply.
        if case["outcome"] != "skipped" {
            assert_eq!(case["outcome"], expect, "{case:#}");
        }
    }
    let (_, message) = case(&run, "kvm", "BOOT-01");
    assert!(
        message.contains(r#"under systemd said "running""#),
        "{message}"
    );
    let (_, message) = case(&run, "kvm", "BOOT-10");
    assert!(
        message.contains("the guest has no initramfs, and its kernel holds no module virtio_"),
        "{message}"
    );
    let (_, message) = case(&run, "kvm", "STO-01");
    assert!(message.contains("is driven by nvme"), "{message}");
    // The kernel's own record of its command line: what update-grub wrote, and our additions.
    assert!(console.contains("root=PARTUUID=6d2b7a1e-"), "{console}");
}

/// On virtio the kernel would panic; the agent does, and the verdict says what is missing.
#[test]
fn a_root_that_the_kernel_cannot_reach_is_explained() {
    let test = "a_root_that_the_kernel_cannot_reach_is_explained";
    let Some((run, _)) = validate(test, &[], 1) else {
        return;
    };
    let (outcome, message) = case(&run, "kvm", "BOOT-01");
    assert_eq!(outcome, "failed");
    for part in [
        "no root: no device root=PARTUUID=6d2b7a1e-",
        "the guest has no initramfs, and its kernel holds no module virtio_",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}
