//! Wrong input: a clear message with the way out, the right exit code, nothing left behind.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says what it skips"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use detente_samples::{Tree, can_make_ext4, program};
use support::{detente, expect_code, names, stderr, stdout};

/// Runs a command on a file that cannot serve; it must say `says`, give a hint, and leave nothing.
#[track_caller]
fn check(folder: &Path, file: &str, says: &str) {
    for verb in ["inspect", "validate"] {
        let before = names(folder);
        let mut command = detente();
        command.arg(verb).arg(folder.join(file));
        if verb == "validate" {
            command.arg("--out").arg(folder.join("run"));
        }
        let output = command.output().unwrap();
        expect_code(&output, 2);
        let said = stderr(&output);
        assert!(
            said.contains(says),
            "{verb} {file}: {said:?} does not say {says:?}"
        );
        assert!(
            said.contains(file),
            "{verb} {file}: {said:?} does not name the file"
        );
        assert!(
            said.contains("hint: "),
            "{verb} {file}: {said:?} has no way out"
        );
        assert_eq!(names(folder), before, "{verb} {file} left something behind");
    }
}

#[test]
fn a_file_that_is_not_there() {
    let place = tempfile::tempdir().unwrap();
    check(place.path(), "missing.qcow2", "No such file");
}

#[test]
fn a_directory() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("folder")).unwrap();
    check(place.path(), "folder", "directory");
}

/// By its own name, by a link, and by a second name of the same file.
#[test]
fn the_same_image_twice() {
    let place = tempfile::tempdir().unwrap();
    let [image, link, name] =
        ["disk.img", "link.img", "name.img"].map(|name| place.path().join(name));
    fs::write(&image, vec![0; 4096]).unwrap();
    std::os::unix::fs::symlink(&image, &link).unwrap();
    fs::hard_link(&image, &name).unwrap();
    let before = names(place.path());
    for again in [&image, &link, &name] {
        for verb in ["inspect", "validate"] {
            let output = detente().arg(verb).args([&image, again]).output().unwrap();
            expect_code(&output, 64);
            let said = stderr(&output);
            assert!(said.contains("are the same file"), "{said}");
            assert!(said.contains("hint: give each image once"), "{said}");
        }
    }
    assert_eq!(names(place.path()), before);
}

#[test]
fn an_empty_file() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("empty.img"), b"").unwrap();
    check(place.path(), "empty.img", "empty");
}

#[test]
fn an_empty_file_is_to_be_copied_again() {
    let place = tempfile::tempdir().unwrap();
    let empty = place.path().join("empty.img");
    fs::write(&empty, b"").unwrap();
    let output = detente().arg("inspect").arg(empty).output().unwrap();
    assert!(stderr(&output).contains("hint: the file has no bytes: copy it again"));
}

#[test]
fn a_device_that_is_no_disk() {
    let output = detente().args(["inspect", "/dev/null"]).output().unwrap();
    expect_code(&output, 2);
    assert!(stderr(&output).contains("hint: name an image file or a block device"));
}

#[test]
fn a_text_file() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("letter.txt"), "Dear disk,\n".repeat(400)).unwrap();
    check(place.path(), "letter.txt", "no operating system");
}

#[test]
fn a_truncated_qcow2() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole.qcow2");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(&whole)
        .arg("1G")
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a_truncated_qcow2: qemu-img is not there");
        return;
    }
    let bytes = fs::read(&whole).unwrap();
    fs::write(place.path().join("cut.qcow2"), &bytes[..200]).unwrap();
    check(place.path(), "cut.qcow2", "offset");
}

#[test]
fn a_disk_of_zeroes_has_no_operating_system() {
    let place = tempfile::tempdir().unwrap();
    let file = fs::File::create(place.path().join("blank.img")).unwrap();
    file.set_len(64 << 20).unwrap();
    check(place.path(), "blank.img", "no operating system");
}

#[test]
fn a_disk_that_is_encrypted() {
    let place = tempfile::tempdir().unwrap();
    // LUKS2 On-Disk Format 1.0, 2.1: the magic, then the version.
    let mut bytes = b"LUKS\xba\xbe\x00\x02".to_vec();
    bytes.resize(1 << 20, 0);
    fs::write(place.path().join("secret.img"), bytes).unwrap();
    check(
        place.path(),
        "secret.img",
        "root of this guest is encrypted",
    );
}

#[test]
fn a_guest_for_another_processor() {
    let place = tempfile::tempdir().unwrap();
    let image = place.path().join("arm.img");
    if can_make_ext4("a_guest_for_another_processor") {
        let tree = Tree::debian().file("sbin/init", &program(183));
        fs::write(&image, tree.ext4(32)).unwrap();
        check(
            place.path(),
            "arm.img",
            "made for aarch64, not for x86-64 (/sbin/init",
        );
    }
}

#[test]
fn a_boot_loader_that_is_not_known() {
    let place = tempfile::tempdir().unwrap();
    let image = place.path().join("guest.img");
    if !can_make_ext4("a_boot_loader_that_is_not_known") {
        return;
    }
    let tree = Tree::debian()
        .without("boot/grub/grub.cfg")
        .file("boot/limine.conf", b"timeout: 3\n");
    fs::write(&image, tree.ext4(32)).unwrap();
    let way_out = "install GRUB 2 or systemd-boot in the guest beside Limine";

    let output = detente().arg("inspect").arg(&image).output().unwrap();
    expect_code(&output, 2);
    assert!(stdout(&output).contains("the boot loader is Limine, which is not read yet"));
    assert!(stdout(&output).contains(way_out));

    let before = names(place.path());
    let mut command = detente();
    command.args(["validate", "--profile", "kvm"]).arg(&image);
    let output = command
        .arg("--out")
        .arg(place.path().join("run"))
        .output()
        .unwrap();
    expect_code(&output, 2);
    assert!(stderr(&output).contains("the boot loader is Limine, which is not read yet"));
    assert!(stderr(&output).contains(&format!("hint: {way_out}")));
    assert_eq!(names(place.path()), before);
}

#[test]
fn an_unknown_profile_is_wrong_usage() {
    let output = detente()
        .args(["validate", "x", "--profile", "kmv"])
        .output()
        .unwrap();
    expect_code(&output, 64);
    assert!(stderr(&output).contains("the profiles are kvm, kvm-legacy and hyperv-vmbus"));
}

#[test]
fn an_unknown_plan_is_wrong_usage() {
    let output = detente()
        .args(["validate", "x", "--plan", "smok"])
        .output()
        .unwrap();
    expect_code(&output, 64);
    assert!(stderr(&output).contains("the plans are: smoke"));
    expect_code(
        &detente().args(["plan", "show", "smok"]).output().unwrap(),
        64,
    );
}

#[test]
fn unknown_arguments_are_wrong_usage() {
    expect_code(&detente().output().unwrap(), 64);
    expect_code(&detente().arg("conjure").output().unwrap(), 64);
    expect_code(&detente().args(["validate"]).output().unwrap(), 64);
    expect_code(
        &detente()
            .args(["inspect", "--colour", "x"])
            .output()
            .unwrap(),
        64,
    );
}

#[test]
fn help_and_version_are_fine() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["validate", "--help"],
        &["plan", "--help"],
    ] {
        expect_code(&detente().args(arguments).output().unwrap(), 0);
    }
}

#[test]
fn every_command_shows_an_example() {
    for command in [
        &["inspect"][..],
        &["validate"],
        &["plan", "list"],
        &["plan", "show"],
        &["doctor"],
        &["completions"],
        &["man"],
    ] {
        let output = detente().args(command).arg("--help").output().unwrap();
        expect_code(&output, 0);
        assert!(stdout(&output).contains("Example"), "{command:?} --help");
    }
}
