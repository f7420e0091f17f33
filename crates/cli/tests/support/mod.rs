//! What the system tests share: the program, the demo guests, throw-away folders.
#![expect(dead_code, reason = "each test binary uses its own part")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says aloud what it skips"
)]

pub(crate) mod circle;
pub(crate) mod faults;
pub(crate) mod images;
pub(crate) mod killed;
pub(crate) mod prepare;
pub(crate) mod schema;
pub(crate) mod update;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;

/// Sends a child a signal; one that has ended by itself takes it too. A minimal Debian has no `kill`.
pub(crate) fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

/// The program under test. It looks for the lab's kernel where `cargo xtask images` put it, and for
/// a warm lab where nobody keeps one: what its user has is no part of a test.
pub(crate) fn detente() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_detente"));
    command
        .env("XDG_CACHE_HOME", repository().join("target/images/cache"))
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_path_buf()
}

/// Where `cargo xtask images` puts the lab's kernel: a cache folder.
pub(crate) fn cache() -> PathBuf {
    repository().join("target/images/cache")
}

/// A demo guest made by `cargo xtask images`, or `None`, said aloud.
pub(crate) fn image(test: &str, name: &str) -> Option<PathBuf> {
    let path = repository().join("target/images").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {test}: {name} is not there (cargo xtask images makes it)");
    None
}

/// What a program wrote to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a program wrote to standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The exit code, with everything that was said if it is another one than expected.
#[track_caller]
pub(crate) fn expect_code(output: &Output, code: i32) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout:\n{out}\nstderr:\n{err}"
    );
}

/// A run's document.
pub(crate) fn run_document(folder: &Path) -> Value {
    let bytes = std::fs::read(folder.join("run.json")).expect("a finished run has a run.json");
    serde_json::from_slice(&bytes).unwrap()
}

/// Outcome and message of a case of a run's profile.
#[track_caller]
pub(crate) fn case<'a>(run: &'a Value, profile: &str, id: &str) -> (&'a str, &'a str) {
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
pub(crate) fn sha256sum(path: &Path) -> String {
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
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Waits until `found` finds something; looks again every few milliseconds.
#[track_caller]
pub(crate) fn await_some<T>(
    what: &str,
    limit: Duration,
    mut found: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// The folder of a run that is not finished, below `place`.
pub(crate) fn partial_folder(place: &Path) -> Option<PathBuf> {
    let name = names(place)
        .into_iter()
        .find(|name| name.ends_with(".partial"))?;
    Some(place.join(name))
}

/// How much a run's console has said so far.
pub(crate) fn console_len(place: &Path, profile: &str) -> u64 {
    let path = partial_folder(place).map(|folder| folder.join(profile).join("console.log"));
    path.and_then(|path| std::fs::metadata(path).ok())
        .map_or(0, |metadata| metadata.len())
}

/// Runs a command to its end and also gives the most memory that its own process used, in KiB.
pub(crate) fn output_and_peak_kib(command: &mut Command) -> (Output, u64) {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let waiter = std::thread::spawn(move || child.wait_with_output().unwrap());
    let mut peak = 0;
    while !waiter.is_finished() {
        peak = peak.max(peak_kib(&status).unwrap_or(0));
        std::thread::park_timeout(Duration::from_millis(20));
    }
    (waiter.join().unwrap(), peak)
}

/// `VmHWM` of a process's status.
fn peak_kib(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Processes, other than `but`, that name `place` on their command line, or work in a folder of it:
/// a lab's QEMU is told short names only.
pub(crate) fn processes_naming(place: &Path, but: u32) -> Vec<u32> {
    let text = place.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let works_there = std::fs::read_link(entry.path().join("cwd"))
            .is_ok_and(|folder| folder.starts_with(place));
        let names_it = String::from_utf8_lossy(&line).contains(&text);
        if pid != but && (names_it || works_there) {
            found.push(pid);
        }
    }
    found
}
