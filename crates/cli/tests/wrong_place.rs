//! A machine that cannot serve: no QEMU, no room, no memory, a folder that is taken.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says what it skips"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use detente_samples::{Tree, can_make_ext4};
use support::{detente, expect_code, names, stderr, stdout};

/// A guest whose boot files can be read, so that only the machine is at fault.
fn guest(test: &str, place: &Path) -> Option<PathBuf> {
    if !can_make_ext4(test) {
        return None;
    }
    let image = place.join("guest.img");
    fs::write(&image, Tree::debian().ext4(32)).unwrap();
    Some(image)
}

/// The run must be refused with 2, say these words, and give a way out.
#[track_caller]
fn check(output: &Output, says: &[&str]) {
    expect_code(output, 2);
    let said = stderr(output);
    for part in says.iter().chain(&["hint: "]) {
        assert!(said.contains(part), "{said:?} does not say {part:?}");
    }
}

#[test]
fn without_qemu_its_packages_are_named() {
    let place = tempfile::tempdir().unwrap();
    let Some(image) = guest("without_qemu_its_packages_are_named", place.path()) else {
        return;
    };
    if Path::new("/usr/libexec/qemu-kvm").exists() {
        eprintln!("skipped: without_qemu_its_packages_are_named: this QEMU needs no PATH");
        return;
    }
    for path in [Some(place.path()), None] {
        let mut command = detente();
        command.args(["validate", "--profile", "kvm", "--out"]);
        command.args([&place.path().join("run"), &image]);
        match path {
            Some(folder) => command.env("PATH", folder),
            None => command.env_remove("PATH"),
        };
        let output = command.output().unwrap();
        check(
            &output,
            &[
                "qemu-system-x86_64 is missing",
                "qemu-system-x86;",
                "detente doctor",
            ],
        );
        assert_eq!(names(place.path()), ["guest.img"]);
    }
}

/// A QEMU that works and says that it is of another age.
#[test]
fn an_old_qemu_is_refused() {
    let test = "an_old_qemu_is_refused";
    let place = tempfile::tempdir().unwrap();
    let Some(image) = guest(test, place.path()) else {
        return;
    };
    let path = std::env::var_os("PATH").unwrap();
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("qemu-system-x86_64"));
    let Some(real) = programs.find(|program| program.is_file()) else {
        eprintln!("skipped: {test}: qemu-system-x86_64 is not there");
        return;
    };
    let old = place.path().join("qemu-system-x86_64");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" != --version ] || exec echo QEMU emulator version 5.2.0\nexec {} \"$@\"\n",
        real.display()
    );
    fs::write(&old, script).unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = detente();
    command
        .env("PATH", place.path())
        .args(["validate", "--profile", "kvm", "--out"]);
    command.args([&place.path().join("run"), &image]);
    let output = command.output().unwrap();
    check(
        &output,
        &["QEMU 6 or later is missing", "5.2.0", "detente doctor"],
    );
    assert_eq!(names(place.path()), ["guest.img", "qemu-system-x86_64"]);
}

#[test]
fn a_folder_that_is_taken_is_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let Some(image) = guest("a_folder_that_is_taken_is_left_as_it_is", place.path()) else {
        return;
    };
    let (folder, file) = (place.path().join("folder"), place.path().join("file"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), b"mine").unwrap();
    fs::write(&file, b"mine").unwrap();
    for taken in [&folder, &file] {
        let mut command = detente();
        command
            .args(["validate", "--profile", "kvm", "--out"])
            .args([taken, &image]);
        let output = command.output().unwrap();
        check(&output, &["exists already", "--out"]);
    }
    assert_eq!(names(place.path()), ["file", "folder", "guest.img"]);
    assert_eq!(names(&folder), ["mine"]);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

/// A shell in a mount namespace of its own, which is where this machine can be made poorer.
fn apart(test: &str, script: &str) -> Option<Command> {
    for flags in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let shell = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(flags).args(["sh", "-ec", script, "sh"]);
            command
        };
        let tried = shell("mount -t tmpfs none /mnt")
            .stderr(Stdio::null())
            .status();
        if tried.is_ok_and(|status| status.success()) {
            return Some(shell(script));
        }
    }
    eprintln!("skipped: {test}: no mount namespace of its own is to be had");
    None
}

/// Validates with the run's folder on a file system of this size; nothing may be left on it.
#[track_caller]
fn check_room(test: &str, size: &str, says: &[&str]) {
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=$4 none $3; c=0; $1 validate --out $3/run $2 || c=$?; \
                  ls -A $3; exit $c";
    let Some(image) = guest(test, place.path()) else {
        return;
    };
    let Some(mut command) = apart(test, script) else {
        return;
    };
    let room = place.path().join("room");
    fs::create_dir(&room).unwrap();
    command.arg(env!("CARGO_BIN_EXE_detente"));
    let output = command.args([&image, &room]).arg(size).output().unwrap();
    check(&output, says);
    assert_eq!(stdout(&output), "", "something was left behind");
}

#[test]
fn a_disk_with_too_little_room_is_refused_before_the_boot() {
    let test = "a_disk_with_too_little_room_is_refused_before_the_boot";
    check_room(
        test,
        "64m",
        &["not enough disk space: 1024 MiB needed", "another folder"],
    );
}

#[test]
fn a_disk_that_is_full_is_said_to_be() {
    let test = "a_disk_that_is_full_is_said_to_be";
    check_room(test, "64k", &["cannot write", "No space left", "df"]);
}

#[test]
fn a_machine_with_too_little_memory_is_refused_before_the_boot() {
    let test = "a_machine_with_too_little_memory_is_refused_before_the_boot";
    let place = tempfile::tempdir().unwrap();
    let script = "mount --bind $3 /proc/meminfo; exec $1 validate --out $4 $2";
    let Some(image) = guest(test, place.path()) else {
        return;
    };
    let Some(mut command) = apart(test, script) else {
        return;
    };
    let poor = place.path().join("meminfo");
    fs::write(&poor, "MemTotal: 900000 kB\nMemAvailable: 409600 kB\n").unwrap();
    let run = place.path().join("run");
    command.arg(env!("CARGO_BIN_EXE_detente"));
    let output = command.args([&image, &poor, &run]).output().unwrap();
    check(
        &output,
        &["not enough memory", "MiB needed, 400 MiB available"],
    );
    assert_eq!(names(place.path()), ["guest.img", "meminfo"]);
}
