//! What the tests of `detente prepare` share: the command, what the recipes of the guests say, and
//! another tool's look into a disk.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::{case, detente, expect_code, repository, run_document, stderr, stdout};

/// Both sides' hardware, as options.
pub(crate) const SIDES: [&str; 4] = ["--profile", "kvm", "--profile", "hyperv-vmbus"];

/// The card of every machine of ours, and what it is called on `kvm`.
pub(crate) const CARD: &str = "enp0s3=52:54:00:d7:e2:01";

/// Where the recipes put the root file system: behind an EFI system partition of 128 MiB.
const ROOT_AT: u64 = 129 << 20;

/// Prepares for both sides; the result goes beside the others.
pub(crate) fn prepare(image: &Path, out: &Path) -> Output {
    prepare_with(image, out, &[])
}

/// The same, with more options.
pub(crate) fn prepare_with(image: &Path, out: &Path, options: &[&OsStr]) -> Output {
    let mut command = detente();
    command.args(["prepare", "--format", "json", "--mac", CARD]);
    command.args(SIDES).args(options);
    command.arg(image).arg("-o").arg(out).output().unwrap()
}

/// Takes back what a journal says.
pub(crate) fn undo(journal: &Path, out: &Path) -> Output {
    let mut command = detente();
    command.args(["prepare", "--format", "json", "--undo"]);
    command.arg(journal).arg("-o").arg(out).output().unwrap()
}

/// The document that a command wrote.
#[track_caller]
pub(crate) fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", stdout(output), stderr(output)))
}

/// `OUT.journal`.
pub(crate) fn journal_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".journal");
    PathBuf::from(name)
}

/// What `check` finds for one hardware, notes aside.
#[track_caller]
pub(crate) fn rules(image: &Path, profile: &str) -> BTreeSet<String> {
    let mut command = detente();
    command.args(["check", "--format", "json", "--profile", profile]);
    let output = command.arg(image).output().unwrap();
    let document = document(&output);
    let findings = document["findings"].as_array().unwrap().iter();
    let weighty = findings.filter(|finding| finding["severity"] != "note");
    weighty
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect()
}

/// What the recipe of a guest says of it.
pub(crate) fn recipe(name: &str) -> Value {
    let path = repository().join(format!("target/images/{name}.expected.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The strings of a list.
pub(crate) fn set(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Boots on these and runs the plan; every required case must pass.
#[track_caller]
pub(crate) fn validate(image: &Path, profiles: &[&str], out: &Path) -> Value {
    let mut command = detente();
    command.args(["validate", "--no-control", "--out"]).arg(out);
    for profile in profiles {
        command.args(["--profile", profile]);
    }
    let output = command.arg(image).output().unwrap();
    expect_code(&output, 0);
    let run = run_document(out);
    assert_eq!(run["verdict"], "passed");
    run
}

/// The card has this address, and by it the host is reached.
#[track_caller]
pub(crate) fn has_address(run: &Value, profile: &str, address: &str) {
    let (outcome, message) = case(run, profile, "NET-01");
    assert_eq!(outcome, "passed", "{profile}: {message}");
    let wanted = format!("has {address};");
    assert!(message.contains(&wanted), "{profile}: {message}");
}

/// A digest of a file by the system's own tool: one that takes seconds for a disk.
#[track_caller]
pub(crate) fn b2sum(path: &Path) -> String {
    let output = Command::new("b2sum").arg(path).output().expect("coreutils");
    expect_code(&output, 0);
    stdout(&output)
}

/// The same disk as plain bytes, by QEMU's tool.
#[track_caller]
pub(crate) fn raw(image: &Path, to: PathBuf) -> PathBuf {
    let mut command = Command::new("qemu-img");
    command.args(["convert", "-O", "raw"]).args([image, &to]);
    expect_code(&command.output().unwrap(), 0);
    to
}

/// What `debugfs` answers about the root file system, ext4, of such a disk.
#[track_caller]
pub(crate) fn debugfs(raw: &Path, question: &str) -> String {
    let mut command = Command::new("debugfs");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command.args(["-R", question]);
    command.arg(format!("{}?offset={ROOT_AT}", raw.display()));
    let output = command.output().expect("e2fsprogs, which made the image");
    expect_code(&output, 0);
    stdout(&output) + &stderr(&output)
}

/// The bytes of a file of the root file system; none where it is not there.
#[track_caller]
pub(crate) fn bytes(raw: &Path, path: &str) -> Option<Vec<u8>> {
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("copy");
    debugfs(raw, &format!("dump {path} {}", copy.display()));
    std::fs::read(copy).ok()
}
