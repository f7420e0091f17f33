//! `detente image info`, held against `qemu-img info`.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use serde_json::{Value, json};
use support::images::Place;
use support::{expect_code, stderr, stdout};

/// All that QEMU says we say too, and alike.
#[track_caller]
fn alike(ours: &Value, qemu: &Value, at: &str) {
    match (ours, qemu) {
        (Value::Object(ours), Value::Object(qemu)) => {
            for (key, value) in qemu {
                let place = format!("{at}/{key}");
                let ours = ours.get(key);
                alike(ours.unwrap_or_else(|| panic!("no {place}")), value, &place);
            }
        }
        (Value::Array(ours), Value::Array(qemu)) => {
            assert_eq!(ours.len(), qemu.len(), "{at}");
            for (index, (ours, qemu)) in ours.iter().zip(qemu).enumerate() {
                alike(ours, qemu, &format!("{at}/{index}"));
            }
        }
        (ours, qemu) => assert_eq!(ours, qemu, "{at}"),
    }
}

#[track_caller]
fn like_qemu(place: &Place, arguments: &[&str], qemu_arguments: &[&str]) -> Value {
    let qemu = [&["info", "--output", "json"], qemu_arguments].concat();
    let qemu: Value = serde_json::from_str(&place.qemu_img(&qemu)).unwrap();
    let ours = place.json(0, &[&["info", "--format", "qemu-json"], arguments].concat());
    alike(&ours, &qemu, "");
    ours
}

#[test]
fn raw_is_said_as_qemu_says_it() {
    let Some(place) = Place::with_qemu("raw_is_said_as_qemu_says_it") else {
        return;
    };
    place.mixed("raw", "disk.raw", "");
    let info = like_qemu(&place, &["disk.raw"], &["disk.raw"]);
    // QEMU 8.0 and later: the file below the format.
    assert_eq!(info["children"][0]["name"], "file");
    assert_eq!(info["children"][0]["info"]["virtual-size"], 64 << 20);
}

#[test]
fn an_encrypted_image_is_described_as_qemu_does_it() {
    let Some(place) = Place::with_qemu("an_encrypted_image_is_described_as_qemu_does_it") else {
        return;
    };
    let secret = ["create", "-q", "--object", "secret,id=key,data=secret"];
    let luks = ["-o", "encrypt.format=luks,encrypt.key-secret=key"];
    place.qemu_img(&[&secret[..], &["-f", "qcow2"], &luks, &["luks.qcow2", "1M"]].concat());
    let qemu = place.qemu_img(&["info", "--output", "json", "luks.qcow2"]);
    let qemu: Value = serde_json::from_str(&qemu).unwrap();
    let ours = place.json(0, &["info", "--format", "qemu-json", "luks.qcow2"]);
    assert_eq!(ours["encrypted"], true);
    for field in ["encrypted", "virtual-size", "cluster-size", "format"] {
        assert_eq!(ours[field], qemu[field], "{field}");
    }
    let output = place.image(&["map", "luks.qcow2"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("encrypted with LUKS"));
}

#[test]
fn a_size_that_is_no_multiple_of_512_is_kept() {
    let Some(place) = Place::with_qemu("a_size_that_is_no_multiple_of_512_is_kept") else {
        return;
    };
    place.qemu_img(&["create", "-q", "-f", "qcow2", "odd.qcow2", "1M"]);
    // [qcow2] Header: the size is at byte 24.
    place.poke("odd.qcow2", 24, &1000_u64.to_be_bytes());
    let info = place.json(0, &["info", "--format", "json", "odd.qcow2"]);
    assert_eq!(info["images"][0]["layers"][0]["virtual_size_bytes"], 1000);
    expect_code(&place.image(&["convert", "odd.qcow2", "odd.raw"]), 0);
    assert_eq!(place.path("odd.raw").metadata().unwrap().len(), 1000);
}

#[test]
fn a_chain_is_said_as_qemu_says_it() {
    let Some(place) = Place::with_qemu("a_chain_is_said_as_qemu_says_it") else {
        return;
    };
    std::fs::create_dir(place.path("deep")).unwrap();
    place.mixed("raw", "deep/base.raw", "");
    let middle = ["create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw"];
    place.qemu_img(&[&middle[..], &["deep/middle.qcow2"]].concat());
    let top = ["create", "-q", "-f", "qcow2", "-b", "deep/middle.qcow2"];
    place.qemu_img(&[&top[..], &["-F", "qcow2", "top.qcow2"]].concat());
    like_qemu(&place, &["top.qcow2"], &["top.qcow2"]);
    let chain = like_qemu(
        &place,
        &["--chain", "top.qcow2"],
        &["--backing-chain", "top.qcow2"],
    );
    assert_eq!(chain[2]["filename"], "deep/base.raw");
}

#[test]
fn every_kind_of_qcow2_is_said_as_qemu_says_it() {
    let Some(place) = Place::with_qemu("every_kind_of_qcow2_is_said_as_qemu_says_it") else {
        return;
    };
    for (name, options) in [
        ("plain.qcow2", ""),
        ("old.qcow2", "compat=0.10"),
        ("small.qcow2", "cluster_size=512,refcount_bits=1"),
        ("large.qcow2", "cluster_size=2M,refcount_bits=64"),
        ("lazy.qcow2", "lazy_refcounts=on"),
        ("zstd.qcow2", "compression_type=zstd"),
        ("sub.qcow2", "extended_l2=on,cluster_size=128k"),
        ("spread.qcow2", "data_file=data.raw,data_file_raw=on"),
    ] {
        place.mixed("qcow2", name, options);
        like_qemu(&place, &[name], &[name]);
    }
    place.qemu_img(&["snapshot", "-c", "before the update", "plain.qcow2"]);
    place.qemu_img(&["snapshot", "-c", "after", "plain.qcow2"]);
    place.qemu_img(&["bitmap", "--add", "plain.qcow2", "backup"]);
    let enable = ["bitmap", "--add", "--disable", "-g", "1M"];
    place.qemu_img(&[&enable[..], &["plain.qcow2", "old backup"]].concat());
    let info = like_qemu(&place, &["plain.qcow2"], &["plain.qcow2"]);
    assert_eq!(info["snapshots"][1]["name"], "after");
    let output = place.image(&["info", "plain.qcow2"]);
    let said = stdout(&output);
    assert!(said.contains("\"before the update\""), "{said}");
    assert!(said.contains("\"old backup\", a bit for 1.0 MiB"), "{said}");
}

#[test]
fn vhdx_and_vhd_are_said_as_qemu_says_it() {
    let Some(place) = Place::with_qemu("vhdx_and_vhd_are_said_as_qemu_says_it") else {
        return;
    };
    place.mixed("vhdx", "dynamic.vhdx", "subformat=dynamic,block_size=2M");
    place.mixed("vhdx", "fixed.vhdx", "subformat=fixed");
    place.mixed("vpc", "dynamic.vhd", "subformat=dynamic");
    for name in ["dynamic.vhdx", "fixed.vhdx", "dynamic.vhd"] {
        like_qemu(&place, &[name], &[name]);
    }
    // QEMU takes a VHD of fixed size for a raw disk, unless it is told.
    place.mixed("vpc", "fixed.vhd", "subformat=fixed");
    like_qemu(&place, &["fixed.vhd"], &["-f", "vpc", "fixed.vhd"]);
}

#[test]
fn vmdk_is_said_as_qemu_says_it() {
    let Some(place) = Place::with_qemu("vmdk_is_said_as_qemu_says_it") else {
        return;
    };
    place.mixed("raw", "disk.raw", "");
    for kind in [
        "monolithicSparse",
        "monolithicFlat",
        "twoGbMaxExtentSparse",
        "twoGbMaxExtentFlat",
        "streamOptimized",
    ] {
        let (option, name) = (format!("subformat={kind}"), format!("{kind}.vmdk"));
        let convert = ["convert", "-O", "vmdk", "-o", &option, "disk.raw", &name];
        place.qemu_img(&convert);
        let info = like_qemu(&place, &[&name], &[&name]);
        assert_eq!(info["format-specific"]["data"]["create-type"], kind);
    }
}

#[test]
fn several_images_are_said_in_turn() {
    let place = Place::empty();
    for name in ["a.raw", "b.raw"] {
        std::fs::write(place.path(name), [7; 4096]).unwrap();
    }
    let output = place.image(&["info", "a.raw", "b.raw"]);
    expect_code(&output, 0);
    let said = stdout(&output);
    let first = "a.raw\n  format        raw\n  virtual size  4.0 KiB (4096 bytes)\n  file size     4.0 KiB (4096 bytes)\n";
    assert!(said.starts_with(first), "{said}");
    assert!(said.contains("\nb.raw\n"), "{said}");
    let ours = place.json(0, &["info", "--format", "json", "a.raw", "b.raw"]);
    assert_eq!(ours["images"][1]["layers"][0]["file"], "b.raw");
    let qemu = place.json(0, &["info", "--format", "qemu-json", "a.raw", "b.raw"]);
    assert_eq!(qemu[1]["filename"], "b.raw");
}

/// The file that is missing is named all the same; what it holds is not needed.
#[test]
fn a_missing_backing_file_hides_nothing_of_the_file_itself() {
    let test = "a_missing_backing_file_hides_nothing_of_the_file_itself";
    let Some(place) = Place::with_qemu(test) else {
        return;
    };
    let create = ["create", "-q", "-u", "-f", "qcow2", "-b", "away.raw"];
    place.qemu_img(&[&create[..], &["-F", "raw", "top.qcow2", "1M"]].concat());
    let info = place.json(0, &["info", "--format", "json", "top.qcow2"]);
    let parent = &info["images"][0]["layers"][0]["parent"];
    assert_eq!(parent, &json!({ "names": ["away.raw"], "format": "raw" }));
    let output = place.image(&["info", "--chain", "top.qcow2"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("away.raw"), "{}", stderr(&output));
}
