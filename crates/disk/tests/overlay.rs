//! Empty overlays: QEMU finds nothing wrong, reads through them and writes to them.

mod support;

use std::fs;

use detente_disk::{Format, OverlayError, OverlaySpec, empty_overlay};
use support::{check_content, has_qemu, qemu_content, run};

const TIB: u64 = 1 << 40;

fn spec(virtual_size: u64, backing_path: &str, backing_format: Format) -> OverlaySpec {
    OverlaySpec {
        virtual_size,
        backing_path: backing_path.to_owned(),
        backing_format,
    }
}

#[test]
fn qemu_finds_nothing_wrong() {
    if !has_qemu("qemu_finds_nothing_wrong") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(
        folder,
        "qemu-img",
        &["create", "-f", "qcow2", "base.qcow2", "1T"],
    );
    run(
        folder,
        "qemu-img",
        &["create", "-f", "raw", "base.raw", "1T"],
    );
    for size in [
        0,
        512,
        1 << 20,
        (512 << 20) + 512,
        3 * TIB + 512,
        2048 * TIB,
    ] {
        for (base, format) in [("base.raw", Format::Raw), ("base.qcow2", Format::Qcow2)] {
            let overlay = empty_overlay(&spec(size, base, format)).unwrap();
            fs::write(folder.join("top.qcow2"), overlay).unwrap();
            run(folder, "qemu-img", &["check", "top.qcow2"]);
            let info = run(folder, "qemu-img", &["info", "--output=json", "top.qcow2"]);
            let info = info.split_whitespace().collect::<String>();
            for field in [
                format!("\"virtual-size\":{size},"),
                format!("\"backing-filename\":\"{base}\""),
                format!("\"backing-filename-format\":\"{}\"", format.qemu_name()),
            ] {
                assert!(info.contains(&field), "{info} lacks {field}");
            }
        }
    }
}

#[test]
fn the_base_shows_through_and_writes_stay_above() {
    if !has_qemu("the_base_shows_through_and_writes_stay_above") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let base: Vec<u8> = (0..3_000_000_u32)
        .map(|n| n.to_le_bytes()[n as usize % 4])
        .collect();
    fs::write(folder.join("base.raw"), &base).unwrap();
    let overlay = empty_overlay(&spec(3_000_000, "base.raw", Format::Raw)).unwrap();
    fs::write(folder.join("top.qcow2"), overlay).unwrap();
    let mut content = base.clone();
    content.resize(3_000_000_usize.next_multiple_of(512), 0);
    let image = support::open(&folder.join("top.qcow2")).unwrap();
    check_content(&*image.reader, &content, "empty overlay");
    assert!(qemu_content(folder, "top.qcow2") == content);

    run(
        folder,
        "qemu-io",
        &["-c", "write -P 0x61 4096 70000", "top.qcow2"],
    );
    run(folder, "qemu-img", &["check", "top.qcow2"]);
    content[4096..74096].fill(0x61);
    let image = support::open(&folder.join("top.qcow2")).unwrap();
    check_content(&*image.reader, &content, "written overlay");
    assert!(fs::read(folder.join("base.raw")).unwrap() == base);
}

#[test]
fn it_is_small_for_a_large_disk() {
    let overlay = empty_overlay(&spec(TIB, "/images/base.raw", Format::Raw)).unwrap();
    assert!(overlay.len() < 256 << 10, "{}", overlay.len());
}

#[test]
fn what_cannot_be_is_refused() {
    let check = |size, name: &str, expect| {
        assert_eq!(empty_overlay(&spec(size, name, Format::Raw)), Err(expect));
    };
    let too_large = |virtual_size| OverlayError::TooLarge { virtual_size };
    check(2048 * TIB + 1, "base", too_large(2048 * TIB + 1));
    check(u64::MAX, "base", too_large(u64::MAX));
    check(512, "", OverlayError::NameLength { len: 0 });
    check(
        512,
        &"x".repeat(1024),
        OverlayError::NameLength { len: 1024 },
    );
    assert!(empty_overlay(&spec(512, &"x".repeat(1023), Format::Raw)).is_ok());
    for name in ["nbd:localhost", "json:{}", "a\0b"] {
        check(
            512,
            name,
            OverlayError::NameMisread {
                name: name.to_owned(),
            },
        );
    }
    assert!(empty_overlay(&spec(512, "/images/a:b.raw", Format::Raw)).is_ok());
}
