//! New qcow2 images: QEMU finds nothing wrong with them and reads what was put in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use detente_block::{DirectoryGate, ExtentKind, MemoryBackend};
use detente_disk::{
    Compression, Format, Layout, LayoutError, Patch, Qcow2Backing, Qcow2Spec, Qcow2Version, Target,
};
use support::engine::{NewImage, SparseDisk, mixed_disk, stamp, write_image};
use support::{check_content, has_qemu, run};

const MIB: usize = 1 << 20;

/// All sorts of options.
fn specs() -> Vec<Qcow2Spec> {
    let mut specs = Vec::new();
    for cluster_bits in [9, 12, 14, 16, 21] {
        for version in [Qcow2Version::V2, Qcow2Version::V3] {
            for compression in [None, Some(Compression::Zlib), Some(Compression::Zstd)] {
                for extended_l2 in [false, true] {
                    specs.push(Qcow2Spec {
                        version,
                        cluster_bits,
                        compression,
                        extended_l2,
                        backing: None,
                    });
                }
            }
        }
    }
    specs.retain(|spec| {
        let new = spec.extended_l2 || spec.compression == Some(Compression::Zstd);
        let fits = !spec.extended_l2 || spec.cluster_bits >= 14;
        fits && !(new && spec.version == Qcow2Version::V2)
    });
    specs
}

/// Our reader finds `content` in `image`, and QEMU finds it too and nothing wrong.
fn check(folder: &Path, image: &[u8], content: &[u8], what: &str) {
    fs::write(folder.join("image.qcow2"), image).unwrap();
    let opened = support::open(&folder.join("image.qcow2")).unwrap();
    let mut whole = content.to_vec();
    whole.resize(content.len().next_multiple_of(512), 0);
    check_content(&*opened.reader, &whole, what);
    let report = run(folder, "qemu-img", &["check", "image.qcow2"]);
    assert!(report.contains("No errors were found"), "{what}: {report}");
    fs::write(folder.join("content.raw"), content).unwrap();
    let compare = [
        "compare",
        "-f",
        "raw",
        "-F",
        "qcow2",
        "content.raw",
        "image.qcow2",
    ];
    let same = run(folder, "qemu-img", &compare);
    assert!(same.contains("Images are identical"), "{what}: {same}");
}

#[test]
fn every_kind_of_image_is_sound_and_holds_the_content() {
    if !has_qemu("every_kind_of_image_is_sound_and_holds_the_content") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (seed, spec) in specs().into_iter().enumerate() {
        let content = mixed_disk(3 * MIB + 100_000, seed as u64);
        let what = format!("{spec:?}");
        let image = write_image(&Target::Qcow2(spec), &content);
        check(folder.path(), &image, &content.0, &what);
    }
}

#[test]
fn empty_and_tiny_disks_are_sound() {
    if !has_qemu("empty_and_tiny_disks_are_sound") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for size in [0, 1, 512, 70_000] {
        for spec in specs().into_iter().step_by(4) {
            let content = SparseDisk(vec![0x5a; size]);
            let what = format!("{size} bytes, {spec:?}");
            let image = write_image(&Target::Qcow2(spec), &content);
            check(folder.path(), &image, &content.0, &what);
        }
    }
}

/// On a base that is nowhere zero, zeroes have to be said.
#[test]
fn zeroes_hide_the_base() {
    if !has_qemu("zeroes_hide_the_base") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let base = vec![0xbb; 2 * MIB];
    fs::write(folder.path().join("base.raw"), &base).unwrap();
    for mut spec in specs() {
        spec.backing = Some(Qcow2Backing {
            path: "base.raw".to_owned(),
            format: Format::Raw,
        });
        let what = format!("{spec:?}");
        let content = mixed_disk(3 * MIB + 100_000, 77);
        let image = write_image(&Target::Qcow2(spec), &content);
        check(folder.path(), &image, &content.0, &what);
    }
}

#[test]
fn what_is_not_said_to_be_zero_is_the_base() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("base.raw"), vec![0xbb; MIB]).unwrap();
    let spec = Qcow2Spec {
        backing: Some(Qcow2Backing {
            path: "base.raw".to_owned(),
            format: Format::Raw,
        }),
        ..Qcow2Spec::default()
    };
    let mut image = NewImage::new(&Target::Qcow2(spec), MIB as u64);
    image.layout.zero(65_536, 10).unwrap();
    image.write(3 * 65_536, &[0x11; 65_536]);
    let mut content = vec![0xbb; MIB];
    content[65_536..2 * 65_536].fill(0);
    content[3 * 65_536..4 * 65_536].fill(0x11);
    let path = folder.path().join("top.qcow2");
    let file = Arc::new(MemoryBackend::new(image.finish()));
    let opened = detente_disk::open(&path, file, &DirectoryGate::beside(&path)).unwrap();
    check_content(&*opened.reader, &content, "overlay");
}

fn layout(spec: &Qcow2Spec, size: u64) -> Result<Box<dyn Layout>, LayoutError> {
    Target::Qcow2(spec.clone()).layout(size, &stamp())
}

/// A cluster may be asked for in pieces, and data may follow zeroes in the same cluster.
#[test]
fn pieces_of_a_cluster_lie_together() {
    let mut layout = layout(&Qcow2Spec::default(), MIB as u64).unwrap();
    let first = layout.place(0, 1000).unwrap();
    assert_eq!(first.len, 1000);
    let second = layout.place(1000, 100_000).unwrap();
    assert_eq!(second.offset, first.offset + 1000);
    assert_eq!(second.len, 65_536 - 1000);
    let third = layout.place(65_536, 100_000 - 64_536).unwrap();
    assert_eq!(third.offset, first.offset + 65_536);
}

fn write_patches(file: &fs::File, patches: Vec<Patch>) -> usize {
    let total = patches.iter().map(|patch| patch.bytes.len()).sum();
    for patch in patches {
        file.write_all_at(&patch.bytes, patch.offset).unwrap();
    }
    total
}

/// Runs go over many L2 tables, and what is held meanwhile is small.
#[test]
fn a_large_disk_is_placed_in_long_runs() {
    let size: u64 = 100 << 30;
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create_new(folder.path().join("image.qcow2")).unwrap();
    let mut layout = layout(&Qcow2Spec::default(), size).unwrap();
    let (mut offset, mut runs) = (0, 0);
    while offset < size {
        let placed = layout.place(offset, size - offset).unwrap();
        assert!(placed.offset % 65_536 == 0);
        offset += placed.len;
        runs += 1;
        assert!(write_patches(&file, layout.take_patches()) <= 4 << 20);
    }
    // 16 tables of 512 MiB at a time.
    assert_eq!(runs, 13);
    let finish = layout.finish().unwrap();
    file.set_len(finish.file_len).unwrap();
    assert!(write_patches(&file, finish.patches) <= 4 << 20);
    // Tables of 13 MiB and data, no gaps.
    assert!(finish.file_len - size < 16 << 20);
    if has_qemu("a_large_disk_is_placed_in_long_runs") {
        let report = run(folder.path(), "qemu-img", &["check", "image.qcow2"]);
        assert!(report.contains("No errors were found"), "{report}");
    }
}

/// One cluster of each L2 table of a disk of 64 TiB.
#[test]
fn the_tables_of_64_tib_are_not_held() {
    let table: u64 = 512 << 20;
    let size: u64 = 64 << 40;
    let mut layout = layout(&Qcow2Spec::default(), size).unwrap();
    for index in 0..size / table {
        layout.place(index * table + 4096, 1).unwrap();
        let held: usize = layout
            .take_patches()
            .iter()
            .map(|patch| patch.bytes.len())
            .sum();
        assert!(held <= 256 << 10, "{held}");
    }
    let finish = layout.finish().unwrap();
    let held: usize = finish.patches.iter().map(|patch| patch.bytes.len()).sum();
    assert!(held <= 256 << 10, "{held}");
    assert_eq!(finish.patches.last().unwrap().offset, 0);
}

/// Random writes, in the order of the guest's view, equal a byte array.
#[test]
fn random_writes_equal_a_byte_array() {
    for (seed, mut spec) in specs().into_iter().enumerate() {
        // Large clusters only take longer.
        spec.cluster_bits = spec.cluster_bits.min(16);
        let cluster = 1_usize << spec.cluster_bits;
        let size = 40 * cluster;
        let source = mixed_disk(size * 3, 1000 + seed as u64).0;
        let mut content = vec![0; size];
        let mut image = NewImage::new(&Target::Qcow2(spec.clone()), size as u64);
        let mut at = 0;
        while at < 40 {
            // Numbers from the source itself: which clusters, and what they hold.
            let dice = usize::from(source[at * 997 % source.len()]) + at * seed;
            let count = (1 + dice % 5).min(40 - at);
            let range = at * cluster..(at + count) * cluster;
            if dice % 3 > 0 {
                content[range.clone()].copy_from_slice(&source[range.start * 2..][..range.len()]);
                image.write(range.start as u64, &content[range]);
            }
            at += count;
        }
        let file = Arc::new(MemoryBackend::new(image.finish()));
        let report = detente_disk::check(&*file).unwrap();
        assert!(report.findings.is_empty(), "{spec:?}: {report:#?}");
        let gate = &detente_block::ClosedGate;
        let opened = detente_disk::open(Path::new("image"), file, gate).unwrap();
        check_content(&*opened.reader, &content, &format!("{spec:?}"));
    }
}

/// Compressed clusters stand one after the other, those that do not become smaller are aligned.
#[test]
fn compressed_clusters_are_packed() {
    let spec = Qcow2Spec {
        compression: Some(Compression::Zlib),
        ..Qcow2Spec::default()
    };
    let mut layout = layout(&spec, 8 * 65_536).unwrap();
    let first = layout.place_compressed(0, 1000).unwrap().offset;
    assert_eq!(
        layout.place_compressed(65_536, 60_000).unwrap().offset,
        first + 1000
    );
    let plain = layout.place(2 * 65_536, 65_536).unwrap().offset;
    assert_eq!(plain % 65_536, 0);
    // The rest of the first cluster is still used, if what comes fits.
    assert_eq!(
        layout.place_compressed(3 * 65_536, 4000).unwrap().offset,
        first + 61_000
    );
    let next = layout.place_compressed(4 * 65_536, 65_000).unwrap().offset;
    assert_eq!(next, plain + 65_536);
    // It goes over the cluster's end, because the next one follows.
    assert_eq!(
        layout.place_compressed(5 * 65_536, 65_000).unwrap().offset,
        next + 65_000
    );
    for (offset, len) in [(6 * 65_536, 65_536), (6 * 65_536, 0), (6 * 65_536 + 1, 10)] {
        let refused = layout.place_compressed(offset, len);
        assert_eq!(refused, Err(LayoutError::NotCompressed { offset }));
    }
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let refused = |spec: Qcow2Spec, size| layout(&spec, size).err().unwrap().to_string();
    let spec = Qcow2Spec::default;
    for (cluster_bits, size) in [(16, 2048_u64 << 40), (9, 128 << 30), (21, 2048 << 50)] {
        let spec = Qcow2Spec {
            cluster_bits,
            ..spec()
        };
        layout(&spec, size).unwrap();
        assert!(refused(spec, size + 512).contains("more than 32 MiB"));
    }
    assert!(refused(spec(), u64::MAX).contains("64 bits"));
    for cluster_bits in [8, 22, u32::MAX] {
        let words = refused(
            Qcow2Spec {
                cluster_bits,
                ..spec()
            },
            512,
        );
        assert!(words.contains("cluster_bits"), "{words}");
    }
    let old = Qcow2Spec {
        version: Qcow2Version::V2,
        ..spec()
    };
    let zstd = Some(Compression::Zstd);
    assert!(
        refused(
            Qcow2Spec {
                compression: zstd,
                ..old.clone()
            },
            512
        )
        .contains("zstd")
    );
    assert!(
        refused(
            Qcow2Spec {
                extended_l2: true,
                ..old
            },
            512
        )
        .contains("extended_l2")
    );
    let small = Qcow2Spec {
        extended_l2: true,
        cluster_bits: 13,
        ..spec()
    };
    assert!(refused(small, 512).contains("14 to 21"));
    let name = |path: &str, cluster_bits| Qcow2Spec {
        cluster_bits,
        backing: Some(Qcow2Backing {
            path: path.to_owned(),
            format: Format::Raw,
        }),
        ..spec()
    };
    for path in ["", "nbd:host", "a\0b", &"x".repeat(1024)] {
        assert!(refused(name(path, 16), 512).contains("backing file's name"));
    }
    assert!(refused(name(&"x".repeat(400), 9), 512).contains("first cluster"));
}

/// Holes of the source stay holes.
#[test]
fn zeroes_take_no_room() {
    let mut content = SparseDisk(vec![0; 8 * MIB]);
    content.0[5 * MIB] = 1;
    let image = write_image(&Target::Qcow2(Qcow2Spec::default()), &content);
    // Header, refcount block, L1 table, L2 table, data, refcount table.
    assert_eq!(image.len(), 6 * 65_536);
    let file = Arc::new(MemoryBackend::new(image));
    let opened = detente_disk::open(Path::new("i"), file, &detente_block::ClosedGate).unwrap();
    let first = opened.reader.next_extent(0).unwrap();
    assert_eq!((first.kind, first.len), (ExtentKind::Zero, 5 << 20));
}
