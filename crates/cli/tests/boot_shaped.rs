//! The shaped guests as `inspect` sees them: their recipes say what is in them, and wrote it into
//! `NAME.expected.json` beside each image. Nothing is booted; they are there only when the tests
//! that boot run.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{detente, expect_code, image, output_and_peak_kib, repository};

/// The issue's limit for `inspect`.
const MEMORY_KIB: u64 = 64 * 1024;

/// What the recipe put in, and what `inspect` says with everything asked for.
fn look(test: &str, name: &str) -> Option<(Value, Value)> {
    let image = image(test, &format!("{name}.qcow2"))?;
    let expected = repository().join(format!("target/images/{name}.expected.json"));
    let expected = std::fs::read(expected).unwrap();
    let mut command = detente();
    command.args(["inspect", "--initramfs", "--packages", "--format", "json"]);
    let (output, peak_kib) = output_and_peak_kib(command.arg(image));
    expect_code(&output, 0);
    assert!(peak_kib < MEMORY_KIB, "{name}: {peak_kib} KiB");
    Some((
        serde_json::from_slice(&expected).unwrap(),
        serde_json::from_slice(&output.stdout).unwrap(),
    ))
}

/// The strings of a list of the recipe's.
fn list(expected: &Value, key: &str) -> BTreeSet<String> {
    let list = expected[key].as_array();
    let list = list.unwrap_or_else(|| panic!("no {key}"));
    list.iter().map(text).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Operating system, boot chain, kernels, mounts.
#[track_caller]
fn check_system(expected: &Value, facts: &Value) {
    let system = &facts["operating_system"];
    assert_eq!(system["id"], expected["os_id"]);
    assert_eq!(system["version_id"], expected["os_version"]);
    assert_eq!(facts["hostname"], expected["hostname"]);
    assert_eq!(facts["machine_id"], expected["machine_id"]);
    assert_eq!(facts["firmware"], expected["firmware"]);
    let fallback = facts["boot"]["efi_csv"].as_array().unwrap();
    let labels: Vec<&Value> = fallback.iter().map(|entry| &entry["label"]).collect();
    assert_eq!(labels, Vec::from_iter(expected.get("fallback_entry")));
    assert_eq!(facts["boot"]["loader"], expected["loader"]);
    let default = &facts["boot"]["default"];
    assert_eq!(default["kernel_release"], expected["default_kernel"]);
    assert_eq!(default["root"]["spec"], expected["root_spec"]);
    assert_eq!(default["root"]["volume"], facts["root"]);
    assert_eq!(facts["problems"], Value::Array(Vec::new()));
    let releases = facts["kernels"].as_array().unwrap();
    let releases: BTreeSet<String> = releases
        .iter()
        .map(|kernel| text(&kernel["release"]))
        .collect();
    assert!(
        releases.is_superset(&list(expected, "kernels")),
        "{releases:?}"
    );
    let mounts = facts["fstab"].as_array().unwrap().iter();
    let mounts = mounts
        .filter(|mount| text(&mount["mount_point"]).starts_with('/') && !mount["volume"].is_null());
    let mounts: BTreeSet<String> = mounts
        .map(|mount| format!("{} {}", text(&mount["mount_point"]), text(&mount["kind"])))
        .collect();
    assert_eq!(mounts, list(expected, "mounts"));
}

/// The modules of every initramfs file.
#[track_caller]
fn check_initramfs(expected: &Value, facts: &Value) {
    let images = facts["initramfs_images"].as_array().unwrap();
    let files = expected["initramfs"].as_object().unwrap();
    for name in files.keys() {
        let found = images
            .iter()
            .find(|image| text(&image["place"]["path"]).rsplit('/').next() == Some(name.as_str()));
        let found = found.unwrap_or_else(|| panic!("{name} is not among {images:#?}"));
        let modules = found["contents"]["modules"].as_array();
        let modules: BTreeSet<String> = modules.unwrap().iter().map(text).collect();
        assert_eq!(modules, list(&expected["initramfs"], name), "{name}");
    }
}

/// Packages as the real `rpm` and `dpkg-query` list them.
#[track_caller]
fn check_packages(expected: &Value, facts: &Value) {
    let databases = facts["packages"].as_array().unwrap();
    let database = databases
        .iter()
        .find(|database| database["kind"] == expected["package_format"]);
    let database = database.unwrap_or_else(|| panic!("{databases:#?}"));
    let packages = database["packages"].as_array().unwrap();
    let found: BTreeSet<String> = packages.iter().map(package).collect();
    let is_rpm = text(&expected["package_format"]).starts_with("rpm");
    let wanted = list(expected, "packages");
    let wanted: BTreeSet<String> = wanted
        .iter()
        .map(|line| wanted_package(line, is_rpm))
        .collect();
    assert_eq!(found, wanted);
}

/// `NAME VERSION ARCHITECTURE` of our facts.
fn package(package: &Value) -> String {
    let epoch = package["epoch"].as_u64().filter(|epoch| *epoch > 0);
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = package["release"].as_str();
    let release = release
        .map(|release| format!("-{release}"))
        .unwrap_or_default();
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    format!(
        "{name} {epoch}{version}{release} {}",
        text(&package["architecture"])
    )
}

/// The same of a line of the tool's.
fn wanted_package(line: &str, is_rpm: bool) -> String {
    let fields: Vec<&str> = line.split('\t').collect();
    match (is_rpm, fields.as_slice()) {
        (true, [name, epoch, version, release, architecture]) => {
            let epoch = match *epoch {
                "0" => String::new(),
                epoch => format!("{epoch}:"),
            };
            // What has no architecture is a key.
            let architecture = architecture.replace("(none)", "");
            format!("{name} {epoch}{version}-{release} {architecture}")
        }
        (false, [name, version, architecture, ..]) => format!("{name} {version} {architecture}"),
        _ => panic!("{line:?}"),
    }
}

/// Every address that the configuration gives the guest.
#[track_caller]
fn check_addresses(expected: &Value, facts: &Value) {
    let mut found = BTreeSet::new();
    for connection in facts["network"]["connections"].as_array().unwrap() {
        for protocol in ["ipv4", "ipv6"] {
            for address in connection[protocol]["addresses"].as_array().unwrap() {
                let (address, prefix) = (text(&address["address"]), &address["prefix"]);
                if !matches!(address.as_str(), "127.0.0.1" | "::1") {
                    found.insert(format!("{address}/{prefix}"));
                }
            }
        }
    }
    assert_eq!(found, list(expected, "addresses"));
}

#[track_caller]
fn check_all(test: &str, name: &str) {
    if let Some((expected, facts)) = look(test, name) {
        check_system(&expected, &facts);
        check_initramfs(&expected, &facts);
        check_packages(&expected, &facts);
        check_addresses(&expected, &facts);
    }
}

#[test]
fn shaped_as_rhel_9() {
    check_all("shaped_as_rhel_9", "rhel9");
}

#[test]
fn shaped_as_fedora() {
    check_all("shaped_as_fedora", "fedora");
}

#[test]
fn shaped_as_ubuntu_2404() {
    check_all("shaped_as_ubuntu_2404", "ubuntu2404");
}

#[test]
fn shaped_as_sles_15() {
    check_all("shaped_as_sles_15", "sles15");
}

#[test]
fn shaped_as_alpine() {
    check_all("shaped_as_alpine", "alpine");
}

#[test]
fn shaped_as_arch() {
    check_all("shaped_as_arch", "arch");
}

/// What `cat` says has the digest that the recipe took of the file before it was in any image.
#[track_caller]
fn check_files(test: &str, name: &str) {
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;
    let Some(image) = image(test, &format!("{name}.qcow2")) else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("copy");
    let mut command = detente();
    command
        .args(["cp", "-r"])
        .arg(format!("{}:/", image.display()))
        .arg(&copy);
    expect_code(&command.output().unwrap(), 0);
    let sums = repository().join(format!("target/images/{name}.sha256"));
    let sums = std::fs::read_to_string(sums).unwrap();
    assert!(sums.lines().count() > 50, "{name}");
    for line in sums.lines() {
        let (sum, path) = line.split_once("  ").unwrap();
        let bytes = std::fs::read(copy.join(path.trim_start_matches('/')));
        let bytes = bytes.unwrap_or_else(|error| panic!("{path}: {error}"));
        let digest = Sha256::digest(&bytes);
        let mut hex = String::new();
        for byte in &digest {
            write!(hex, "{byte:02x}").unwrap();
        }
        assert_eq!(hex, sum, "{path}");
    }
}

#[test]
fn files_of_rhel_9() {
    check_files("files_of_rhel_9", "rhel9");
}

#[test]
fn files_of_fedora() {
    check_files("files_of_fedora", "fedora");
}

#[test]
fn files_of_ubuntu_2404() {
    check_files("files_of_ubuntu_2404", "ubuntu2404");
}

#[test]
fn files_of_sles_15() {
    check_files("files_of_sles_15", "sles15");
}

#[test]
fn files_of_alpine() {
    check_files("files_of_alpine", "alpine");
}

#[test]
fn files_of_arch() {
    check_files("files_of_arch", "arch");
}
