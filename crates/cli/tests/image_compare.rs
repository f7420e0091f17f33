//! `detente image compare` and `digest`, held against `qemu-img` and `sha256sum`.

mod support;

use support::images::Place;
use support::{expect_code, sha256sum, stdout};

/// Images of 64 MiB with the same content in several formats, by QEMU.
fn formats(place: &Place) -> Vec<String> {
    place.mixed("raw", "disk.raw", "");
    let mut names = vec!["disk.raw".to_owned()];
    for (name, options) in [
        ("plain.qcow2", &["-O", "qcow2"][..]),
        ("packed.qcow2", &["-c", "-O", "qcow2"]),
        (
            "zstd.qcow2",
            &["-c", "-O", "qcow2", "-o", "compression_type=zstd"],
        ),
        ("small.qcow2", &["-O", "qcow2", "-o", "cluster_size=512"]),
    ] {
        place.qemu_img(&[&["convert"], options, &["disk.raw", name]].concat());
        names.push(name.to_owned());
    }
    names
}

#[test]
fn the_same_disk_in_every_format_is_the_same() {
    let Some(place) = Place::with_qemu("the_same_disk_in_every_format_is_the_same") else {
        return;
    };
    for name in formats(&place) {
        let output = place.image(&["compare", "disk.raw", &name]);
        expect_code(&output, 0);
        assert_eq!(stdout(&output), "the same\n");
        let json = place.json(
            0,
            &["compare", "--strict", "--format", "json", "disk.raw", &name],
        );
        assert_eq!(json["identical"], true);
    }
}

#[test]
fn the_first_byte_that_differs_is_named() {
    let Some(place) = Place::with_qemu("the_first_byte_that_differs_is_named") else {
        return;
    };
    formats(&place);
    for (write, offset) in [
        ("write -P 0x5b 0 512", 0_u64),
        ("write -P 1 33M 512", 33 << 20),
        ("write -P 0 1600k 64k", 1600 << 10),
        ("write -P 3 67108352 512", (64 << 20) - 512),
    ] {
        std::fs::copy(place.path("plain.qcow2"), place.path("other.qcow2")).unwrap();
        place.qemu_io("qcow2", "other.qcow2", &[write]);
        let json = place.json(
            1,
            &["compare", "--format", "json", "disk.raw", "other.qcow2"],
        );
        assert_eq!(json["difference"]["kind"], "content");
        assert_eq!(json["difference"]["offset"], offset, "{write}");
        let qemu = place.try_qemu_img(&["compare", "disk.raw", "other.qcow2"]);
        let says = format!("Content mismatch at offset {offset}!");
        assert!(stdout(&qemu).contains(&says), "{}", stdout(&qemu));
        let output = place.image(&["compare", "disk.raw", "other.qcow2"]);
        expect_code(&output, 1);
        assert!(stdout(&output).contains(&format!("{offset} ({offset:#x})")));
    }
}

#[test]
fn zeroes_at_the_end_count_only_when_strict() {
    let Some(place) = Place::with_qemu("zeroes_at_the_end_count_only_when_strict") else {
        return;
    };
    formats(&place);
    std::fs::copy(place.path("disk.raw"), place.path("long.raw")).unwrap();
    place.cut("long.raw", (64 << 20) + 1024);
    let output = place.image(&["compare", "long.raw", "plain.qcow2"]);
    expect_code(&output, 0);
    assert!(stdout(&output).contains("but for zeroes at the end"));
    let strict = ["compare", "--strict", "--format", "json"];
    let json = place.json(1, &[&strict[..], &["long.raw", "plain.qcow2"]].concat());
    assert_eq!(json["difference"]["kind"], "size");
    place.poke("long.raw", (64 << 20) + 1023, &[1]);
    let json = place.json(
        1,
        &["compare", "--format", "json", "plain.qcow2", "long.raw"],
    );
    assert_eq!(json["difference"]["offset"], (64 << 20) + 1023);
}

#[test]
fn the_digest_is_that_of_a_raw_copy() {
    let Some(place) = Place::with_qemu("the_digest_is_that_of_a_raw_copy") else {
        return;
    };
    let expect = {
        let names = formats(&place);
        let content = place.image(&[&["digest"], &strs(&names)[..]].concat());
        expect_code(&content, 0);
        let said = stdout(&content);
        let digests: Vec<&str> = said.lines().map(|line| &line[..64]).collect();
        assert_eq!(digests.len(), names.len());
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{said}");
        sha256sum(&place.path("disk.raw"))
    };
    for name in ["disk.raw", "small.qcow2", "zstd.qcow2"] {
        let output = place.image(&["digest", "--algorithm", "sha256", name]);
        expect_code(&output, 0);
        assert_eq!(stdout(&output), format!("{expect}  {name}\n"));
    }
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
