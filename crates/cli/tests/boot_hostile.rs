//! Guests that misbehave get a verdict, in bounded time, memory and space.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::{case, expect_code, image, run_document};

/// No hostile guest may keep a run for longer, its limit for a boot aside.
const LIMIT: Duration = Duration::from_secs(240);

/// The most memory that the program itself may use: kernel and initramfs are in it, the machine
/// is not.
const MEMORY_KIB: u64 = 256 * 1024;

/// The most that a run's folder may hold.
const FOLDER_BYTES: u64 = 24 << 20;

/// Boots a hostile guest; its boot must fail with a message that `says` it.
#[track_caller]
fn check(test: &str, name: &str, boot_limit_s: u32, says: &[&str]) {
    let Some(image) = image(test, name) else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let started = Instant::now();
    let mut command = support::detente();
    command
        .args([
            "validate",
            "--no-control",
            "--profile",
            "kvm",
            "--boot-limit",
            &boot_limit_s.to_string(),
            "--out",
        ])
        .args([&out, &image]);
    let (output, peak_kib) = support::output_and_peak_kib(&mut command);
    assert!((1..MEMORY_KIB).contains(&peak_kib), "{peak_kib} KiB");
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    expect_code(&output, 1);
    let run = run_document(&out);
    let (outcome, message) = case(&run, "kvm", "BOOT-01");
    assert_eq!(outcome, "failed");
    for part in says {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
    assert_ne!(case(&run, "kvm", "SUP-05").0, "failed");
    assert!(folder_bytes(&out) < FOLDER_BYTES);
}

fn folder_bytes(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| match entry.metadata().unwrap() {
            metadata if metadata.is_dir() => folder_bytes(&entry.path()),
            metadata => metadata.len(),
        })
        .sum()
}

#[test]
fn a_panic_is_a_verdict() {
    check(
        "a_panic_is_a_verdict",
        "hostile-panic.qcow2",
        200,
        &["Kernel panic"],
    );
}

#[test]
fn a_boot_that_hangs_is_a_verdict_at_its_limit() {
    let says = ["no root file system after 45 s"];
    check(
        "a_boot_that_hangs_is_a_verdict_at_its_limit",
        "hostile-hang.qcow2",
        45,
        &says,
    );
}

#[test]
fn a_flooded_console_is_a_verdict() {
    let says = ["MiB to its console"];
    check(
        "a_flooded_console_is_a_verdict",
        "hostile-flood.qcow2",
        200,
        &says,
    );
}

#[test]
fn garbage_on_the_agents_port_is_a_verdict() {
    let says = ["bytes of garbage came on its port"];
    check(
        "garbage_on_the_agents_port_is_a_verdict",
        "hostile-garbage.qcow2",
        200,
        &says,
    );
}
