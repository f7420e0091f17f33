//! `detente image map`, held against `qemu-img map`.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use serde_json::Value;
use support::images::Place;
use support::{expect_code, stderr, stdout};

/// QEMU's map, and ours in its words, with the fields that this QEMU has. Where the room of a zero
/// cluster is kept need not be said.
#[track_caller]
fn like_qemu(place: &Place, name: &str) {
    let qemu = place.qemu_img(&["map", "--output", "json", name]);
    let mut qemu: Vec<Value> = serde_json::from_str(&qemu).unwrap();
    let ours = place.json(0, &["map", "--format", "qemu-json", name]);
    let mut ours = ours.as_array().unwrap().clone();
    for extent in ours.iter_mut().chain(&mut qemu) {
        if extent["data"] == false {
            extent.as_object_mut().unwrap().remove("offset");
        }
    }
    for extent in &mut ours {
        // Since QEMU 8.2.
        if qemu[0].get("compressed").is_none() {
            extent.as_object_mut().unwrap().remove("compressed");
        }
    }
    assert_eq!(joined(&ours), joined(&qemu), "{name}");
}

/// Extents that continue each other are one extent, wherever a program cut them.
fn joined(extents: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for extent in extents {
        let number = |extent: &Value, key: &str| extent[key].as_u64();
        let same = |key: &str, last: &Value| last[key] == extent[key];
        if let Some(last) = all.last_mut() {
            let len = number(last, "length").unwrap();
            let continues = match (number(last, "offset"), number(extent, "offset")) {
                (Some(one), Some(other)) => one + len == other,
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            let keys = ["depth", "present", "zero", "data", "compressed"];
            if continues && keys.iter().all(|key| same(key, last)) {
                last["length"] = Value::from(len + number(extent, "length").unwrap());
                continue;
            }
        }
        all.push(extent.clone());
    }
    all
}

#[test]
fn maps_are_those_of_qemu() {
    let Some(place) = Place::with_qemu("maps_are_those_of_qemu") else {
        return;
    };
    place.mixed("raw", "disk.raw", "");
    place.mixed("qcow2", "disk.qcow2", "");
    place.mixed("qcow2", "small.qcow2", "cluster_size=4k");
    place.mixed("qcow2", "old.qcow2", "compat=0.10");
    place.mixed("qcow2", "sub.qcow2", "extended_l2=on,cluster_size=128k");
    let convert = ["convert", "-c", "-O", "qcow2", "disk.raw", "packed.qcow2"];
    place.qemu_img(&convert);
    let create = ["create", "-q", "-f", "qcow2", "-b", "disk.qcow2"];
    place.qemu_img(&[&create[..], &["-F", "qcow2", "top.qcow2", "80M"]].concat());
    place.qemu_io(
        "qcow2",
        "top.qcow2",
        &["write -P 9 1100k 64k", "write -z 2M 64k"],
    );
    for name in [
        "disk.raw",
        "disk.qcow2",
        "small.qcow2",
        "old.qcow2",
        "sub.qcow2",
        "packed.qcow2",
        "top.qcow2",
    ] {
        like_qemu(&place, name);
    }
}

/// Each extent of our document starts where the one before ends, and names one of the files.
#[test]
fn our_map_covers_the_disk_and_names_its_files() {
    let Some(place) = Place::with_qemu("our_map_covers_the_disk_and_names_its_files") else {
        return;
    };
    place.mixed("raw", "base.raw", "");
    let create = ["create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw"];
    place.qemu_img(&[&create[..], &["top.qcow2"]].concat());
    place.qemu_io("qcow2", "top.qcow2", &["write -P 9 40M 64k"]);
    let map = place.json(0, &["map", "--format", "json", "top.qcow2"]);
    assert_eq!(map["complete"], true);
    let files = map["files"].as_array().unwrap();
    assert!(files[0].as_str().unwrap().ends_with("top.qcow2"));
    assert!(files[1].as_str().unwrap().ends_with("base.raw"));
    let mut end = 0;
    let mut kinds = Vec::new();
    for extent in map["extents"].as_array().unwrap() {
        assert_eq!(extent["offset"], end);
        end += extent["length"].as_u64().unwrap();
        kinds.push((extent["kind"].as_str().unwrap(), extent["file"].as_u64()));
    }
    assert_eq!(end, 64 << 20);
    assert!(kinds.contains(&("data", Some(0))) && kinds.contains(&("data", Some(1))));
    let output = place.image(&["map", "top.qcow2"]);
    expect_code(&output, 0);
    let said = stdout(&output);
    assert!(
        said.contains("0x2800000           0x10000             data at 0x"),
        "{said}"
    );
    assert!(said.contains("base.raw"), "{said}");
}

/// A cluster that starts in the midst of one: what was found before it is told, and that it is not
/// all.
#[test]
fn a_map_that_breaks_off_says_so() {
    let Some(place) = Place::with_qemu("a_map_that_breaks_off_says_so") else {
        return;
    };
    place.mixed("qcow2", "disk.qcow2", "cluster_size=4k");
    // [qcow2] Header: the L1 table's offset is at byte 40. Entry 15 is of guest offset 30 MiB.
    let bytes = std::fs::read(place.path("disk.qcow2")).unwrap();
    let number = |at: u64| {
        let at = usize::try_from(at).unwrap();
        u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
    };
    let l2 = number(number(40) + 15 * 8) & 0x00ff_ffff_ffff_fe00;
    place.poke(
        "disk.qcow2",
        l2 + 8,
        &0x8000_0000_0000_0200_u64.to_be_bytes(),
    );
    let map = place.json(2, &["map", "--format", "json", "disk.qcow2"]);
    assert_eq!(map["complete"], false);
    let fault = map["fault"].as_str().unwrap();
    assert!(fault.contains(&format!("offset {:#x}", l2 + 8)), "{fault}");
    let last = map["extents"].as_array().unwrap().last().unwrap();
    assert_eq!(last["offset"], 30 << 20);
    let output = place.image(&["map", "disk.qcow2"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("hint: `detente image check disk.qcow2`"));
}
