//! `detente image check`, held against `qemu-img check`, and on images with one field spoiled.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use serde_json::Value;
use support::images::Place;
use support::{expect_code, stdout};

/// What QEMU counts we count too, and alike.
#[track_caller]
fn like_qemu(place: &Place, name: &str, code: i32) {
    let qemu = place.try_qemu_img(&["check", "--output", "json", name]);
    let qemu: Value = serde_json::from_str(&stdout(&qemu)).unwrap();
    let ours = place.json(code, &["check", "--format", "qemu-json", name]);
    for key in [
        "image-end-offset",
        "total-clusters",
        "allocated-clusters",
        "check-errors",
        "filename",
        "format",
        "leaks",
        "corruptions",
    ] {
        assert_eq!(ours.get(key), qemu.get(key), "{name}: {key}");
    }
}

#[test]
fn qcow2_images_are_counted_as_qemu_counts_them() {
    let Some(place) = Place::with_qemu("qcow2_images_are_counted_as_qemu_counts_them") else {
        return;
    };
    for (name, options) in [
        ("plain.qcow2", ""),
        ("old.qcow2", "compat=0.10"),
        ("small.qcow2", "cluster_size=512,refcount_bits=1"),
        ("large.qcow2", "cluster_size=2M,refcount_bits=64"),
        ("sub.qcow2", "extended_l2=on,cluster_size=128k"),
    ] {
        place.mixed("qcow2", name, options);
        like_qemu(&place, name, 0);
    }
    place.qemu_img(&[
        "convert",
        "-c",
        "-O",
        "qcow2",
        "plain.qcow2",
        "packed.qcow2",
    ]);
    like_qemu(&place, "packed.qcow2", 0);
    place.qemu_img(&["snapshot", "-c", "one", "plain.qcow2"]);
    place.qemu_io("qcow2", "plain.qcow2", &["write -P 3 30M 1M"]);
    like_qemu(&place, "plain.qcow2", 0);
}

#[test]
fn vhd_and_vmdk_images_by_qemu_are_sound() {
    let Some(place) = Place::with_qemu("vhd_and_vmdk_images_by_qemu_are_sound") else {
        return;
    };
    for (format, name, options) in [
        ("vpc", "dynamic.vhd", ""),
        ("vpc", "fixed.vhd", "subformat=fixed"),
        ("vpc", "forced.vhd", "force_size=on"),
        ("vpc", "forced-fixed.vhd", "force_size=on,subformat=fixed"),
        ("vmdk", "sparse.vmdk", ""),
        ("vhdx", "disk.vhdx", ""),
        ("vhdx", "fixed.vhdx", "subformat=fixed"),
    ] {
        place.mixed(format, name, options);
        expect_code(&place.image(&["check", name]), 0);
    }
}

/// The file that names the extents is one thing, each extent another.
#[test]
fn extents_are_checked_by_themselves() {
    let Some(place) = Place::with_qemu("extents_are_checked_by_themselves") else {
        return;
    };
    place.mixed("vmdk", "disk.vmdk", "subformat=twoGbMaxExtentSparse");
    let output = place.image(&["check", "disk.vmdk"]);
    expect_code(&output, 2);
    assert!(support::stderr(&output).contains("hint: its extents are files of their own"));
    expect_code(&place.image(&["check", "disk-s001.vmdk"]), 0);
}

/// A cluster behind the others counts as used, and nothing uses it: room is lost. Then one that is
/// used counts as free.
#[test]
fn refcounts_that_lie_are_a_leak_or_a_broken_rule() {
    let Some(place) = Place::with_qemu("refcounts_that_lie_are_a_leak_or_a_broken_rule") else {
        return;
    };
    place.mixed("qcow2", "disk.qcow2", "");
    let bytes = std::fs::read(place.path("disk.qcow2")).unwrap();
    let number = |at: u64| {
        let at = usize::try_from(at).unwrap();
        u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
    };
    // [qcow2] Header: refcount_table_offset is at byte 48; refcounts have 16 bits.
    let block = number(number(48));
    let clusters = u64::try_from(bytes.len()).unwrap().div_ceil(65_536);
    place.cut("disk.qcow2", (clusters + 1) * 65_536);
    let unused = block + clusters * 2;
    place.poke("disk.qcow2", unused, &1_u16.to_be_bytes());
    like_qemu(&place, "disk.qcow2", 1);
    let document = place.json(1, &["check", "--format", "json", "disk.qcow2"]);
    assert_eq!(document["verdict"], "leaks");
    assert_eq!(document["findings"][0]["severity"], "leak");
    let output = place.image(&["check", "disk.qcow2"]);
    expect_code(&output, 1);
    assert!(stdout(&output).contains("sound qcow2 image, but room of the file is lost"));
    // Cluster 5 is the first of data.
    place.poke("disk.qcow2", block + 5 * 2, &0_u16.to_be_bytes());
    like_qemu(&place, "disk.qcow2", 1);
    let document = place.json(1, &["check", "--format", "json", "disk.qcow2"]);
    assert_eq!(document["verdict"], "corrupt");
    let output = place.image(&["check", "disk.qcow2"]);
    expect_code(&output, 1);
    assert!(stdout(&output).starts_with("disk.qcow2: corrupt qcow2 image\n"));
}

/// A copy is made, not a repair in place: refcounts that lie are gone, and what a broken table
/// pointed at is listed.
#[test]
fn a_repair_is_a_sound_copy() {
    let Some(place) = Place::with_qemu("a_repair_is_a_sound_copy") else {
        return;
    };
    place.mixed("qcow2", "disk.qcow2", "cluster_size=4k");
    place.qemu_img(&["convert", "-O", "raw", "disk.qcow2", "sound.raw"]);
    let bytes = std::fs::read(place.path("disk.qcow2")).unwrap();
    let number = |at: u64| {
        let at = usize::try_from(at).unwrap();
        u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
    };
    place.poke("disk.qcow2", number(number(48)) + 5 * 2, &[0, 0]);
    let spoiled = support::sha256sum(&place.path("disk.qcow2"));
    let repair = [
        "check",
        "--format",
        "json",
        "--repair",
        "new.qcow2",
        "disk.qcow2",
    ];
    let document = place.json(0, &repair);
    assert_eq!(document["verdict"], "corrupt");
    assert_eq!(document["copy"]["verdict"], "sound");
    place.qemu_img(&["check", "new.qcow2"]);
    place.qemu_img(&["compare", "sound.raw", "new.qcow2"]);
    assert_eq!(support::sha256sum(&place.path("disk.qcow2")), spoiled);
    // The name is taken now.
    expect_code(&place.image(&repair), 2);
    // The cluster of guest offset 30 MiB starts in the midst of one (L1 entry 15).
    let l2 = number(number(40) + 15 * 8) & 0x00ff_ffff_ffff_fe00;
    place.poke("disk.qcow2", l2, &0x8000_0000_0000_0200_u64.to_be_bytes());
    let output = place.image(&["check", "--repair", "less.qcow2", "disk.qcow2"]);
    expect_code(&output, 1);
    let said = stdout(&output);
    assert!(
        said.contains("less.qcow2: a copy without 4.0 KiB"),
        "{said}"
    );
    assert!(said.contains("lost 4096 bytes at 0x1e00000"), "{said}");
    place.qemu_img(&["check", "less.qcow2"]);
    // The copy is compared with what could be read, too.
    let verify = ["convert", "--salvage", "--verify", "disk.qcow2", "less.raw"];
    expect_code(&place.image(&verify), 1);
    place.qemu_img(&["compare", "less.raw", "less.qcow2"]);
}

/// Each finding names a rule, a place and a section.
#[test]
fn spoiled_samples_are_found_out() {
    for (name, rule) in [
        ("h01-l1size-huge.qcow2", "qcow2."),
        ("h05-refcount-order-7.qcow2", "qcow2."),
        ("h13-vhd-bat-huge.vhd", "vhd."),
        ("h17-vhdx-bat-in-header.vhdx", "vhdx.bat."),
        ("h19-vhdx-both-headers-bad.vhdx", "vhdx.header."),
        ("dfvfs-image.vhd", "vhd."),
    ] {
        let Some(place) = Place::with_sample("spoiled_samples_are_found_out", name) else {
            return;
        };
        let document = place.json(1, &["check", "--format", "json", name]);
        let finding = &document["findings"][0];
        let said = finding["rule"].as_str().unwrap();
        assert!(said.starts_with(rule), "{name}: {finding}");
        assert_eq!(document["verdict"], "corrupt", "{name}");
    }
}

#[test]
fn samples_that_others_made_are_sound() {
    for name in [
        "iotest-dynamic-1G.vhdx",
        "virtualpc-dynamic.vhd",
        "dfvfs-ext2.qcow2",
        "dfvfs-ext2.vhd",
        "fixed.vhd",
        "minimal.vhd",
    ] {
        let Some(place) = Place::with_sample("samples_that_others_made_are_sound", name) else {
            return;
        };
        let output = place.image(&["check", name]);
        expect_code(&output, 0);
    }
}
