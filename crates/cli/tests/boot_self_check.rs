//! An image that changes during the run fails the self-check.

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{await_some, case, console_len, detente, image, run_document};

#[test]
fn an_image_that_changes_during_the_run_fails_the_self_check() {
    let test = "an_image_that_changes_during_the_run_fails_the_self_check";
    let Some(source) = image(test, "debian12.qcow2") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let (copy, out) = (place.path().join("copy.raw"), place.path().join("run"));
    let converted = Command::new("qemu-img")
        .args(["convert", "-O", "raw"])
        .args([&source, &copy])
        .status()
        .unwrap();
    assert!(converted.success());

    let mut child = detente()
        .args(["validate", "--no-control", "--profile", "kvm", "--out"])
        .args([&out, &copy])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    await_some("the console", Duration::from_secs(300), || {
        (console_len(place.path(), "kvm") > 20_000).then_some(())
    });
    // The last sectors hold the backup partition table; this one lies before it, beyond the last
    // partition, where the guest does not look.
    let file = File::options().write(true).open(&copy).unwrap();
    let end = file.metadata().unwrap().len();
    file.write_all_at(b"changed", end - 34 * 512 - 512).unwrap();

    assert_eq!(child.wait().unwrap().code(), Some(1));
    let run = run_document(&out);
    let (outcome, message) = case(&run, "kvm", "SUP-05");
    assert_eq!(outcome, "failed");
    assert!(message.contains("changed during the run"), "{message}");
}
