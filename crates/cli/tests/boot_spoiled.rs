//! The guest without virtio drivers: the boot itself shows what is missing, and the same guest
//! boots where nothing is.

mod support;

use support::{case, detente, expect_code, image, run_document};

#[test]
fn a_guest_without_virtio_fails_on_kvm_and_the_verdict_names_the_driver() {
    let test = "a_guest_without_virtio_fails_on_kvm_and_the_verdict_names_the_driver";
    let Some(image) = image(test, "debian12-spoiled.qcow2") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let output = detente()
        .args([
            "validate",
            "--no-control",
            "--profile",
            "kvm",
            "--profile",
            "kvm-legacy",
            "--out",
        ])
        .args([&out, &image])
        .output()
        .unwrap();
    expect_code(&output, 1);
    let run = run_document(&out);
    assert_eq!(run["verdict"], "failed");
    let (outcome, message) = case(&run, "kvm", "BOOT-01");
    assert_eq!(outcome, "failed");
    // What the console said, what the agent saw, and the driver's name.
    for part in [
        "gave up",
        "pci:v00001AF4",
        "no driver",
        "no module virtio_pci",
    ] {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
    let (outcome, message) = case(&run, "kvm", "BOOT-10");
    assert_eq!(outcome, "failed");
    assert!(
        message.contains("no module virtio_pci, virtio_blk"),
        "{message:?}"
    );
    assert_eq!(case(&run, "kvm", "CPU-01").0, "not_run");
    assert_eq!(case(&run, "kvm", "SUP-05").0, "passed");
    // The same guest, where its initramfs serves: the verdict follows the hardware.
    for id in ["BOOT-01", "BOOT-10", "PWR-01"] {
        let (outcome, message) = case(&run, "kvm-legacy", id);
        assert!(outcome.starts_with("passed"), "{id}: {outcome}: {message}");
    }
}
