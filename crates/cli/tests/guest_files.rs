//! `detente ls`, `cat` and `cp`: files of a guest, and what a hostile one can do with their names.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use detente_samples::{Tree, can_make_ext4, can_make_uefi_disks};
use serde_json::{Value, json};
use support::{detente, expect_code, names, schema, stderr, stdout};

/// A folder with a disk in it that is one ext4 file system.
struct Place(tempfile::TempDir);

impl Place {
    fn new(tree: &Tree) -> Self {
        Self::with(tree.ext4(32))
    }

    fn with(disk: Vec<u8>) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("disk.raw"), disk).unwrap();
        Self(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn run(&self, code: i32, arguments: &[&str]) -> Output {
        let mut command = detente();
        let output = command.args(arguments).current_dir(&self.0).output();
        let output = output.unwrap();
        expect_code(&output, code);
        output
    }
}

/// A name in a folder becomes another of the same length: the file system has no checksums.
fn rename(disk: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let found: Vec<usize> = (0..disk.len() - from.len())
        .filter(|at| disk[*at..].starts_with(from.as_bytes()))
        .collect();
    assert!(!found.is_empty(), "{from}");
    for at in found {
        disk[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
}

/// An ext4 without checksums: made of a folder, then changed by debugfs.
fn without_checksums(folder: &Path, commands: &str) -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let image = place.path().join("image");
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
    let made = Command::new("mke2fs")
        .env("PATH", &path)
        .args(["-q", "-t", "ext4", "-O", "^metadata_csum,^dir_index", "-d"])
        .args([folder, &image])
        .arg("32M")
        .status();
    assert!(made.unwrap().success());
    let script = place.path().join("script");
    fs::write(&script, commands).unwrap();
    let changed = Command::new("debugfs")
        .env("PATH", &path)
        .args(["-w", "-f"])
        .args([&script, &image])
        .output();
    assert!(changed.unwrap().status.success(), "{commands}");
    fs::read(image).unwrap()
}

#[test]
fn a_guests_file_is_written_as_it_is() {
    if !can_make_ext4("a_guests_file_is_written_as_it_is") {
        return;
    }
    let content: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let place = Place::new(
        &Tree::debian()
            .file("srv/data", &content)
            .link("srv/link", "/srv/data"),
    );
    for path in ["/srv/data", "/srv/link", "/srv/../srv//data"] {
        let output = place.run(0, &["cat", &format!("disk.raw:{path}")]);
        assert_eq!(output.stdout, content, "{path}");
    }
    let output = place.run(0, &["cat", "disk.raw:/etc/os-release"]);
    assert!(stdout(&output).starts_with("ID=debian\n"));
}

#[test]
fn what_cannot_be_read_is_said_with_a_way_out() {
    if !can_make_ext4("what_cannot_be_read_is_said_with_a_way_out") {
        return;
    }
    let place = Place::new(&Tree::debian());
    let check = |code, arguments: &[&str], says: &str| {
        let said = stderr(&place.run(code, arguments));
        assert!(said.contains(says), "{arguments:?}: {said}");
        assert!(said.contains("hint: "), "{arguments:?}: {said}");
    };
    check(2, &["cat", "disk.raw:/etc/absent"], "no such file");
    check(2, &["cat", "disk.raw:/etc"], "is not a file");
    check(2, &["ls", "disk.raw:/etc/absent"], "no such file");
    check(2, &["ls", "absent.raw:/etc"], "No such file");
    check(
        64,
        &["ls", "--volume", "vg/root", "disk.raw"],
        "there are: disk0 (ext4)",
    );
    check(64, &["cp", "disk.raw:/etc", "copy"], "is a folder");
    check(64, &["cp", "-r", "disk.raw:/", "."], "has no name");
    assert_eq!(names(place.0.path()), ["disk.raw"]);
}

#[test]
fn a_folder_is_listed_by_name_with_its_links() {
    if !can_make_ext4("a_folder_is_listed_by_name_with_its_links") {
        return;
    }
    let place = Place::new(&Tree::debian());
    let output = place.run(0, &["ls", "disk.raw:/etc"]);
    assert_eq!(stdout(&output), "fstab\nos-release\n");
    let output = place.run(0, &["ls", "-l", "disk.raw:/etc/"]);
    let said = stdout(&output);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("- 0644           62 20"), "{said}");
    assert!(lines[0].ends_with("Z fstab"), "{said}");
    assert!(lines[1].starts_with("l ----"), "{said}");
    assert!(
        lines[1].ends_with(" os-release -> ../usr/lib/os-release"),
        "{said}"
    );
    let output = place.run(0, &["ls", "-R", "disk.raw:/usr"]);
    assert_eq!(stdout(&output), "/usr:\nlib\n\n/usr/lib:\nos-release\n");
    // A file is listed by its path.
    let output = place.run(0, &["ls", "disk.raw:/etc/fstab"]);
    assert_eq!(stdout(&output), "/etc/fstab\n");
}

#[test]
fn an_entry_for_programs_is_as_its_schema_says() {
    if !can_make_ext4("an_entry_for_programs_is_as_its_schema_says") {
        return;
    }
    let place = Place::new(&Tree::debian());
    let output = place.run(0, &["ls", "-R", "--format", "json", "disk.raw:/etc"]);
    let said = stdout(&output);
    let entries: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries[0]["path"], "/etc/fstab");
    assert_eq!(entries[0]["size_bytes"], 62);
    assert_eq!(entries[1]["target"], "../usr/lib/os-release");
    schema::check(
        "file-entry-1.json",
        &entries[0],
        &[
            ("/schema", json!("detente/file-entry/2")),
            ("/kind", json!("door")),
            ("/mode", json!(420)),
            ("/size_bytes", json!(-1)),
        ],
    );
}

#[test]
fn a_tree_is_copied_and_its_links_are_not_followed() {
    if !can_make_ext4("a_tree_is_copied_and_its_links_are_not_followed") {
        return;
    }
    let tree = Tree::debian()
        .link("srv/out", "/etc/passwd")
        .link("srv/up", "../../../../..")
        .file("srv/deep/er/file", b"here")
        .file("srv/run", b"#!/bin/sh\n");
    let place = Place::new(&tree);
    place.run(0, &["cp", "-r", "disk.raw:/srv", "copy"]);
    let copy = place.path("copy");
    assert_eq!(names(&copy), ["deep", "out", "run", "up"]);
    assert_eq!(fs::read(copy.join("deep/er/file")).unwrap(), b"here");
    assert_eq!(
        fs::read_link(copy.join("out")).unwrap(),
        Path::new("/etc/passwd")
    );
    assert_eq!(
        fs::read_link(copy.join("up")).unwrap(),
        Path::new("../../../../..")
    );
    // Into a folder that is there it goes by its own name.
    fs::create_dir(place.path("into")).unwrap();
    place.run(0, &["cp", "disk.raw:/srv/run", "into"]);
    assert_eq!(fs::read(place.path("into/run")).unwrap(), b"#!/bin/sh\n");
    assert_eq!(names(place.0.path()), ["copy", "disk.raw", "into"]);
}

#[test]
fn nothing_is_replaced_unless_asked_for() {
    if !can_make_ext4("nothing_is_replaced_unless_asked_for") {
        return;
    }
    let place = Place::new(&Tree::debian());
    fs::write(place.path("fstab"), b"mine").unwrap();
    let output = place.run(2, &["cp", "disk.raw:/etc/fstab", "."]);
    assert!(stderr(&output).contains("fstab is there already"));
    assert_eq!(fs::read(place.path("fstab")).unwrap(), b"mine");
    place.run(0, &["cp", "--force", "disk.raw:/etc/fstab", "."]);
    assert!(fs::read(place.path("fstab")).unwrap().starts_with(b"UUID="));
    // A folder is never replaced; a link is not followed but replaced itself.
    fs::create_dir(place.path("etc")).unwrap();
    place.run(2, &["cp", "-r", "--force", "disk.raw:/etc", "."]);
    fs::write(place.path("other"), b"other").unwrap();
    std::os::unix::fs::symlink("other", place.path("link")).unwrap();
    place.run(2, &["cp", "disk.raw:/etc/fstab", "link"]);
    place.run(0, &["cp", "--force", "disk.raw:/etc/fstab", "link"]);
    assert_eq!(fs::read(place.path("other")).unwrap(), b"other");
    assert!(place.path("link").symlink_metadata().unwrap().is_file());
    assert_eq!(
        names(place.0.path()),
        ["disk.raw", "etc", "fstab", "link", "other"]
    );
}

#[test]
fn nothing_is_copied_into_an_image() {
    let place = Place::with(vec![7; 1 << 20]);
    fs::write(place.path("note"), b"ours").unwrap();
    for to in ["disk.raw:/etc/note", "./disk.raw:/"] {
        let output = place.run(64, &["cp", "note", to]);
        let said = stderr(&output);
        assert!(
            said.contains("disk.raw is not written: files are copied out"),
            "{said}"
        );
    }
    assert_eq!(fs::read(place.path("disk.raw")).unwrap(), vec![7; 1 << 20]);
}

#[test]
fn holes_stay_holes() {
    if !can_make_ext4("holes_stay_holes") {
        return;
    }
    let mut content = vec![0; 8 << 20];
    content[5 << 20] = 1;
    let place = Place::new(&Tree::debian().file("srv/sparse", &content));
    place.run(0, &["cp", "disk.raw:/srv/sparse", "sparse"]);
    assert_eq!(fs::read(place.path("sparse")).unwrap(), content);
    let blocks = place.path("sparse").metadata().unwrap().blocks();
    assert!(blocks * 512 <= 1 << 20, "{blocks} blocks");
}

#[test]
fn names_that_lead_elsewhere_and_devices_are_left_out() {
    if !can_make_ext4("names_that_lead_elsewhere_and_devices_are_left_out") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let evil = folder.path().join("evil");
    fs::create_dir(&evil).unwrap();
    for name in ["slashes12345", "dotsXX", "twiceA", "twiceB", "good"] {
        fs::write(evil.join(name), name).unwrap();
    }
    // A link, and then a folder of the same name with a file in it.
    std::os::unix::fs::symlink("/tmp", evil.join("doorA")).unwrap();
    fs::create_dir(evil.join("doorB")).unwrap();
    fs::write(evil.join("doorB/through"), b"no").unwrap();
    let mut disk = without_checksums(folder.path(), "cd evil\nmknod device b 8 0\nmknod pipe p\n");
    rename(&mut disk, "slashes12345", "../../../out");
    rename(&mut disk, "twiceB", "twiceA");
    rename(&mut disk, "doorB", "doorA");
    let place = Place::with(disk);
    fs::create_dir_all(place.path("a/b/c")).unwrap();
    let output = place.run(
        2,
        &[
            "cp",
            "-r",
            "--volume",
            "disk0",
            "disk.raw:/evil",
            "a/b/c/copy",
        ],
    );
    let said = stderr(&output);
    for left_out in [
        "../../../out",
        "/evil/device: a device",
        "/evil/pipe: a device",
        "/evil/doorA",
    ] {
        assert!(said.contains(left_out), "{left_out}: {said}");
    }
    let copy = place.path("a/b/c/copy");
    assert_eq!(names(&copy), ["doorA", "dotsXX", "good", "twiceA"]);
    assert!(!Path::new("/tmp/through").exists());
    assert_eq!(names(&place.path("a")), ["b"]);
    assert_eq!(names(&place.path("a/b/c")), ["copy"]);
    // Listed, they cannot be taken for lines of their own.
    let listed = stdout(&place.run(2, &["ls", "-l", "--volume", "disk0", "disk.raw:/evil"]));
    assert!(listed.contains("../../../out"), "{listed}");
}

#[test]
fn one_volume_and_several_disks() {
    if !can_make_uefi_disks("one_volume_and_several_disks") {
        return;
    }
    let fstab = "UUID=11111111-2222-3333-4444-555555555555 / ext4\nLABEL=none /srv ext4\n";
    let place = Place::new(&Tree::debian().file("etc/fstab", fstab.as_bytes()));
    let data = Tree::default().file("letter", b"data").ext4(32);
    fs::write(place.path("data.raw"), data).unwrap();
    let arguments = [
        "cat",
        "--disk",
        "data.raw",
        "--volume",
        "disk1",
        "disk.raw:/letter",
    ];
    assert_eq!(stdout(&place.run(0, &arguments)), "data");
    let arguments = [
        "cat",
        "--volume",
        "UUID=11111111-2222-3333-4444-555555555555",
        "disk.raw:/etc/fstab",
    ];
    assert_eq!(stdout(&place.run(0, &arguments)), fstab);
    // Without a system the volumes are named.
    let said = stderr(&place.run(2, &["ls", "data.raw"]));
    assert!(
        said.contains("hint: name one volume with --volume: disk0 (ext4)"),
        "{said}"
    );
}
