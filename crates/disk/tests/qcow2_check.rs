//! `check` of qcow2 images: one field spoiled for each rule, and QEMU's verdict beside ours.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use detente_block::{FileBackend, MemoryBackend};
use detente_disk::{CheckReport, Compression, Qcow2Spec, Severity, Target, check};
use support::engine::{NewImage, mixed_disk, write_image};
use support::{has_qemu, put, run};

const CLUSTER: usize = 512;

/// An image with clusters of 512 bytes: data, a compressed one, data.
fn image() -> Vec<u8> {
    let spec = Qcow2Spec {
        cluster_bits: 9,
        compression: Some(Compression::Zlib),
        ..Qcow2Spec::default()
    };
    let mut image = NewImage::new(&Target::Qcow2(spec), 100 * 512);
    let noise: Vec<u8> = (0..3 * CLUSTER)
        .map(|n| ((n * n / 7 + n * 31) >> 2).to_le_bytes()[0])
        .collect();
    image.write(0, &noise[..CLUSTER]);
    image.write(512, &[0x22; CLUSTER]);
    image.write(5 * 512, &noise[CLUSTER..]);
    image.finish()
}

fn word(image: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(*image[at..].first_chunk().unwrap())
}

/// Where things are in [`image`], as its own fields say.
struct At {
    l1: usize,
    l2: usize,
    refcount_table: usize,
    block: usize,
}

fn at(image: &[u8]) -> At {
    let offset = |at| usize::try_from(word(image, at) & 0x00ff_ffff_ffff_fe00).unwrap();
    let (l1, refcount_table) = (offset(40), offset(48));
    At {
        l1,
        l2: offset(l1),
        refcount_table,
        block: offset(refcount_table),
    }
}

fn report(image: &[u8]) -> CheckReport {
    check(&MemoryBackend::new(image.to_vec())).unwrap()
}

/// The image with `field` at `at` breaks `rule` at `offset`.
fn spoiled(at: usize, field: &[u8], rule: &str, offset: usize) {
    let mut image = image();
    put(&mut image, at, field);
    breaks(&image, rule, offset);
}

fn breaks(image: &[u8], rule: &str, offset: usize) {
    let report = report(image);
    let found = report
        .findings
        .iter()
        .find(|found| found.rule == rule && found.offset == offset as u64);
    let found = found.unwrap_or_else(|| panic!("{rule} at {offset:#x} is not in {report:#?}"));
    assert!(found.section.starts_with("[qcow2] "), "{found:?}");
}

#[test]
fn a_sound_image_breaks_no_rule() {
    let image = image();
    let report = report(&image);
    assert!(report.findings.is_empty() && report.complete, "{report:#?}");
    assert_eq!((report.units, report.allocated_units), (100, 4));
    assert_eq!(report.image_end, image.len() as u64);
}

#[test]
fn a_broken_header_ends_the_check() {
    let mut image = image();
    put(&mut image, 20, &8_u32.to_be_bytes());
    breaks(&image, "qcow2.header", 20);
    assert!(!report(&image).complete);
}

#[test]
fn rules_of_the_header() {
    spoiled(100, &108_u32.to_be_bytes(), "qcow2.header.length", 100);
    spoiled(88, &2_u64.to_be_bytes(), "qcow2.header.raw-data-file", 88);
    spoiled(88, &1_u64.to_be_bytes(), "qcow2.header.bitmaps", 88);
    spoiled(32, &2_u32.to_be_bytes(), "qcow2.header.encryption", 32);
    spoiled(72, &1_u64.to_be_bytes(), "qcow2.header.dirty", 72);
    spoiled(72, &2_u64.to_be_bytes(), "qcow2.header.corrupt", 72);
}

#[test]
fn rules_of_the_refcount_table() {
    let At {
        refcount_table,
        block,
        ..
    } = at(&image());
    let rule = "qcow2.refcount-table.alignment";
    spoiled(48, &0_u64.to_be_bytes(), rule, 48);
    spoiled(48, &0x201_u64.to_be_bytes(), rule, 48);
    spoiled(56, &0_u32.to_be_bytes(), "qcow2.refcount-table.size", 56);
    spoiled(56, &u32::MAX.to_be_bytes(), "qcow2.refcount-table.size", 56);
    spoiled(48, &0x100_0000_u64.to_be_bytes(), "qcow2.past-end", 48);
    let entry = (block as u64 | 1).to_be_bytes();
    spoiled(
        refcount_table,
        &entry,
        "qcow2.refcount-table.reserved",
        refcount_table,
    );
    let entry = 0x100_0000_u64.to_be_bytes();
    spoiled(refcount_table, &entry, "qcow2.past-end", refcount_table);
    spoiled(
        refcount_table + 8,
        &(block as u64).to_be_bytes(),
        "qcow2.overlap",
        refcount_table + 8,
    );
    // Clusters of 512 bytes are always aligned.
    let spec = Qcow2Spec {
        cluster_bits: 12,
        ..Qcow2Spec::default()
    };
    let mut large = write_image(&Target::Qcow2(spec), &mixed_disk(100_000, 1));
    let table = at(&large).refcount_table;
    put(&mut large, table, &0x1200_u64.to_be_bytes());
    breaks(&large, "qcow2.refcount-block.alignment", table);
}

#[test]
fn rules_of_refcounts() {
    let block = at(&image()).block;
    // The header's.
    spoiled(block, &[0, 0], "qcow2.refcount.too-low", 0);
    spoiled(block, &[0, 2], "qcow2.refcount.too-high", 0);
    let mut leaky = image();
    let end = leaky.len();
    leaky.resize(end + CLUSTER, 0);
    put(&mut leaky, block + end / CLUSTER * 2, &[0, 1]);
    breaks(&leaky, "qcow2.refcount.too-high", end);
    let leaky = report(&leaky);
    assert_eq!((leaky.leaks, leaky.corruptions), (1, 0));
    assert_eq!(leaky.findings[0].severity, Severity::Leak);
}

#[test]
fn rules_of_the_l1_table() {
    let At { l1, l2, .. } = at(&image());
    spoiled(40, &0_u64.to_be_bytes(), "qcow2.l1-table.alignment", 40);
    spoiled(40, &0x201_u64.to_be_bytes(), "qcow2.l1-table.alignment", 40);
    spoiled(40, &0x100_0000_u64.to_be_bytes(), "qcow2.past-end", 40);
    let table = l2 as u64 | 1 << 63;
    spoiled(
        l1,
        &(table | 1 << 60).to_be_bytes(),
        "qcow2.l1.reserved",
        l1,
    );
    spoiled(l1, &(l2 as u64).to_be_bytes(), "qcow2.copied-flag", l1);
    spoiled(l1, &0x100_0000_u64.to_be_bytes(), "qcow2.past-end", l1);
    // The L1 table is its own L2 table; two entries share a table.
    spoiled(
        l1,
        &(l1 as u64 | 1 << 63).to_be_bytes(),
        "qcow2.overlap",
        l1,
    );
    spoiled(l1 + 8, &table.to_be_bytes(), "qcow2.overlap", l1 + 8);
    let spec = Qcow2Spec {
        cluster_bits: 12,
        ..Qcow2Spec::default()
    };
    let mut large = write_image(&Target::Qcow2(spec), &mixed_disk(100_000, 1));
    let l1 = at(&large).l1;
    put(&mut large, l1, &(0x1200_u64 | 1 << 63).to_be_bytes());
    breaks(&large, "qcow2.l2-table.alignment", l1);
}

#[test]
fn rules_of_l2_entries() {
    let (image, At { l1, l2, .. }) = (image(), at(&image()));
    let data = word(&image, l2);
    spoiled(l2, &(data | 2).to_be_bytes(), "qcow2.l2.reserved", l2);
    spoiled(l2, &(data | 1 << 56).to_be_bytes(), "qcow2.l2.reserved", l2);
    spoiled(
        l2,
        &(data & !(1 << 63)).to_be_bytes(),
        "qcow2.copied-flag",
        l2,
    );
    spoiled(
        l2,
        &(1_u64 << 63 | 0x100_0000).to_be_bytes(),
        "qcow2.past-end",
        l2,
    );
    for metadata in [l1, l2, at(&image).block, at(&image).refcount_table] {
        spoiled(
            l2,
            &(1 << 63 | metadata as u64).to_be_bytes(),
            "qcow2.overlap",
            l2,
        );
    }
    // Version 2 has no zero flag.
    let mut old = image.clone();
    put(&mut old, 4, &2_u32.to_be_bytes());
    put(&mut old, l2, &(data | 1).to_be_bytes());
    breaks(&old, "qcow2.l2.reserved", l2);
    let packed = word(&image, l2 + 8);
    assert!(packed & 1 << 62 != 0);
    spoiled(
        l2 + 8,
        &(packed | 1 << 63).to_be_bytes(),
        "qcow2.compressed.copied",
        l2 + 8,
    );
    spoiled(
        l2 + 8,
        &(1_u64 << 62 | 1 << 40).to_be_bytes(),
        "qcow2.compressed.past-end",
        l2 + 8,
    );
    let spec = Qcow2Spec {
        cluster_bits: 12,
        ..Qcow2Spec::default()
    };
    let mut large = write_image(&Target::Qcow2(spec), &mixed_disk(1_000_000, 1));
    let l2 = at(&large).l2;
    put(&mut large, l2, &(0x1200_u64 | 1 << 63).to_be_bytes());
    breaks(&large, "qcow2.l2.alignment", l2);
}

/// \[qcow2\] incompatible feature bit 2: guest clusters lie in another file, at their own offsets.
#[test]
fn rules_of_an_external_data_file() {
    let mut image = image();
    let l2 = at(&image).l2;
    let features = word(&image, 72) | 1 << 2;
    put(&mut image, 72, &features.to_be_bytes());
    assert!(word(&image, l2) & 0x00ff_ffff_ffff_fe00 != 0);
    breaks(&image, "qcow2.l2.data-file-offset", l2);
    breaks(&image, "qcow2.compressed.data-file", l2 + 8);
}

#[test]
fn rules_of_subclusters() {
    let spec = Qcow2Spec {
        cluster_bits: 14,
        extended_l2: true,
        compression: Some(Compression::Zlib),
        ..Qcow2Spec::default()
    };
    let mut content = mixed_disk(40 * 16_384, 5);
    content.0[..16_384].fill(0x61);
    let image = write_image(&Target::Qcow2(spec), &content);
    assert!(report(&image).findings.is_empty(), "{:#?}", report(&image));
    let l2 = at(&image).l2;
    let with = |descriptor: u64, bitmap: u64, rule: &str| {
        let mut image = image.clone();
        put(&mut image, l2, &descriptor.to_be_bytes());
        put(&mut image, l2 + 8, &bitmap.to_be_bytes());
        breaks(&image, rule, l2);
    };
    let packed = word(&image, l2);
    assert!(packed & 1 << 62 != 0);
    with(packed, 1, "qcow2.compressed.bitmap");
    with(0, 1, "qcow2.subcluster.nowhere");
    with(0, 1 | 1 << 32, "qcow2.subcluster.both");
    with(1, 0, "qcow2.l2.reserved");
}

#[test]
fn rules_of_snapshots_and_bitmaps() {
    spoiled(60, &1_u32.to_be_bytes(), "qcow2.snapshots", 64);
    let mut image = image();
    put(&mut image, 60, &1_u32.to_be_bytes());
    let table = image.len();
    put(&mut image, 64, &(table as u64).to_be_bytes());
    image.resize(table + 1024, 0);
    put(&mut image, table, &0x201_u64.to_be_bytes());
    put(&mut image, table + 8, &2_u32.to_be_bytes());
    breaks(&image, "qcow2.l1-table.alignment", table);
    put(&mut image, table, &0x100_0000_u64.to_be_bytes());
    breaks(&image, "qcow2.past-end", table);
    put(&mut image, table + 8, &1_u32.to_be_bytes());
    breaks(&image, "qcow2.snapshots.l1", table + 8);
    // One entry more than fit into 32 MiB.
    put(&mut image, table + 8, &0x0040_0001_u32.to_be_bytes());
    breaks(&image, "qcow2.l1-table.size", table);

    let mut image = self::image();
    let directory = image.len();
    image.resize(directory + 1024, 0);
    put(&mut image, 88, &1_u64.to_be_bytes());
    put(&mut image, 112, &0x2385_2875_u32.to_be_bytes());
    put(&mut image, 116, &24_u32.to_be_bytes());
    put(&mut image, 120, &1_u32.to_be_bytes());
    put(&mut image, 128, &32_u64.to_be_bytes());
    put(&mut image, 136, &(directory as u64).to_be_bytes());
    put(
        &mut image,
        directory,
        &(directory as u64 + 512).to_be_bytes(),
    );
    put(&mut image, directory + 8, &2_u32.to_be_bytes());
    put(&mut image, directory + 16, &[1, 16, 0, 1, 0, 0, 0, 0, b'b']);
    assert!(
        report(&image)
            .findings
            .iter()
            .all(|found| found.rule == "qcow2.refcount.too-low")
    );
    let spoil = |at: usize, field: &[u8], rule: &str, offset: usize| {
        let mut image = image.clone();
        put(&mut image, at, field);
        breaks(&image, rule, offset);
    };
    spoil(136, &0x201_u64.to_be_bytes(), "qcow2.bitmaps", 136);
    spoil(88, &[0; 8], "qcow2.bitmaps.inconsistent", 88);
    spoil(
        directory + 12,
        &[0, 0, 0, 8],
        "qcow2.bitmap.flags",
        directory,
    );
    spoil(directory + 16, &[2], "qcow2.bitmap.type", directory);
    spoil(directory + 17, &[64], "qcow2.bitmap.type", directory);
    spoil(
        directory,
        &[0; 8],
        "qcow2.bitmap-table.alignment",
        directory,
    );
    let table = directory + 512;
    spoil(
        table,
        &2_u64.to_be_bytes(),
        "qcow2.bitmap-table.reserved",
        table,
    );
    spoil(
        table,
        &0x201_u64.to_be_bytes(),
        "qcow2.bitmap-table.reserved",
        table,
    );
    spoil(table, &0x200_u64.to_be_bytes(), "qcow2.overlap", table);
}

/// QEMU's numbers: corruptions, leaks, allocated clusters, the image's end.
fn qemu_check(folder: &Path, image: &str) -> [u64; 4] {
    let output = Command::new("qemu-img")
        .args(["check", "--output=json", image])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .collect::<String>();
    let number = |name: &str| {
        let rest = text.split(&format!("\"{name}\":")).nth(1)?;
        rest.split([',', '}']).next()?.parse::<u64>().ok()
    };
    [
        "corruptions",
        "leaks",
        "allocated-clusters",
        "image-end-offset",
    ]
    .map(|name| number(name).unwrap_or(0))
}

/// We say the same as QEMU.
fn agrees(folder: &Path, image: &str, what: &str) -> CheckReport {
    let file = FileBackend::open(&folder.join(image)).unwrap();
    let report = check(&file).unwrap();
    let ours = [
        report.corruptions,
        report.leaks,
        report.allocated_units,
        report.image_end,
    ];
    assert_eq!(ours, qemu_check(folder, image), "{what}: {report:#?}");
    assert!(report.complete, "{what}");
    report
}

#[test]
fn images_that_qemu_wrote_are_sound() {
    if !has_qemu("images_that_qemu_wrote_are_sound") {
        return;
    }
    for options in [
        "compat=0.10",
        "refcount_bits=1",
        "refcount_bits=64,cluster_size=4k",
        "cluster_size=512",
        "cluster_size=2M",
        "extended_l2=on,cluster_size=16k",
        "lazy_refcounts=on",
        "data_file=data.raw",
        "preallocation=metadata",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        run(
            folder,
            "qemu-img",
            &["create", "-f", "qcow2", "-o", options, "image.qcow2", "20M"],
        );
        let io = |command| run(folder, "qemu-io", &["-c", command, "image.qcow2"]);
        io("write -P 1 0 3M");
        io("write -z 1M 600k");
        io("discard 2M 100k");
        if !options.contains("data_file") {
            // One bit cannot count what is shared, nor is anything compressed over what is there.
            if !options.contains("refcount_bits=1") && !options.contains("preallocation") {
                io("write -c -P 7 8M 2M");
            }
            agrees(folder, "image.qcow2", options);
            if !options.contains("refcount_bits=1") {
                run(
                    folder,
                    "qemu-img",
                    &["snapshot", "-c", "one", "image.qcow2"],
                );
                io("write -P 9 512k 1M");
                agrees(folder, "image.qcow2", options);
            }
        }
        if !options.contains("0.10") {
            run(folder, "qemu-img", &["bitmap", "--add", "image.qcow2", "b"]);
            io("write -P 3 100k 300k");
        }
        let report = agrees(folder, "image.qcow2", options);
        assert!(report.findings.is_empty(), "{options}: {report:#?}");
    }
}

/// Refcounts that lie: as many leaks and corruptions as QEMU counts.
#[test]
fn lies_are_counted_as_qemu_does() {
    if !has_qemu("lies_are_counted_as_qemu_does") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for cluster_bits in [9, 12, 16] {
        let spec = Qcow2Spec {
            cluster_bits,
            ..Qcow2Spec::default()
        };
        let sound = write_image(&Target::Qcow2(spec), &mixed_disk(400_000, 9));
        let At { l2, block, .. } = at(&sound);
        let clusters = sound.len() >> cluster_bits;
        for lie in 0..12 {
            let mut image = sound.clone();
            let cluster = (5 + lie * 7) % clusters.min(1 << (cluster_bits - 1));
            match lie % 4 {
                0 => put(&mut image, block + cluster * 2, &[0, 0]),
                1 => put(&mut image, block + cluster * 2, &[0, 3]),
                2 => put(&mut image, l2 + lie * 8, &[0; 8]),
                _ => put(&mut image, l2 + lie % 8 * 8 + 7, &[0x08]),
            }
            fs::write(folder.path().join("image.qcow2"), &image).unwrap();
            agrees(
                folder.path(),
                "image.qcow2",
                &format!("lie {lie}, {cluster_bits} bits"),
            );
        }
    }
}

/// A sparse file of 3 TiB: more than one window.
#[test]
fn a_large_file_is_looked_at_in_windows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.qcow2");
    let size: u64 = 3 << 40;
    let spec = Qcow2Spec {
        cluster_bits: 21,
        ..Qcow2Spec::default()
    };
    let mut layout = Target::Qcow2(spec)
        .layout(size, &support::engine::stamp())
        .unwrap();
    let file = fs::File::create_new(&path).unwrap();
    let write = |patches: Vec<detente_disk::Patch>| {
        for patch in patches {
            std::os::unix::fs::FileExt::write_all_at(&file, &patch.bytes, patch.offset).unwrap();
        }
    };
    let mut offset = 0;
    while offset < size {
        offset += layout.place(offset, size - offset).unwrap().len;
        write(layout.take_patches());
    }
    let finish = layout.finish().unwrap();
    write(finish.patches);
    file.set_len(finish.file_len).unwrap();
    let report = check(&FileBackend::open(&path).unwrap()).unwrap();
    assert!(report.findings.is_empty() && report.complete, "{report:#?}");
    assert_eq!(report.allocated_units, size >> 21);
    assert_eq!(report.image_end, finish.file_len);
}
