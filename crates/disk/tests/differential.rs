//! Our reading against `qemu-img convert -O raw`, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use detente_block::{BlockRead, MemoryBackend, content_digest};
use detente_disk::Format;
use support::{check_content, has_qemu, qemu_content, run};

/// Not a multiple of any cluster size above 512.
const SIZE: usize = (3 << 20) + 1536;

/// A disk with noise, text, zeroes and lone bytes, from a fixed seed.
fn write_source(folder: &Path) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut disk = vec![0; SIZE];
    for (index, part) in disk.chunks_mut(40_000).enumerate() {
        for (at, byte) in part.iter_mut().enumerate() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = match index % 5 {
                0 => state.to_le_bytes()[3],
                1 => b"a line of text that compresses\n"[at % 31],
                2 if at == 777 => 1,
                _ => 0,
            };
        }
    }
    fs::write(folder.join("source.raw"), disk).unwrap();
}

fn check(folder: &Path, image: &str, layers: usize) {
    let opened = support::open(&folder.join(image)).unwrap();
    assert_eq!(opened.layers.len(), layers, "{image}");
    assert_eq!(opened.layers[0].format, Format::Qcow2, "{image}");
    check_content(&*opened.reader, &qemu_content(folder, image), image);
}

/// The digest that is independent of the format; it reads with several threads.
fn digest(disk: &dyn BlockRead) -> [u8; 32] {
    content_digest(disk, &AtomicBool::new(false))
        .unwrap()
        .unwrap()
        .sha256
}

/// Converts the source with these options and compares.
fn check_converted(folder: &Path, options: &str, compress: bool) {
    let mut args = vec!["convert", "-O", "qcow2", "-o", options];
    if compress {
        args.push("-c");
    }
    args.extend(["source.raw", "image.qcow2"]);
    run(folder, "qemu-img", &args);
    let image = support::open(&folder.join("image.qcow2")).unwrap();
    let source = fs::read(folder.join("source.raw")).unwrap();
    check_content(&*image.reader, &source, options);
    assert_eq!(
        digest(&*image.reader),
        digest(&MemoryBackend::new(source)),
        "{options}"
    );
    check(folder, "image.qcow2", 1);
}

#[test]
fn every_kind_of_cluster_is_read_as_qemu_does() {
    if !has_qemu("every_kind_of_cluster_is_read_as_qemu_does") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_source(folder);
    for size in ["512", "4096", "65536", "2M"] {
        for compat in ["0.10", "1.1"] {
            for compress in [false, true] {
                let options = format!("compat={compat},cluster_size={size}");
                check_converted(folder, &options, compress);
            }
        }
        check_converted(
            folder,
            &format!("compression_type=zstd,cluster_size={size}"),
            true,
        );
    }
    for size in ["16k", "64k", "2M"] {
        check_converted(
            folder,
            &format!("extended_l2=on,cluster_size={size}"),
            false,
        );
        check_converted(folder, &format!("extended_l2=on,cluster_size={size}"), true);
    }
    for kind in ["metadata", "falloc", "full"] {
        check_converted(folder, &format!("preallocation={kind}"), false);
    }
}

/// Writes, zeroes and discards of all sorts, some across clusters.
const WRITES: [&str; 8] = [
    "write -P 0x5a 100k 300k",
    "write -P 0x5b 1000000 1000",
    "write -z 200k 70k",
    "write -z -u 512k 128k",
    "discard 640k 128k",
    "write -c -P 0x5c 1M 64k",
    "write -P 0 1500k 10k",
    "write -P 0x5d 2900k 64k",
];

fn write_with_qemu(folder: &Path, image: &str) {
    for command in WRITES {
        run(folder, "qemu-io", &["-f", "qcow2", "-c", command, image]);
    }
}

#[test]
fn chains_are_read_as_qemu_does() {
    if !has_qemu("chains_are_read_as_qemu_does") {
        return;
    }
    for options in [
        "cluster_size=64k",
        "cluster_size=512",
        "cluster_size=64k,extended_l2=on",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write_source(folder);
        let create = |file: &str, base: &str, format: &str| {
            let args = [
                "create", "-f", "qcow2", "-o", options, "-b", base, "-F", format, file,
            ];
            run(folder, "qemu-img", &args);
        };
        create("middle.qcow2", "source.raw", "raw");
        write_with_qemu(folder, "middle.qcow2");
        create("top.qcow2", "middle.qcow2", "qcow2");
        check(folder, "top.qcow2", 3);
        run(
            folder,
            "qemu-io",
            &[
                "-c",
                "write -P 0x77 150k 3k",
                "-c",
                "write -z 0 9k",
                "top.qcow2",
            ],
        );
        check(folder, "top.qcow2", 3);
        check(folder, "middle.qcow2", 2);
    }
}

#[test]
fn a_base_may_be_shorter_or_longer() {
    if !has_qemu("a_base_may_be_shorter_or_longer") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_source(folder);
    for size in ["5M", "1M", "70000"] {
        let args = [
            "create",
            "-f",
            "qcow2",
            "-b",
            "source.raw",
            "-F",
            "raw",
            "top.qcow2",
            size,
        ];
        run(folder, "qemu-img", &args);
        check(folder, "top.qcow2", 2);
    }
}

/// An image without a base, with snapshots inside: those are not looked at.
#[test]
fn an_image_that_was_written_to_is_read_as_qemu_does() {
    if !has_qemu("an_image_that_was_written_to_is_read_as_qemu_does") {
        return;
    }
    for options in [
        "compat=1.1",
        "compat=1.1,extended_l2=on",
        "lazy_refcounts=on",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        run(
            folder,
            "qemu-img",
            &["create", "-f", "qcow2", "-o", options, "image.qcow2", "40M"],
        );
        write_with_qemu(folder, "image.qcow2");
        run(
            folder,
            "qemu-img",
            &["snapshot", "-c", "one", "image.qcow2"],
        );
        let again = [
            "-c",
            "write -P 0x12 39M 1M",
            "-c",
            "write -P 0x13 90k 70k",
            "image.qcow2",
        ];
        run(folder, "qemu-io", &again);
        check(folder, "image.qcow2", 1);
    }
}
