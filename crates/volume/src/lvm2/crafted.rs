//! Metadata that no LVM writes.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use detente_block::{MemoryBackend, Window};

use super::group::Group;
use super::{LogicalVolume, build};

const MIB: usize = 1 << 20;

/// A group of one physical volume of 1 MiB (extents of 64 KiB, 14 of them from 128 KiB on) with
/// these volumes: name, flags and segments.
fn group(volumes: &[(&str, &str)]) -> Result<Group, String> {
    let mut text =
        "g { id = \"g\" seqno = 1 extent_size = 128\nphysical_volumes { pv0 { id = \"p-0\" \
                    device = \"/dev/sda\" pe_start = 256 pe_count = 14 } }\nlogical_volumes {\n"
            .to_owned();
    for (name, segments) in volumes {
        let _ = writeln!(text, "{name} {{ status = [\"VISIBLE\"] {segments} }}");
    }
    Group::parse(&(text + "} }"))
}

fn built(volumes: &[(&str, &str)]) -> Vec<LogicalVolume> {
    let source = Arc::new(MemoryBackend::new(vec![7; MIB]));
    let window = Window::new(source, 0, MIB as u64).unwrap();
    let held = HashMap::from([("p0".to_owned(), window)]);
    build(&group(volumes).unwrap(), &held).unwrap()
}

fn linear(start: &str, count: &str, on: &str, first: &str) -> String {
    format!(
        "segment{start} {{ start_extent = {start} extent_count = {count} type = \"striped\" \
         stripes = [\"{on}\", {first}] }}"
    )
}

fn check(volumes: &[(&str, &str)], rule: &str) {
    let volumes = built(volumes);
    assert_eq!(volumes[0].device.as_ref().err().unwrap(), rule);
}

#[test]
fn a_sound_volume_is_built() {
    let volumes = built(&[("lv", &linear("0", "14", "pv0", "0"))]);
    let device = volumes[0].device.as_ref().unwrap();
    assert_eq!(device.len_bytes(), 14 * 65_536);
    let mut last = [0; 1];
    device.read_exact_at(14 * 65_536 - 1, &mut last).unwrap();
    assert_eq!(last, [7]);
}

#[test]
fn volumes_that_cannot_be_are_refused() {
    let past = "it goes past what it lies on";
    check(&[("lv", &linear("0", "15", "pv0", "0"))], past);
    check(&[("lv", &linear("0", "14", "pv0", "1"))], past);
    let huge = i64::MAX.to_string();
    check(&[("lv", &linear("0", "1", "pv0", &huge))], past);
    let impossible = "its size is impossible";
    check(&[("lv", &linear("0", &huge, "pv0", "0"))], impossible);
    let gap = "its segments overlap, or leave a gap";
    check(&[("lv", &linear("1", "1", "pv0", "0"))], gap);
    let twice = linear("0", "2", "pv0", "0") + &linear("1", "2", "pv0", "4");
    check(&[("lv", &twice)], gap);
    check(&[("lv", "")], "it has no segments");
    check(
        &[("lv", &linear("0", "0", "pv0", "0"))],
        "a segment is empty",
    );
    check(
        &[("lv", &linear("0", "1", "pv9", "0"))],
        "there is no pv9 in its group",
    );
    let stripes = "segment1 { start_extent = 0 extent_count = 3 type = \"striped\" \
                   stripe_size = 256 stripes = [\"pv0\", 0, \"pv0\", 4] }";
    check(&[("lv", stripes)], "its size is no multiple of its stripes");
}

#[test]
fn volumes_on_themselves_end() {
    let deep = "volumes lie too deep in each other";
    check(&[("lv", &linear("0", "1", "lv", "0"))], deep);
    let (one, two) = (linear("0", "1", "b", "0"), linear("0", "1", "a", "0"));
    check(&[("a", &one), ("b", &two)], deep);
}

#[test]
fn volumes_that_multiply_are_stopped() {
    // Each level has 100 parts, each of which is the next level.
    let level = |on: &str| -> String {
        let part = |n: u32| linear(&n.to_string(), "1", on, "0");
        (0..100).map(part).collect()
    };
    let levels = [level("b"), level("c"), level("d"), level("pv0")];
    let named = ["a", "b", "c", "d"]
        .into_iter()
        .zip(levels.iter().map(String::as_str));
    let volumes: Vec<(&str, &str)> = named.collect();
    check(&volumes, "its group has more parts than we follow");
}

#[test]
fn a_group_without_its_numbers_is_refused() {
    let check = |text: &str, rule: &str| {
        assert_eq!(Group::parse(text).err().as_deref(), Some(rule), "{text}");
    };
    check("", "its text describes no group");
    check("g { seqno = 1 }", "its text has no extent_size");
    check("g { extent_size = 8 }", "its text has no seqno");
    check(
        "g { seqno = 1 extent_size = 0 }",
        "its extents have an impossible size",
    );
    check("contents = \"x\" g { }", "its text is something else");
}
