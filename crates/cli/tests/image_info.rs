//! `detente image info`, held against `qemu-img info`.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod support;

use serde_json::Value;
use support::images::Place;
use support::{expect_code, stdout};

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
