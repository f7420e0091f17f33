//! `detente image rebase` and `commit`: the view stays, judged by `qemu-img`.

mod support;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use support::images::Place;
use support::{await_some, detente, expect_code, names, send, stderr, stdout};

/// A qcow2 base with content, an overlay with some more, and another base that shares part of it.
fn chain(test: &str) -> Option<Place> {
    let place = Place::with_qemu(test)?;
    place.mixed("qcow2", "base.qcow2", "");
    place.mixed("raw", "other.raw", "");
    place.qemu_io(
        "raw",
        "other.raw",
        &["write -P 0x33 40M 1M", "discard 30M 1M"],
    );
    overlay(&place, "base.qcow2", "qcow2", "top.qcow2");
    Some(place)
}

/// A qcow2 overlay that was written to, zeroes included.
#[track_caller]
fn overlay(place: &Place, base: &str, format: &str, name: &str) {
    let create = [
        "create", "-q", "-f", "qcow2", "-F", format, "-b", base, name,
    ];
    place.qemu_img(&create);
    let commands = [
        "write -P 0x42 10M 300k",
        "write -z 1M 128k",
        "write -P 1 33M 7k",
    ];
    place.qemu_io("qcow2", name, &commands);
}

/// A command fails with a code, says all of this, and leaves every file as it was.
#[track_caller]
fn check_refused(place: &Place, arguments: &[&str], code: i32, says: &[&str]) {
    let content = |place: &Place| {
        let read = |name: &String| fs::read(place.path(name)).unwrap_or_default();
        names(place.folder()).iter().map(read).collect::<Vec<_>>()
    };
    let (before, held) = (names(place.folder()), content(place));
    let output = place.image(arguments);
    expect_code(&output, code);
    for part in says {
        assert!(
            stderr(&output).contains(part),
            "{part}: {}",
            stderr(&output)
        );
    }
    assert_eq!(names(place.folder()), before);
    assert!(content(place) == held, "a file changed");
}

#[test]
fn the_view_stays_on_another_base() {
    let Some(place) = chain("the_view_stays_on_another_base") else {
        return;
    };
    let before = fs::read(place.path("top.qcow2")).unwrap();
    for options in [
        &[][..],
        &["--verify"],
        &["--cluster-size", "4K"],
        &["--compress", "zstd"],
        &["--qcow2-version", "2"],
        &["--detect-zeroes"],
    ] {
        let rebase = [
            "rebase",
            "--backing",
            "other.raw",
            "-o",
            "new.qcow2",
            "--force",
        ];
        let output = place.image(&[&rebase[..], options, &["top.qcow2"]].concat());
        expect_code(&output, 0);
        assert!(stdout(&output).starts_with("new.qcow2: disk of 64.0 MiB"));
        place.qemu_img(&["compare", "top.qcow2", "new.qcow2"]);
        place.qemu_img(&["check", "-q", "new.qcow2"]);
        let info = place.qemu_img(&["info", "--output", "json", "new.qcow2"]);
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        assert_eq!(info["backing-filename"], "other.raw");
        assert_eq!(info["backing-filename-format"], "raw");
    }
    assert!(before == fs::read(place.path("top.qcow2")).unwrap());
}

#[test]
fn it_holds_no_more_than_what_qemu_makes_of_it() {
    let Some(place) = chain("it_holds_no_more_than_what_qemu_makes_of_it") else {
        return;
    };
    let arguments = [
        "rebase",
        "--backing",
        "other.raw",
        "-o",
        "new.qcow2",
        "top.qcow2",
    ];
    expect_code(&place.image(&arguments), 0);
    fs::copy(place.path("top.qcow2"), place.path("theirs.qcow2")).unwrap();
    place.qemu_img(&["rebase", "-F", "raw", "-b", "other.raw", "theirs.qcow2"]);
    let held = |name: &str| {
        let map = place.qemu_img(&["map", "--output", "json", name]);
        let map: serde_json::Value = serde_json::from_str(&map).unwrap();
        let own = |e: &&serde_json::Value| e["depth"] == 0 && e["data"] == true;
        let extents = map.as_array().unwrap().iter().filter(own);
        extents.map(|e| e["length"].as_u64().unwrap()).sum::<u64>()
    };
    let (ours, theirs) = (held("new.qcow2"), held("theirs.qcow2"));
    assert!(ours > 0 && ours <= theirs, "{ours} and {theirs}");
}

#[test]
fn flattened_it_rests_on_nothing() {
    let Some(place) = chain("flattened_it_rests_on_nothing") else {
        return;
    };
    for name in ["flat.qcow2", "flat.vhdx", "flat.raw"] {
        let output = place.image(&["rebase", "--flatten", "-o", name, "top.qcow2"]);
        expect_code(&output, 0);
        place.qemu_img(&["compare", "top.qcow2", name]);
        let info = place.json(0, &["info", "--format", "json", name]);
        assert!(!info.to_string().contains("base.qcow2"), "{info}");
    }
}

#[test]
fn a_vhdx_image_is_put_on_a_vhdx_image() {
    let test = "a_vhdx_image_is_put_on_a_vhdx_image";
    let Some(place) = chain(test) else { return };
    for (from, to) in [("top.qcow2", "server.vhdx"), ("other.raw", "golden.vhdx")] {
        expect_code(&place.image(&["convert", from, to]), 0);
    }
    let rebase = [
        "rebase",
        "--verify",
        "--backing",
        "golden.vhdx",
        "-o",
        "child.vhdx",
    ];
    expect_code(&place.image(&[&rebase[..], &["server.vhdx"]].concat()), 0);
    expect_code(&place.image(&["compare", "child.vhdx", "server.vhdx"]), 0);
    expect_code(&place.image(&["check", "child.vhdx"]), 0);
    // And back: what the child shows becomes a file of its own.
    expect_code(
        &place.image(&["commit", "-o", "whole.vhdx", "child.vhdx"]),
        0,
    );
    place.qemu_img(&["compare", "server.vhdx", "whole.vhdx"]);
}

#[test]
fn the_name_of_the_backing_file_is_as_wanted() {
    let Some(place) = chain("the_name_of_the_backing_file_is_as_wanted") else {
        return;
    };
    fs::create_dir(place.path("there")).unwrap();
    let rebase = ["rebase", "--backing", "other.raw", "-o", "there/new.qcow2"];
    let named = ["--relative-name", "../other.raw", "top.qcow2"];
    expect_code(&place.image(&[&rebase[..], &named].concat()), 0);
    place.qemu_img(&["compare", "top.qcow2", "there/new.qcow2"]);
    let info = place.qemu_img(&["info", "there/new.qcow2"]);
    assert!(info.contains("backing file: ../other.raw"), "{info}");
    // A name that leads nowhere is found out by reading back.
    let named = [
        "--relative-name",
        "nowhere",
        "--verify",
        "--force",
        "top.qcow2",
    ];
    let arguments = [&rebase[..], &named].concat();
    check_refused(&place, &arguments, 2, &["--relative-name"]);
}

#[test]
fn disks_of_other_sizes_are_put_on_each_other() {
    let Some(place) = chain("disks_of_other_sizes_are_put_on_each_other") else {
        return;
    };
    for (size, name) in [("32M", "short.raw"), ("80M", "long.raw")] {
        fs::copy(place.path("other.raw"), place.path(name)).unwrap();
        place.qemu_img(&["resize", "-q", "--shrink", "-f", "raw", name, size]);
        if name == "long.raw" {
            place.qemu_io("raw", name, &["write -P 9 63M 17M"]);
        }
        let rebase = ["rebase", "--force", "-o", "new.qcow2", "--backing", name];
        expect_code(&place.image(&[&rebase[..], &["top.qcow2"]].concat()), 0);
        place.qemu_img(&["compare", "top.qcow2", "new.qcow2"]);
        let info = place.qemu_img(&["info", "--output", "json", "new.qcow2"]);
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        assert_eq!(info["virtual-size"], 64 << 20, "{name}");
    }
}

#[test]
fn a_commit_makes_what_the_base_is() {
    let test = "a_commit_makes_what_the_base_is";
    let Some(place) = Place::with_qemu(test) else {
        return;
    };
    for format in ["raw", "qcow2", "vpc", "vhdx"] {
        // Sizes in cylinders would have zeroes at the end.
        let options = if format == "vpc" { "force_size=on" } else { "" };
        let (base, top) = (format!("base.{format}"), format!("top.{format}.qcow2"));
        place.mixed(format, &base, options);
        overlay(&place, &base, format, &top);
        let (before, new) = (
            fs::read(place.path(&base)).unwrap(),
            format!("new.{format}"),
        );
        expect_code(&place.image(&["commit", "-o", &new, "--verify", &top]), 0);
        place.qemu_img(&["compare", "-f", "qcow2", "-F", format, &top, &new]);
        assert!(before == fs::read(place.path(&base)).unwrap());
        // In place; QEMU's own commit says what is to come of it.
        fs::copy(place.path(&top), place.path("copy.qcow2")).unwrap();
        expect_code(&place.image(&["commit", "--in-place", &top]), 0);
        place.qemu_img(&["compare", "-f", format, "-F", format, &base, &new]);
        place.qemu_img(&["compare", "-f", "qcow2", "-F", format, "copy.qcow2", &base]);
        assert!(before == fs::read(place.path(&format!("{base}.before"))).unwrap());
    }
}

#[test]
fn a_commit_into_the_middle_of_a_chain_rests_on_its_end() {
    let test = "a_commit_into_the_middle_of_a_chain_rests_on_its_end";
    let Some(place) = chain(test) else { return };
    overlay(&place, "top.qcow2", "qcow2", "third.qcow2");
    place.qemu_io("qcow2", "third.qcow2", &["write -P 0x99 50M 100k"]);
    expect_code(
        &place.image(&["commit", "-o", "new.qcow2", "third.qcow2"]),
        0,
    );
    expect_code(
        &place.image(&["commit", "--in-place", "--no-keep", "third.qcow2"]),
        0,
    );
    assert!(!place.path("top.qcow2.before").exists());
    for name in ["new.qcow2", "top.qcow2"] {
        let info = place.qemu_img(&["info", name]);
        assert!(info.contains("backing file: base.qcow2"), "{info}");
        place.qemu_img(&["compare", "third.qcow2", name]);
        place.qemu_img(&["check", "-q", name]);
    }
}

#[test]
fn what_cannot_be_rebased_is_refused() {
    let Some(place) = chain("what_cannot_be_rebased_is_refused") else {
        return;
    };
    fs::write(place.path("there.qcow2"), "something").unwrap();
    let long = "x".repeat(1024);
    let onto = |base: &'static str, new: &'static str| {
        ["rebase", "--backing", base, "-o", new, "top.qcow2"]
    };
    let forced = |base: &'static str, new: &'static str| {
        [
            "rebase",
            "--force",
            "--backing",
            base,
            "-o",
            new,
            "top.qcow2",
        ]
    };
    check_refused(
        &place,
        &onto("other.raw", "there.qcow2"),
        2,
        &["exists", "--force"],
    );
    // The backing file is the new image itself, or the new image is what the source rests on.
    let itself = ["is a file of the source"];
    check_refused(&place, &forced("top.qcow2", "top.qcow2"), 2, &itself);
    check_refused(&place, &forced("base.qcow2", "base.qcow2"), 2, &itself);
    check_refused(
        &place,
        &[&forced("other.raw", "other.raw")[..], &["-O", "qcow2"]].concat(),
        2,
        &itself,
    );
    check_refused(&place, &forced("other.raw", "base.qcow2"), 2, &itself);
    check_refused(
        &place,
        &onto("nowhere.raw", "new.qcow2"),
        2,
        &["nowhere.raw"],
    );
    check_refused(
        &place,
        &onto("other.raw", "nowhere/new.qcow2"),
        2,
        &["nowhere"],
    );
    check_refused(
        &place,
        &onto("other.raw", "new.raw"),
        64,
        &["cannot rest on"],
    );
    check_refused(
        &place,
        &onto("other.raw", "new.vhdx"),
        64,
        &["cannot rest on"],
    );
    check_refused(
        &place,
        &["rebase", "-o", "new.qcow2", "top.qcow2"],
        64,
        &["--flatten"],
    );
    let both = [&onto("other.raw", "new.qcow2")[..], &["--flatten"]].concat();
    check_refused(&place, &both, 64, &["--flatten"]);
    for name in [long.as_str(), "", "nbd:x"] {
        let named = [
            &onto("other.raw", "new.qcow2")[..],
            &["--relative-name", name],
        ]
        .concat();
        check_refused(&place, &named, 2, &["the backing file's name"]);
    }
}

#[test]
fn a_loop_is_refused() {
    let Some(place) = chain("a_loop_is_refused") else {
        return;
    };
    let to = |base: &str, name: &str| {
        place.qemu_img(&["rebase", "-u", "-F", "qcow2", "-b", base, name]);
    };
    overlay(&place, "top.qcow2", "qcow2", "third.qcow2");
    to("third.qcow2", "top.qcow2");
    let rebase = [
        "rebase",
        "--backing",
        "third.qcow2",
        "-o",
        "new.qcow2",
        "base.qcow2",
    ];
    check_refused(&place, &rebase, 2, &["comes back"]);
    check_refused(
        &place,
        &["commit", "-o", "new.qcow2", "top.qcow2"],
        2,
        &["comes back"],
    );
}

#[test]
fn what_cannot_be_committed_is_refused() {
    let Some(place) = chain("what_cannot_be_committed_is_refused") else {
        return;
    };
    let commit = |to: &[&'static str]| [&["commit"], to, &["top.qcow2"]].concat();
    fs::write(place.path("there"), "something").unwrap();
    check_refused(&place, &commit(&["-o", "there"]), 2, &["exists", "--force"]);
    check_refused(&place, &commit(&[]), 64, &["--in-place"]);
    check_refused(
        &place,
        &commit(&["--in-place", "-o", "x"]),
        64,
        &["--in-place"],
    );
    let alone = ["commit", "-o", "x", "base.qcow2"];
    check_refused(&place, &alone, 64, &["rests on no other image"]);
    fs::write(place.path("base.qcow2.before"), "older").unwrap();
    let says = ["base.qcow2.before exists", "--no-keep"];
    check_refused(&place, &commit(&["--in-place"]), 2, &says);
    // A longer base would lose its end.
    place.qemu_img(&["resize", "-q", "base.qcow2", "80M"]);
    let says = ["would become smaller", "-o NEW"];
    check_refused(&place, &commit(&["--in-place"]), 2, &says);
    // Snapshots would be lost.
    place.qemu_img(&["snapshot", "-c", "one", "base.qcow2"]);
    check_refused(&place, &commit(&["-o", "x"]), 2, &["internal snapshots"]);
}

#[test]
fn documents_name_the_command() {
    let Some(place) = chain("documents_name_the_command") else {
        return;
    };
    let json = [
        "--format",
        "json",
        "-o",
        "new.qcow2",
        "--force",
        "top.qcow2",
    ];
    let rebased = place.json(
        0,
        &[&["rebase", "--backing", "other.raw"], &json[..]].concat(),
    );
    let committed = place.json(0, &[&["commit"], &json[..]].concat());
    for (document, command) in [(rebased, "rebase"), (committed, "commit")] {
        assert_eq!(document["schema"], "detente/image-write/1");
        assert_eq!(document["command"], command);
        assert_eq!(document["images"][0]["target"], "new.qcow2");
        assert!(document["images"][0]["data_bytes"].is_u64());
    }
}

/// Bytes that no compressor makes smaller, by a generator (Numerical Recipes' LCG).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Starts a command, and sends it a signal as soon as a further file is there.
fn signalled(place: &Place, arguments: &[&str], signal: Signal) -> Option<i32> {
    let before = names(place.folder()).len();
    let mut child = detente()
        .arg("image")
        .args(arguments)
        .current_dir(place.folder())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    await_some("a new file", Duration::from_secs(60), || {
        (names(place.folder()).len() > before).then_some(())
    });
    send(&child, signal);
    child.wait().expect("it ends").code()
}

#[test]
fn an_interrupt_leaves_nothing() {
    let place = Place::empty();
    fs::write(place.path("disk.raw"), noise(96 << 20)).unwrap();
    fs::write(place.path("base.raw"), [0; 512]).unwrap();
    let rebase = ["rebase", "--backing", "base.raw", "-o", "new.qcow2"];
    let arguments = [&rebase[..], &["--compress", "zlib", "disk.raw"]].concat();
    assert_eq!(signalled(&place, &arguments, Signal::INT), Some(130));
    assert_eq!(names(place.folder()), ["base.raw", "disk.raw"]);
}

/// Whenever it is killed: the base is the old one or the new one, and the next run clears away.
#[test]
fn a_killed_commit_leaves_the_base_whole() {
    let test = "a_killed_commit_leaves_the_base_whole";
    let Some(place) = Place::with_qemu(test) else {
        return;
    };
    fs::write(place.path("base.raw"), noise(64 << 20)).unwrap();
    let create = [
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "raw",
        "-b",
        "base.raw",
        "top.qcow2",
    ];
    place.qemu_img(&create);
    place.qemu_io("qcow2", "top.qcow2", &["write -P 7 9M 2M"]);
    let old = fs::read(place.path("base.raw")).unwrap();
    place.qemu_img(&["convert", "-O", "raw", "top.qcow2", "expected.raw"]);
    let new = fs::read(place.path("expected.raw")).unwrap();
    let commit = ["commit", "--in-place", "--verify", "top.qcow2"];
    signalled(&place, &commit, Signal::KILL);
    let base = fs::read(place.path("base.raw")).unwrap();
    assert!(base == old || base == new);
    let commit = ["commit", "--in-place", "--no-keep", "top.qcow2"];
    expect_code(&place.image(&commit), 0);
    assert!(fs::read(place.path("base.raw")).unwrap() == new);
    let stale = |name: &String| name.contains(".part");
    assert!(!names(place.folder()).iter().any(stale));
}
