//! What the system tests share: the program, the demo guests, throw-away folders.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program under test.
pub fn detente() -> Command {
    Command::new(env!("CARGO_BIN_EXE_detente"))
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_path_buf()
}

/// A demo guest made by `cargo xtask images`, or `None`, said aloud.
pub fn image(test: &str, name: &str) -> Option<PathBuf> {
    let path = repository().join("target/images").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {test}: {name} is not there (cargo xtask images makes it)");
    None
}

/// What a program wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a program wrote to standard output.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The exit code, with everything that was said if it is another one than expected.
#[track_caller]
pub fn expect_code(output: &Output, code: i32) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout:\n{out}\nstderr:\n{err}"
    );
}

/// A run's document.
pub fn run_document(folder: &Path) -> Value {
    let bytes = std::fs::read(folder.join("run.json")).expect("a finished run has a run.json");
    serde_json::from_slice(&bytes).unwrap()
}

/// Outcome and message of a case of a run's profile.
#[track_caller]
pub fn case<'a>(run: &'a Value, profile: &str, id: &str) -> (&'a str, &'a str) {
    let parts = run["profiles"].as_array().unwrap();
    let part = parts
        .iter()
        .find(|part| part["profile"] == profile)
        .expect(profile);
    let cases = part["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["case_id"] == id).expect(id);
    (
        case["outcome"].as_str().unwrap(),
        case["message"].as_str().unwrap(),
    )
}

/// SHA-256 of a file, by the system's own tool.
pub fn sha256sum(path: &Path) -> String {
    let output = Command::new("sha256sum")
        .arg(path)
        .output()
        .expect("coreutils");
    stdout(&output)
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
