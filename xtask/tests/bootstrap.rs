//! `scripts/bootstrap` against stand-ins: a `PATH` that holds only small
//! scripts, which write down how they were called.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a failure may be a panic"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const RUST: &[&str] = &["cargo", "rustc"];

/// A machine that has only the named commands.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new(commands: &[&str], uid: &str) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for command in RUST.iter().chain(commands) {
            machine.script(command, "echo \"${0##*/} $*\" >>\"$CALLS\"");
        }
        machine.script("id", &format!("echo {uid}"));
        symlink("/usr/bin/env", machine.path("env")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, body: &str) {
        fs::write(self.path(name), format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs bootstrap; returns its exit code, what it said, and the calls.
    fn bootstrap(&self, arguments: &[&str]) -> (Option<i32>, String, Vec<String>) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/bootstrap");
        let calls = self.path("calls");
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new("/bin/sh")
            .arg(script)
            .args(arguments)
            .env_clear()
            .env("PATH", self.folder.path())
            .env("CALLS", &calls)
            .output()
            .unwrap();
        assert!(stdout.is_empty(), "what it says goes to stderr");
        let calls = fs::read_to_string(calls)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect();
        (status.code(), String::from_utf8(stderr).unwrap(), calls)
    }
}

#[test]
fn where_nothing_is_missing_nothing_is_said_or_done() {
    let machine = Machine::new(&["hyperfine", "apt-get"], "0");
    assert_eq!(
        machine.bootstrap(&["bench"]),
        (Some(0), String::new(), Vec::new())
    );
}

#[test]
fn apt_is_updated_and_installs_what_is_missing_with_the_reason_said_first() {
    let machine = Machine::new(&["apt-get"], "0");
    let (code, said, calls) = machine.bootstrap(&["bench"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with("missing: hyperfine (measures)\n"),
        "{said}"
    );
    let [update, install] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert!(update.starts_with("apt-get update"), "{update}");
    assert!(
        install.starts_with("apt-get install --yes") && install.ends_with(" hyperfine"),
        "{install}"
    );
}

#[test]
fn dnf_installs_by_its_own_names_and_is_called_unproved() {
    let machine = Machine::new(&["dnf", "busybox"], "0");
    let (code, said, calls) = machine.bootstrap(&["build", "boot"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("unproved"), "{said}");
    let [install] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert!(
        install.starts_with("dnf install --assumeyes --setopt=install_weak_deps=False gcc make"),
        "{install}"
    );
    assert!(install.contains(" qemu-system-x86-core"), "{install}");
}

#[test]
fn a_user_who_is_not_root_goes_through_sudo() {
    let machine = Machine::new(&["dnf", "sudo"], "1000");
    let (code, said, calls) = machine.bootstrap(&["bench"]);
    assert_eq!(code, Some(0), "{said}");
    let expected = "sudo dnf install --assumeyes --setopt=install_weak_deps=False hyperfine";
    assert_eq!(calls, [expected]);
}

#[test]
fn without_root_and_sudo_it_says_what_to_run() {
    let (code, said, calls) = Machine::new(&["dnf"], "1000").bootstrap(&["bench"]);
    assert_eq!((code, calls.len()), (Some(1), 0));
    assert!(said.contains("hint: run as root: dnf install"), "{said}");
}

#[test]
fn without_a_package_manager_it_says_what_is_missing() {
    let (code, said, _) = Machine::new(&[], "0").bootstrap(&["bench"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("missing: hyperfine") && said.contains("neither apt-get nor dnf"),
        "{said}"
    );
}

#[test]
fn without_rust_it_says_how_to_get_it() {
    let machine = Machine::new(&["apt-get"], "0");
    fs::remove_file(machine.path("rustc")).unwrap();
    let (code, said, calls) = machine.bootstrap(&["bench"]);
    assert_eq!((code, calls.len()), (Some(1), 0));
    assert!(said.contains("https://rustup.rs"), "{said}");
}

#[test]
fn nextest_is_installed_with_cargo() {
    let tools = "mkfs.fat mformat mke2fs sfdisk zstd xz lz4 bzip2 lzop cpio busybox \
                 libvirtd virsh xmllint swtpm swtpm_setup";
    let machine = Machine::new(&tools.split_whitespace().collect::<Vec<_>>(), "0");
    let (code, said, calls) = machine.bootstrap(&["test"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(calls, ["cargo install --quiet --locked cargo-nextest"]);
}

#[test]
fn a_dry_run_says_everything_and_does_nothing() {
    let (code, said, calls) = Machine::new(&["apt-get"], "0").bootstrap(&["--dry-run", "bench"]);
    assert_eq!((code, calls.len()), (Some(0), 0));
    assert!(said.contains("+ apt-get update"), "{said}");
}

#[test]
fn an_unknown_group_is_wrong_usage() {
    let (code, said, _) = Machine::new(&[], "0").bootstrap(&["everything"]);
    assert_eq!(code, Some(64));
    assert!(said.contains("no group is called everything"), "{said}");
}
