//! Wrong input for `detente image convert`, `create` and `resize`: what is wrong, the way out, the
//! right exit code, and nothing left behind.

#![expect(clippy::print_stderr, reason = "what is skipped is said aloud")]

mod support;

use std::fs::File;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use support::images::Place;
use support::{await_some, detente, expect_code, names, send, stderr, stdout};

/// The command fails with this code, says all of it, and changes no name in the folder.
#[track_caller]
fn refused(place: &Place, arguments: &[&str], code: i32, says: &[&str]) {
    let before = names(place.folder());
    let output = place.image(arguments);
    expect_code(&output, code);
    for text in says {
        let said = stderr(&output);
        assert!(
            said.contains(text),
            "{arguments:?}: {said:?} lacks {text:?}"
        );
    }
    assert_eq!(names(place.folder()), before, "{arguments:?}");
}

/// A folder with a raw disk of 1 MiB.
fn disk() -> Place {
    let place = Place::empty();
    std::fs::write(place.path("disk.raw"), vec![7; 1 << 20]).expect("a file");
    place
}

#[test]
fn wrong_usage() {
    let place = disk();
    for arguments in [
        &["convert"][..],
        &["convert", "disk.raw"],
        &["convert", "disk.raw", "a.vhdx", "b.vhdx"],
        &["convert", "disk.raw", "disk.unheard-of"],
        &["convert", "--to-dir", ".", "disk.raw"],
        &["convert", "-O", "vmdk", "disk.raw", "disk.vmdk"],
        &["convert", "--jobs", "0", "disk.raw", "disk.vhdx"],
        &["convert", "--cluster-size", "64K", "disk.raw", "disk.vhdx"],
        &[
            "convert",
            "--cluster-size",
            "65537",
            "disk.raw",
            "disk.qcow2",
        ],
        &["convert", "--subformat", "fixed", "disk.raw", "disk.qcow2"],
        &[
            "convert",
            "--block-size",
            "8589934592",
            "disk.raw",
            "disk.vhdx",
        ],
        &["convert", "--compress", "lzma", "disk.raw", "disk.qcow2"],
        &["create", "new.vhdx"],
        &["create", "new.vhdx", "1X"],
        &["create", "new.vhdx", "16384P"],
        &["create", "--parent", "disk.raw", "new.vhdx"],
        &["resize", "disk.raw"],
        &["resize", "disk.raw", "-2M"],
        &["resize", "disk.raw", "1.5M"],
    ] {
        refused(&place, arguments, 64, &[]);
    }
}

#[test]
fn options_that_the_format_does_not_allow() {
    let place = disk();
    for (options, says) in [
        (
            &["--cluster-size", "4M", "disk.raw", "x.qcow2"][..],
            "cluster",
        ),
        (&["--cluster-size", "256", "disk.raw", "x.qcow2"], "cluster"),
        (&["--block-size", "3M", "disk.raw", "x.vhdx"], "block"),
        (&["--block-size", "512M", "disk.raw", "x.vhdx"], "block"),
        (&["--sector-size", "520", "disk.raw", "x.vhdx"], "sector"),
    ] {
        let arguments = [&["convert"], options].concat();
        refused(&place, &arguments, 2, &[says, "hint: "]);
    }
    refused(&place, &["create", "x.vhd", "3T"], 2, &["VHD", "hint: "]);
}

#[test]
fn a_target_that_exists_stays_unless_forced() {
    let place = disk();
    std::fs::write(place.path("old.vhdx"), b"precious").expect("a file");
    for arguments in [
        &["convert", "disk.raw", "old.vhdx"][..],
        &["create", "old.vhdx", "1G"],
    ] {
        refused(&place, arguments, 2, &["old.vhdx exists", "hint: --force"]);
        let bytes = std::fs::read(place.path("old.vhdx")).expect("it is there");
        assert_eq!(bytes, b"precious");
    }
    expect_code(
        &place.image(&["convert", "--force", "disk.raw", "old.vhdx"]),
        0,
    );
    expect_code(&place.image(&["compare", "disk.raw", "old.vhdx"]), 0);
    std::fs::create_dir(place.path("folder.raw")).expect("a folder");
    let into = ["convert", "--force", "disk.raw", "folder.raw"];
    refused(&place, &into, 2, &["folder.raw"]);
}

/// By its own name, by a link, by a second name, and the file that it rests on.
#[test]
fn a_target_that_is_the_source() {
    let Some(place) = Place::with_qemu("a_target_that_is_the_source") else {
        return;
    };
    place.mixed("raw", "disk.raw", "");
    let create = ["create", "-q", "-f", "qcow2", "-b", "disk.raw", "-F", "raw"];
    place.qemu_img(&[&create[..], &["top.qcow2"]].concat());
    std::os::unix::fs::symlink("disk.raw", place.path("link.raw")).expect("a link");
    std::fs::hard_link(place.path("disk.raw"), place.path("name.raw")).expect("a name");
    let before = support::sha256sum(&place.path("disk.raw"));
    for source in ["disk.raw", "top.qcow2"] {
        for target in ["disk.raw", "./disk.raw", "link.raw", "name.raw"] {
            let convert = ["convert", "--force", source, target];
            refused(&place, &convert, 2, &["is a file of the source", "hint: "]);
        }
    }
    assert_eq!(support::sha256sum(&place.path("disk.raw")), before);
}

#[test]
fn places_that_cannot_be_written() {
    let place = disk();
    let convert = ["convert", "disk.raw", "no/such/x.vhdx"];
    refused(
        &place,
        &convert,
        2,
        &["no/such/x.vhdx", "No such file", "hint: "],
    );
    refused(
        &place,
        &["create", "no/x.vhdx", "1G"],
        2,
        &["no/x.vhdx", "hint: "],
    );
    let convert = ["convert", "-O", "raw", "disk.raw", "/dev/null"];
    refused(&place, &convert, 2, &["/dev/null"]);
}

#[test]
fn targets_that_are_no_files() {
    let place = disk();
    std::fs::create_dir(place.path("folder")).expect("a folder");
    let _socket = UnixListener::bind(place.path("socket")).expect("a socket");
    for target in ["folder", "socket", "/dev/null"] {
        let convert = ["convert", "--force", "-O", "raw", "disk.raw", target];
        refused(&place, &convert, 2, &[target, "hint: name a file"]);
    }
}

#[test]
fn a_file_too_large_for_the_file_system() {
    let place = disk();
    let largest = File::create(place.path("probe")).expect("a file");
    if largest.set_len(i64::MAX.unsigned_abs()).is_ok() {
        eprintln!("skipped: a_file_too_large_for_the_file_system: it has no such limit");
        return;
    }
    let create = ["create", "x.raw", "9223372036854775807"];
    refused(&place, &create, 2, &["x.raw", "has no file that large"]);
}

#[test]
fn a_commit_into_a_format_that_is_not_written() {
    let Some(place) = Place::with_qemu("a_commit_into_a_format_that_is_not_written") else {
        return;
    };
    place.qemu_img(&["create", "-q", "-f", "vmdk", "base.vmdk", "1M"]);
    let create = ["create", "-q", "-f", "qcow2", "-F", "vmdk", "-b"];
    place.qemu_img(&[&create[..], &["base.vmdk", "top.qcow2"]].concat());
    let says = ["top.qcow2: ", "/base.vmdk: ", "hint: ", "image convert top"];
    for to in [&["--in-place"][..], &["-o", "new.qcow2"]] {
        refused(
            &place,
            &[&["commit"], to, &["top.qcow2"]].concat(),
            2,
            &says,
        );
    }
    expect_code(&place.image(&["convert", "top.qcow2", "new.qcow2"]), 0);
}

#[test]
fn sources_that_cannot_be_read() {
    let place = disk();
    std::fs::write(place.path("empty.raw"), b"").expect("a file");
    for (source, says) in [
        ("missing.raw", "No such file"),
        ("empty.raw", "the file is empty"),
        (".", "is a directory"),
    ] {
        refused(&place, &["convert", source, "x.vhdx"], 2, &[says, "hint: "]);
    }
    refused(
        &place,
        &["resize", "missing.vhdx", "1G"],
        2,
        &["No such file"],
    );
}

/// What can be reached is copied, what cannot be is listed and is zero.
#[test]
fn salvage_copies_what_can_be_read() {
    let Some(place) = Place::with_qemu("salvage_copies_what_can_be_read") else {
        return;
    };
    place.mixed("qcow2", "disk.qcow2", "");
    place.qemu_img(&["convert", "-O", "raw", "disk.qcow2", "sound.raw"]);
    let bytes = std::fs::read(place.path("disk.qcow2")).expect("the image");
    let number = |at: u64| {
        let at = usize::try_from(at).expect("a place in memory");
        u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
    };
    // [qcow2] Header: the L1 table's offset is at byte 40. The cluster of guest offset 1 MiB now
    // starts in the midst of one.
    let l2 = number(number(40)) & 0x00ff_ffff_ffff_fe00;
    place.poke(
        "disk.qcow2",
        l2 + 16 * 8,
        &0x8000_0000_0000_0200_u64.to_be_bytes(),
    );
    let convert = ["convert", "disk.qcow2", "new.raw"];
    let place_of_fault = format!("offset {:#x}", l2 + 16 * 8);
    refused(&place, &convert, 2, &[&place_of_fault, "hint: --salvage"]);
    let output = place.image(&["convert", "--salvage", "disk.qcow2", "new.raw"]);
    expect_code(&output, 1);
    assert!(
        stdout(&output).contains("lost 65536 bytes at 0x100000"),
        "{}",
        stdout(&output)
    );
    let mut expect = std::fs::read(place.path("sound.raw")).expect("the raw copy");
    expect[1 << 20..(1 << 20) + 65_536].fill(0);
    let got = std::fs::read(place.path("new.raw")).expect("the new image");
    assert!(got == expect, "what was not lost is as it was");
}

#[test]
fn a_disk_becomes_smaller_only_on_demand() {
    let Some(place) = Place::with_qemu("a_disk_becomes_smaller_only_on_demand") else {
        return;
    };
    for name in ["disk.vhdx", "disk.qcow2", "disk.raw"] {
        expect_code(&place.image(&["create", name, "10M"]), 0);
        expect_code(&place.image(&["resize", name, "+10M"]), 0);
        refused(
            &place,
            &["resize", name, "15M"],
            2,
            &["smaller", "hint: --shrink"],
        );
        expect_code(&place.image(&["resize", "--shrink", name, "-5M"]), 0);
        let info = place.qemu_img(&["info", "--output", "json", name]);
        let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
        assert_eq!(info["virtual-size"], 15 << 20, "{name}");
    }
    place.qemu_io("raw", "disk.raw", &["write -P 1 14M 512"]);
    let shrink = ["resize", "--shrink", "disk.raw", "10M"];
    refused(&place, &shrink, 2, &["is not zero", "hint: --discard-data"]);
    expect_code(
        &place.image(&["resize", "--discard-data", "disk.raw", "10M"]),
        0,
    );
}

#[test]
fn a_new_image_rests_on_its_parent() {
    let Some(place) = Place::with_qemu("a_new_image_rests_on_its_parent") else {
        return;
    };
    place.mixed("vhdx", "base.vhdx", "");
    expect_code(
        &place.image(&["create", "--parent", "base.vhdx", "top.qcow2"]),
        0,
    );
    place.qemu_img(&["compare", "base.vhdx", "top.qcow2"]);
    place.qemu_img(&["check", "top.qcow2"]);
    expect_code(
        &place.image(&["create", "--parent", "base.vhdx", "top.vhdx"]),
        0,
    );
    expect_code(&place.image(&["compare", "base.vhdx", "top.vhdx"]), 0);
    // A parent that was made anew is another one.
    place.mixed("vhdx", "base.vhdx", "");
    let output = place.image(&["compare", "base.vhdx", "top.vhdx"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("base.vhdx"), "{}", stderr(&output));
}

/// Ctrl-C in the midst: 130, and no file of the new name or of a temporary one.
#[test]
fn an_interrupt_leaves_nothing() {
    let place = Place::empty();
    // Bytes that no compressor makes smaller, by a generator (Numerical Recipes' LCG).
    let mut state = 1_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(96 << 20)
    .collect();
    std::fs::write(place.path("disk.raw"), bytes).expect("a file");
    let mut child = detente()
        .args([
            "image",
            "convert",
            "--compress",
            "zlib",
            "disk.raw",
            "new.qcow2",
        ])
        .current_dir(place.folder())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let others = || names(place.folder()).len() > 1;
    await_some("a new file", Duration::from_secs(60), || {
        others().then_some(())
    });
    send(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(names(place.folder()), ["disk.raw"]);
}
