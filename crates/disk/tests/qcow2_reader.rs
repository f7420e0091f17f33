//! What else QEMU writes into qcow2 files: snapshots, bitmaps, data files, refcounts of all widths.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use detente_block::{DirectoryGate, FileBackend};
use detente_disk::{
    Details, Mapped, OpenOptions, Place, Qcow2Details, Qcow2Encryption, open_layer, open_with,
};
use support::{check_content, has_qemu, qemu_content, run};

fn details(path: &Path) -> Qcow2Details {
    let file = Arc::new(FileBackend::open(path).unwrap());
    match open_layer(path, file, &DirectoryGate::beside(path))
        .unwrap()
        .details
    {
        Details::Qcow2(details) => details,
        other => panic!("{other:?}"),
    }
}

fn create(folder: &Path, options: &str) {
    let _ = fs::remove_file(folder.join("image.qcow2"));
    let args = ["create", "-f", "qcow2", "-o", options, "image.qcow2", "10M"];
    run(folder, "qemu-img", &args);
}

fn io(folder: &Path, commands: &[&str]) {
    for command in commands {
        run(
            folder,
            "qemu-io",
            &["-f", "qcow2", "-c", command, "image.qcow2"],
        );
    }
}

/// Writes of all sorts from a fixed seed.
fn scribble(folder: &Path, seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let commands: Vec<String> = (0..25)
        .map(|_| {
            let (at, len) = (next(20_000) * 512, (1 + next(400)) * 512);
            let len = len.min((10 << 20) - at);
            match next(6) {
                0 => format!("write -z {at} {len}"),
                1 => format!("write -z -u {at} {len}"),
                2 => format!("discard {at} {len}"),
                pattern => format!("write -P {} {at} {len}", 0x40 + pattern),
            }
        })
        .collect();
    let mut args = vec!["-f", "qcow2"];
    for command in &commands {
        args.extend(["-c", command]);
    }
    args.push("image.qcow2");
    run(folder, "qemu-io", &args);
}

fn check(folder: &Path, what: &str) {
    let image = support::open(&folder.join("image.qcow2")).unwrap();
    check_content(&*image.reader, &qemu_content(folder, "image.qcow2"), what);
}

#[test]
fn random_images_are_read_as_qemu_does() {
    if !has_qemu("random_images_are_read_as_qemu_does") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let options = [
        "refcount_bits=1",
        "refcount_bits=2",
        "refcount_bits=4",
        "refcount_bits=8",
        "refcount_bits=32",
        "refcount_bits=64",
        "compat=0.10,cluster_size=4k",
        "cluster_size=512",
        "extended_l2=on,cluster_size=16k",
        "extended_l2=on",
        "cluster_size=2M",
        "data_file=data.raw",
        "data_file=data.raw,data_file_raw=on",
        "data_file=data.raw,extended_l2=on",
    ];
    for (seed, options) in options.into_iter().enumerate() {
        create(folder, options);
        scribble(folder, seed as u64);
        check(folder, options);
        let bits = options.strip_prefix("refcount_bits=").unwrap_or("16");
        let shown = details(&folder.join("image.qcow2"));
        assert_eq!(shown.refcount_bits.to_string(), bits);
        assert!(shown.broken.is_empty(), "{shown:?}");
    }
}

#[test]
fn a_data_file_is_shown_and_read() {
    if !has_qemu("a_data_file_is_shown_and_read") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    create(folder, "data_file=data.raw,data_file_raw=on");
    io(folder, &["write -P 0x31 0 64k", "write -P 0x32 5M 64k"]);
    let image = support::open(&folder.join("image.qcow2")).unwrap();
    let extent = image.stack.map_extent(5 << 20, 4096).unwrap();
    let Place::File { file, offset } = extent.place else {
        panic!("{extent:?}");
    };
    assert_eq!(offset, 5 << 20);
    assert!(image.stack.files()[file.0].path.ends_with("data.raw"));
    let shown = details(&folder.join("image.qcow2")).data_file.unwrap();
    assert_eq!((shown.name.as_str(), shown.raw), ("data.raw", true));
}

#[test]
fn snapshots_are_listed_and_seen() {
    if !has_qemu("snapshots_are_listed_and_seen") {
        return;
    }
    for options in ["compat=1.1", "compat=0.10", "extended_l2=on"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        create(folder, options);
        for (seed, name) in [(1, "one"), (2, "two")] {
            scribble(folder, seed);
            run(folder, "qemu-img", &["snapshot", "-c", name, "image.qcow2"]);
        }
        scribble(folder, 3);
        let path = folder.join("image.qcow2");
        let shown = details(&path).snapshots;
        let names: Vec<_> = shown
            .iter()
            .map(|one| (one.id.as_str(), one.name.as_str()))
            .collect();
        assert_eq!(names, [("1", "one"), ("2", "two")]);
        assert!(
            shown
                .iter()
                .all(|one| one.virtual_size == 10 << 20 && one.vm_state_bytes == 0)
        );
        check(folder, options);
        for wanted in ["one", "two"] {
            let args = [
                "convert",
                "-l",
                wanted,
                "-O",
                "raw",
                "image.qcow2",
                "expected.raw",
            ];
            run(folder, "qemu-img", &args);
            let options = OpenOptions {
                snapshot: Some(wanted.to_owned()),
                ..OpenOptions::default()
            };
            let file = Arc::new(FileBackend::open(&path).unwrap());
            let image = open_with(&path, file, &DirectoryGate::beside(&path), &options).unwrap();
            let expected = fs::read(folder.join("expected.raw")).unwrap();
            check_content(&*image.reader, &expected, wanted);
        }
    }
}

#[test]
fn bitmaps_are_named() {
    if !has_qemu("bitmaps_are_named") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    create(folder, "compat=1.1");
    run(
        folder,
        "qemu-img",
        &[
            "bitmap",
            "--add",
            "-g",
            "128k",
            "image.qcow2",
            "since-monday",
        ],
    );
    run(
        folder,
        "qemu-img",
        &["bitmap", "--add", "--disable", "image.qcow2", "b"],
    );
    let shown = details(&folder.join("image.qcow2"));
    assert!(
        shown.bitmaps_consistent && shown.broken.is_empty(),
        "{shown:?}"
    );
    let bitmaps: Vec<_> = shown
        .bitmaps
        .iter()
        .map(|one| {
            (
                one.name.as_str(),
                one.granularity_bits,
                one.auto,
                one.in_use,
            )
        })
        .collect();
    assert_eq!(
        bitmaps,
        [("since-monday", 17, true, false), ("b", 16, false, false)]
    );
}

#[test]
fn an_encrypted_image_is_described_and_not_read() {
    if !has_qemu("an_encrypted_image_is_described_and_not_read") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let args = [
        "create",
        "-f",
        "qcow2",
        "--object",
        "secret,id=key,data=password",
        "-o",
        "encrypt.format=aes,encrypt.key-secret=key",
        "image.qcow2",
        "1M",
    ];
    run(folder, "qemu-img", &args);
    let path = folder.join("image.qcow2");
    assert_eq!(details(&path).encryption, Some(Qcow2Encryption::Aes));
    let error = support::open(&path).err().unwrap().to_string();
    assert!(error.contains("unsupported at offset 0x20"), "{error}");
    assert!(error.contains("encrypted with AES"), "{error}");
}

#[test]
fn lazy_refcounts_are_told() {
    if !has_qemu("lazy_refcounts_are_told") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "lazy_refcounts=on");
    let shown = details(&folder.path().join("image.qcow2")).marks;
    assert!(shown.lazy_refcounts && !shown.dirty && !shown.corrupt);
}
