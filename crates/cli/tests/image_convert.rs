//! `detente image convert`: every format into every other one, judged by `qemu-img`.

mod support;

use support::images::Place;
use support::{expect_code, names, stderr, stdout};

/// The new images: name, QEMU's format, options.
const TARGETS: [(&str, &str, &[&str]); 12] = [
    ("new.raw", "raw", &[]),
    ("new.qcow2", "qcow2", &[]),
    ("old.qcow2", "qcow2", &["--qcow2-version", "2"]),
    ("small.qcow2", "qcow2", &["--cluster-size", "4K"]),
    ("large.qcow2", "qcow2", &["--cluster-size", "2M"]),
    (
        "sub.qcow2",
        "qcow2",
        &["--extended-l2", "--cluster-size", "128K"],
    ),
    ("zlib.qcow2", "qcow2", &["--compress", "zlib"]),
    ("zstd.qcow2", "qcow2", &["--compress", "zstd"]),
    ("new.vhdx", "vhdx", &[]),
    (
        "fixed.vhdx",
        "vhdx",
        &["--subformat", "fixed", "--block-size", "1M"],
    ),
    ("new.vhd", "vpc", &[]),
    ("fixed.vhd", "vpc", &["--subformat", "fixed"]),
];

/// A mixed image of a kind made by QEMU becomes each of the new ones, and holds the same.
#[track_caller]
fn check(test: &str, format: &str, options: &str) {
    let Some(place) = Place::with_qemu(test) else {
        return;
    };
    place.mixed(format, "source", options);
    into_all(&place, format);
}

#[track_caller]
fn into_all(place: &Place, format: &str) {
    let ours = if format == "vpc" { "vhd" } else { format };
    for (name, kind, options) in TARGETS {
        let convert = ["convert", "-f", ours, "source", name];
        let output = place.image(&[&convert[..], options].concat());
        expect_code(&output, 0);
        place.qemu_img(&["compare", "-f", format, "-F", kind, "source", name]);
        if matches!(kind, "qcow2" | "vhdx") {
            place.qemu_img(&["check", "-f", kind, name]);
        }
        expect_code(&place.image(&["check", name]), 0);
    }
}

#[test]
fn raw_into_all() {
    check("raw_into_all", "raw", "");
}

#[test]
fn qcow2_into_all() {
    check("qcow2_into_all", "qcow2", "");
}

#[test]
fn old_qcow2_with_small_clusters_into_all() {
    let test = "old_qcow2_with_small_clusters_into_all";
    check(test, "qcow2", "compat=0.10,cluster_size=4k");
}

#[test]
fn qcow2_with_subclusters_into_all() {
    let test = "qcow2_with_subclusters_into_all";
    check(test, "qcow2", "extended_l2=on,cluster_size=128k");
}

#[test]
fn vhdx_into_all() {
    check("vhdx_into_all", "vhdx", "block_size=1M");
}

#[test]
fn fixed_vhdx_into_all() {
    check("fixed_vhdx_into_all", "vhdx", "subformat=fixed");
}

#[test]
fn vhd_into_all() {
    check("vhd_into_all", "vpc", "");
}

#[test]
fn fixed_vhd_into_all() {
    check("fixed_vhd_into_all", "vpc", "subformat=fixed");
}

#[test]
fn vmdk_into_all() {
    let kinds = ["monolithicSparse", "twoGbMaxExtentFlat", "streamOptimized"];
    for kind in kinds {
        let Some(place) = Place::with_qemu("vmdk_into_all") else {
            return;
        };
        place.mixed("raw", "disk.raw", "");
        let option = format!("subformat={kind}");
        let convert = ["convert", "-O", "vmdk", "-o", &option, "disk.raw"];
        place.qemu_img(&[&convert[..], &["source"]].concat());
        into_all(&place, "vmdk");
    }
}

#[test]
fn compressed_qcow2_into_all() {
    for method in ["zlib", "zstd"] {
        let Some(place) = Place::with_qemu("compressed_qcow2_into_all") else {
            return;
        };
        place.mixed("raw", "disk.raw", "");
        let option = format!("compression_type={method}");
        let convert = ["convert", "-c", "-O", "qcow2", "-o", &option, "disk.raw"];
        place.qemu_img(&[&convert[..], &["source"]].concat());
        into_all(&place, "qcow2");
    }
}

#[test]
fn a_chain_becomes_one_file() {
    let Some(place) = Place::with_qemu("a_chain_becomes_one_file") else {
        return;
    };
    place.mixed("qcow2", "base.qcow2", "");
    let create = ["create", "-q", "-f", "qcow2", "-b", "base.qcow2"];
    place.qemu_img(&[&create[..], &["-F", "qcow2", "source", "80M"]].concat());
    place.qemu_io("qcow2", "source", &["write -P 9 1M 64k", "write -z 30M 1M"]);
    into_all(&place, "qcow2");
}

#[test]
fn a_snapshot_becomes_an_image() {
    let Some(place) = Place::with_qemu("a_snapshot_becomes_an_image") else {
        return;
    };
    place.mixed("qcow2", "disk.qcow2", "");
    place.qemu_img(&["convert", "-O", "raw", "disk.qcow2", "before.raw"]);
    place.qemu_img(&["snapshot", "-c", "before", "disk.qcow2"]);
    place.qemu_io("qcow2", "disk.qcow2", &["write -P 9 1M 1M"]);
    let convert = ["convert", "--snapshot", "before", "disk.qcow2", "then.vhdx"];
    expect_code(&place.image(&convert), 0);
    place.qemu_img(&["compare", "before.raw", "then.vhdx"]);
    let convert = ["convert", "--snapshot", "never", "disk.qcow2", "never.raw"];
    let output = place.image(&convert);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("never"), "{}", stderr(&output));
}

#[test]
fn several_images_go_to_a_folder() {
    let Some(place) = Place::with_qemu("several_images_go_to_a_folder") else {
        return;
    };
    for name in ["a.qcow2", "b.qcow2", "c.qcow2"] {
        place.mixed("qcow2", name, "");
    }
    std::fs::create_dir(place.path("out")).expect("a folder");
    let many = ["convert", "--to-dir", "out", "-O", "vhdx", "--jobs", "2"];
    let output = place.image(&[&many[..], &["a.qcow2", "b.qcow2", "c.qcow2"]].concat());
    expect_code(&output, 0);
    assert_eq!(names(&place.path("out")), ["a.vhdx", "b.vhdx", "c.vhdx"]);
    assert_eq!(stdout(&output).lines().count(), 3);
    place.qemu_img(&["compare", "b.qcow2", "out/b.vhdx"]);
    // One that cannot be read does not keep the others from being made.
    place.cut("b.qcow2", 100);
    let output = place.image(&[&many[..], &["--force", "a.qcow2", "b.qcow2"]].concat());
    expect_code(&output, 2);
    assert!(
        stderr(&output).contains("error: b.qcow2"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).contains("out/a.vhdx"));
    // Two that would have the same name are refused before anything is done.
    place.mixed("raw", "a.raw", "");
    expect_code(
        &place.image(&[&many[..], &["a.raw", "a.qcow2"]].concat()),
        64,
    );
}

/// What a file takes of the file system.
fn allocated(place: &Place, name: &str) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(place.path(name)).expect("it is there");
    file.blocks() * 512
}

#[test]
fn zeroes_that_are_stored_are_kept_or_left_out() {
    let place = Place::empty();
    let mut bytes = vec![0; 16 << 20];
    bytes[..4096].fill(7);
    std::fs::write(place.path("disk.raw"), bytes).expect("a file");
    for name in ["new.raw", "new.qcow2", "new.vhdx", "new.vhd"] {
        let keep = ["convert", "--force", "disk.raw", name];
        expect_code(&place.image(&keep), 0);
        assert!(allocated(&place, name) >= 16 << 20, "{name}");
        expect_code(
            &place.image(&[&keep[..], &["--zeroes", "detect"]].concat()),
            0,
        );
        assert!(allocated(&place, name) < 4 << 20, "{name}");
        expect_code(&place.image(&["compare", "disk.raw", name]), 0);
    }
}

#[test]
fn room_is_taken_beforehand_if_that_is_wanted() {
    let place = Place::empty();
    for name in ["new.raw", "new.qcow2", "new.vhdx", "new.vhd"] {
        expect_code(&place.image(&["create", "--preallocate", name, "8M"]), 0);
        let info = place.json(0, &["info", "--format", "json", name]);
        let file = &info["images"][0]["layers"][0]["file_size_bytes"];
        let file = file.as_u64().expect("a number");
        assert!(allocated(&place, name) >= file, "{name}");
    }
    expect_code(
        &place.image(&["create", "--subformat", "fixed", "fixed.vhdx", "8M"]),
        0,
    );
    let map = place.json(0, &["map", "--format", "json", "fixed.vhdx"]);
    assert_eq!(map["extents"][0]["kind"], "data");
}

#[test]
fn a_vhdx_may_have_large_sectors() {
    let place = Place::empty();
    std::fs::write(place.path("disk.raw"), vec![7; 3 << 20]).expect("a file");
    let convert = ["convert", "--sector-size", "4096", "disk.raw", "new.vhdx"];
    expect_code(&place.image(&convert), 0);
    let info = place.json(0, &["info", "--format", "json", "new.vhdx"]);
    let details = &info["images"][0]["layers"][0]["details"];
    assert_eq!(details["logical_sector_bytes"], 4096);
    expect_code(&place.image(&["compare", "disk.raw", "new.vhdx"]), 0);
    expect_code(&place.image(&["check", "new.vhdx"]), 0);
}
