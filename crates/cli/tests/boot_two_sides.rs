//! Both sides of the divide: the same guest on QEMU's hardware and on that of our own machine, and
//! guests that fit one side only.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says what it measured"
)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{case, detente, expect_code, image, run_document, sha256sum, stdout};

/// What every output says of a run on our own machine: design, section 12.
const NOT_HYPERV: &str = "Ran on détente's Hyper-V-compatible machine. It was not run on Microsoft \
    Hyper-V and does not show that it will run there.";

/// The cases of the plan `smoke` that apply to the synthetic hardware.
const SYNTHETIC: [&str; 19] = [
    "BOOT-01", "BOOT-02", "BOOT-10", "CPU-01", "CPU-05", "CPU-08", "MEM-01", "STO-01", "NET-01",
    "NET-02", "TIME-01", "HB-01", "KVP-01", "SNP-01", "CON-01", "KBD-01", "PWR-01", "CRS-03",
    "SUP-05",
];

/// Processor seconds that a Debian server with all its cases may cost in the lab.
const DEBIAN_CPU_S: f64 = 200.0;

fn validate(options: &[&str], out: &Path, image: &Path) -> std::process::Output {
    let mut command = detente();
    command.arg("validate").args(options).arg("--out").arg(out);
    command.arg(image).output().unwrap()
}

/// What the profile's failed case says of the control run.
fn follows<'a>(run: &'a Value, profile: &str, id: &str) -> Option<&'a str> {
    let parts = run["profiles"].as_array().unwrap();
    let part = parts.iter().find(|part| part["profile"] == profile)?;
    let cases = part["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["case_id"] == id)?;
    case["control"]["follows"].as_str()
}

/// Processor seconds that ended children of this process have used.
fn children_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // proc(5): behind the name in brackets, the 16th and 17th field; 100 ticks a second.
    let rest = stat.rsplit_once(") ").unwrap().1;
    let fields: Vec<f64> = rest
        .split(' ')
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    (fields[13] + fields[14]) / 100.0
}

#[test]
fn debian_12_passes_on_the_synthetic_hardware() {
    let test = "debian_12_passes_on_the_synthetic_hardware";
    let Some(image) = image(test, "debian12.qcow2") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let before = sha256sum(&image);
    let earlier_s = children_cpu_s();
    let output = validate(&["--profile", "hyperv-vmbus"], &out, &image);
    let cpu_s = children_cpu_s() - earlier_s;
    eprintln!("{cpu_s:.1} processor seconds (limit: {DEBIAN_CPU_S})");
    expect_code(&output, 0);
    assert_eq!(sha256sum(&image), before, "the image was written to");
    let text = stdout(&output);
    assert!(text.contains(NOT_HYPERV), "{text}");
    let junit = std::fs::read_to_string(out.join("junit.xml")).unwrap();
    assert!(junit.contains("It was not run on Microsoft Hyper-V"));

    let run = run_document(&out);
    assert_eq!(run["verdict"], "passed");
    for id in SYNTHETIC {
        let (outcome, message) = case(&run, "hyperv-vmbus", id);
        assert!(outcome.starts_with("passed"), "{id}: {outcome}: {message}");
    }
    assert_eq!(case(&run, "hyperv-vmbus", "RNG-01").0, "skipped");
    let part = &run["profiles"][0];
    assert_eq!(part["boots"], 2, "one that ends in a crash is its own");
    let platform = &part["platform"];
    assert_eq!(platform["implementation"], "compatible_implementation");
    assert!(part["statement"].as_str().unwrap().ends_with(NOT_HYPERV));
    assert!(cpu_s < DEBIAN_CPU_S, "{cpu_s} processor seconds");
}

#[test]
fn a_guest_that_fits_kvm_only_fails_on_the_synthetic_hardware() {
    let test = "a_guest_that_fits_kvm_only_fails_on_the_synthetic_hardware";
    let Some(image) = image(test, "debian12-kvm-only.qcow2") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    // Both sides without being asked for.
    let output = validate(&["--boot-limit", "100"], &out, &image);
    expect_code(&output, 1);
    let run = run_document(&out);
    for id in ["BOOT-01", "BOOT-10", "STO-01", "PWR-01"] {
        let (outcome, message) = case(&run, "kvm", id);
        assert!(outcome.starts_with("passed"), "{id}: {outcome}: {message}");
    }
    assert_eq!(case(&run, "kvm", "HB-01").0, "skipped");
    let (outcome, message) = case(&run, "hyperv-vmbus", "BOOT-01");
    assert_eq!(outcome, "failed", "{message}");
    assert!(message.contains("no module hv_vmbus"), "{message}");
    assert_eq!(follows(&run, "hyperv-vmbus", "BOOT-01"), Some("platform"));
    let (outcome, message) = case(&run, "hyperv-vmbus", "BOOT-10");
    assert_eq!(outcome, "failed", "{message}");
    assert!(message.contains("hv_vmbus, hv_storvsc"), "{message}");
    let text = stdout(&output);
    assert!(text.contains("[follows the platform: passed"), "{text}");
    // Both sides stand side by side.
    let is_header = |line: &str| line.contains("kvm ") && line.contains("hyperv-vmbus");
    assert!(text.lines().any(is_header), "{text}");
    assert!(run.get("controls").is_none(), "nobody had to be asked");
}

/// The other way round. What it passes on is the long tests' business.
#[test]
fn a_guest_that_fits_the_synthetic_hardware_only_is_told() {
    let test = "a_guest_that_fits_the_synthetic_hardware_only_is_told";
    let Some(image) = image(test, "debian12-hyperv-only.qcow2") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let options = ["--profile", "kvm", "--no-control", "--boot-limit", "50"];
    let output = validate(&options, &out, &image);
    expect_code(&output, 1);
    let run = run_document(&out);
    let (outcome, message) = case(&run, "kvm", "BOOT-01");
    assert_eq!(outcome, "failed", "{message}");
    assert!(message.contains("no module virtio_pci"), "{message}");
    assert_eq!(follows(&run, "kvm", "BOOT-01"), None);
}
