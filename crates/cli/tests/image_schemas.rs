//! What `detente image` says as JSON, held against the committed schemas.

mod support;

use serde_json::{Value, json};
use support::images::Place;
use support::schema::{check, validator};

/// A raw disk with something, a hole, and something.
fn disk() -> Place {
    let place = Place::empty();
    std::fs::write(place.path("disk.raw"), [7; 4096]).expect("a file");
    place.cut("disk.raw", 1 << 20);
    place.poke("disk.raw", 512 << 10, &[1; 4096]);
    place
}

#[test]
fn what_info_says_is_as_its_schema_says() {
    let place = disk();
    check(
        "image-info-1.json",
        &place.json(0, &["info", "--format", "json", "disk.raw"]),
        &[
            ("/schema", json!("detente/image-info/2")),
            ("/images", json!([])),
            ("/images/0/layers", json!([])),
            ("/images/0/layers/0/format", json!("vpc")),
            ("/images/0/layers/0/unit_bytes", json!(0)),
            ("/images/0/layers/0/virtual_size_bytes", json!(-1)),
            ("/images/0/layers/0/parent", json!("base.raw")),
            ("/images/0/layers/0/details", json!(null)),
        ],
    );
}

#[test]
fn what_info_says_of_each_format_is_as_its_schema_says() {
    let test = "what_info_says_of_each_format_is_as_its_schema_says";
    let Some(place) = Place::with_qemu(test) else {
        return;
    };
    place.mixed("qcow2", "disk.qcow2", "");
    place.qemu_img(&["snapshot", "-c", "one", "disk.qcow2"]);
    place.qemu_img(&["bitmap", "--add", "disk.qcow2", "backup"]);
    place.mixed("vhdx", "disk.vhdx", "");
    place.mixed("vpc", "disk.vhd", "");
    place.mixed("vmdk", "disk.vmdk", "");
    let names = ["disk.qcow2", "disk.vhdx", "disk.vhd", "disk.vmdk"];
    let document = place.json(0, &[&["info", "--format", "json"], &names[..]].concat());
    let details = |index: usize, key: &str| format!("/images/{index}/layers/0/details/{key}");
    let spoiled = [
        (details(0, "version"), json!(4)),
        (details(0, "data_file"), json!("data.raw")),
        (details(0, "snapshots/0/taken_at"), json!("yesterday")),
        (details(0, "bitmaps/0/granularity_bytes"), json!("64 KiB")),
        (details(1, "allocation"), json!("sparse")),
        (details(1, "logical_sector_bytes"), json!(520)),
        (details(1, "virtual_disk_id"), json!("{}")),
        (details(1, "parent_locator"), json!({ "linkage": 1 })),
        (details(2, "disk_type"), json!("sparse")),
        (details(2, "unique_id"), json!(7)),
        (details(2, "created_at"), json!(0)),
        (details(3, "content_id"), json!("ffffffff")),
        (details(3, "extents/0/kind"), json!("")),
    ];
    let spoiled: Vec<_> = spoiled
        .iter()
        .map(|(at, value)| (at.as_str(), value.clone()))
        .collect();
    check("image-info-1.json", &document, &spoiled);
}

#[test]
fn what_map_says_is_as_its_schema_says() {
    let place = disk();
    let document = place.json(0, &["map", "--format", "json", "disk.raw"]);
    check(
        "image-map-1.json",
        &document,
        &[
            ("/schema", json!("detente/image-map/2")),
            ("/files", json!(null)),
            ("/extents/0/kind", json!("hole")),
            ("/extents/0/length", json!(0)),
            ("/extents/0/file", json!("disk.raw")),
            ("/complete", json!(null)),
            ("/fault", json!(7)),
        ],
    );
    let mut broken = document;
    broken["extents"] = json!([]);
    broken["fault"] = json!("read failed at offset 0x0");
    broken["complete"] = json!(false);
    assert!(validator("image-map-1.json").is_valid(&broken));
}

#[test]
fn what_check_says_is_as_its_schema_says() {
    let place = disk();
    let mut document = place.json(0, &["check", "--format", "json", "disk.raw"]);
    document["copy"] = json!({
        "file": "new.vhdx",
        "verdict": "corrupt",
        "lost_bytes": 512,
        "lost": [{ "offset": 0, "length": 512, "why": "corrupt data at offset 0x0" }],
    });
    document["findings"] = json!([{
        "severity": "corrupt",
        "rule": "vhdx.bat.overlap",
        "offset": 1 << 20,
        "what": "blocks 0 and 1 overlap",
        "section": "[MS-VHDX] 2.5",
    }]);
    check(
        "image-check-1.json",
        &document,
        &[
            ("/verdict", json!("fine")),
            ("/format", json!("floppy")),
            ("/leaks", json!(-1)),
            ("/copy/verdict", json!("good")),
            ("/copy/lost/0/why", json!("")),
            ("/findings/0/severity", json!("bad")),
            ("/findings/0/rule", json!("BAT")),
            ("/findings/0/offset", json!("0x100000")),
            ("/findings/0/section", json!("")),
        ],
    );
}

#[test]
fn what_compare_says_is_as_its_schema_says() {
    let place = disk();
    std::fs::copy(place.path("disk.raw"), place.path("other.raw")).expect("a copy");
    let compare = ["compare", "--format", "json", "disk.raw", "other.raw"];
    let same: Value = place.json(0, &compare);
    check(
        "image-compare-1.json",
        &same,
        &[("/identical", json!(null))],
    );
    place.poke("other.raw", 5, &[9]);
    check(
        "image-compare-1.json",
        &place.json(1, &compare),
        &[
            ("/difference/kind", json!("colour")),
            ("/difference/offset", json!(-1)),
            ("/difference", json!({ "kind": "size", "offset": 5 })),
            ("/first/file", json!("")),
        ],
    );
}

#[test]
fn what_digest_says_is_as_its_schema_says() {
    let place = disk();
    check(
        "image-digest-1.json",
        &place.json(0, &["digest", "--format", "json", "disk.raw"]),
        &[
            ("/algorithm", json!("md5")),
            ("/images", json!([])),
            ("/images/0/digest", json!("ABC")),
        ],
    );
}

#[test]
fn what_the_writers_say_is_as_their_schema_says() {
    let place = disk();
    let format = ["--format", "json"];
    let json = |arguments: &[&str]| place.json(0, &[arguments, &format[..]].concat());
    let converted = json(&["convert", "--verify", "disk.raw", "disk.qcow2"]);
    check(
        "image-write-1.json",
        &converted,
        &[
            ("/command", json!("copy")),
            ("/images/0/target", json!("")),
            ("/images/0/source", json!(1)),
            ("/images/0/verified", json!("yes")),
            ("/images/0/data_bytes", json!(-1)),
            (
                "/images/0/lost",
                json!([{ "offset": 0, "length": 0, "why": "bad" }]),
            ),
            ("/failures", json!([{ "target": "x" }])),
        ],
    );
    let created = json(&["create", "new.vhdx", "1G"]);
    check("image-write-1.json", &created, &[]);
    assert_eq!(created["images"][0]["virtual_size_bytes"], 1 << 30);
    check(
        "image-write-1.json",
        &json(&["resize", "new.vhdx", "2G"]),
        &[],
    );
    for command in [
        ["rebase", "--flatten", "-o", "flat.qcow2", "disk.qcow2"],
        [
            "rebase",
            "--backing=disk.raw",
            "-o",
            "top.qcow2",
            "disk.qcow2",
        ],
        ["commit", "-o", "below.raw", "--verify", "top.qcow2"],
    ] {
        check("image-write-1.json", &json(&command), &[]);
    }
    let many = [
        "convert", "--to-dir", ".", "-O", "vhd", "disk.raw", "away.raw",
    ];
    let failed = place.json(2, &[&many[..], &format].concat());
    check(
        "image-write-1.json",
        &failed,
        &[("/failures/0/error", json!(""))],
    );
    assert_eq!(failed["failures"][0]["source"], "away.raw");
}
