//! What takes minutes more: `cargo nextest run --profile long`.

mod support;

use support::{case, detente, expect_code, image, run_document};

#[test]
fn a_guest_that_fits_the_synthetic_hardware_only_is_reproduced_there() {
    let test = "a_guest_that_fits_the_synthetic_hardware_only_is_reproduced_there";
    let Some(image) = image(test, "debian12-hyperv-only.qcow2") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    // One side is asked for; the failure is tried on the other.
    let output = detente()
        .args(["validate", "--profile", "kvm", "--out"])
        .args([&out, &image])
        .output()
        .unwrap();
    expect_code(&output, 1);
    let run = run_document(&out);
    assert_eq!(run["profiles"].as_array().unwrap().len(), 1);
    let (outcome, message) = case(&run, "kvm", "BOOT-01");
    assert_eq!(outcome, "failed", "{message}");
    assert!(message.contains("no module virtio_pci"), "{message}");
    let first = &run["profiles"][0]["cases"][0];
    assert_eq!(first["control"]["follows"], "platform", "{first}");
    let control = &run["controls"][0];
    assert_eq!(control["profile"], "hyperv-vmbus");
    assert_eq!(control["cases"][0]["case_id"], "BOOT-01");
    assert_eq!(control["cases"][0]["outcome"], "passed");
}
