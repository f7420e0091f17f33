//! VHD images that we lay out are read alike by us and by QEMU.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use detente_block::{ClosedGate, MemoryBackend};
use detente_disk::{Details, Format, LayoutError, Target, VhdKind, VhdSizeRule, VhdSpec, check_as};
use support::engine::{NewImage, mixed_disk, stamp, write_image};
use support::{check_content, has_qemu, run};

const MIB: usize = 1 << 20;

fn target(kind: VhdKind) -> Target {
    Target::Vhd(VhdSpec { kind })
}

/// The content, rounded up to whole sectors.
fn whole_sectors(mut content: Vec<u8>) -> Vec<u8> {
    content.resize(content.len().next_multiple_of(512), 0);
    content
}

#[test]
fn a_new_image_holds_the_content_and_breaks_no_rule() {
    for kind in [VhdKind::Fixed, VhdKind::Dynamic] {
        for (size, seed) in [
            (11 * MIB, 1),
            (7 * MIB + 512, 2),
            (5_000_001, 3),
            (512, 4),
            (0, 5),
        ] {
            let content = mixed_disk(size, seed);
            let image = write_image(&target(kind), &content);
            let what = format!("{kind:?} of {size}");
            let report = check_as(&MemoryBackend::new(image.clone()), Format::Vhd).unwrap();
            assert!(
                report.findings.is_empty() && report.complete,
                "{what}: {report:?}"
            );
            assert_eq!(report.image_end, image.len() as u64, "{what}");
            let opened = detente_disk::open(
                Path::new("image"),
                Arc::new(MemoryBackend::new(image)),
                &ClosedGate,
            )
            .unwrap();
            check_content(&*opened.reader, &whole_sectors(content.0), &what);
        }
    }
}

#[test]
fn the_current_size_counts_and_is_stamped() {
    let image = write_image(&target(VhdKind::Dynamic), &mixed_disk(5 * MIB, 1));
    let file = Arc::new(MemoryBackend::new(image));
    let opened = detente_disk::open(Path::new("image"), file, &ClosedGate).unwrap();
    let Details::Vhd(details) = &opened.layers[0].details else {
        panic!("{:?}", opened.layers[0]);
    };
    assert_eq!(details.size_rule, VhdSizeRule::CurrentSize);
    assert_eq!(&details.creator_application, b"win ");
    assert_eq!(details.current_size, 5 << 20);
    // 2023-11-14T22:13:20Z.
    assert_eq!(
        u64::from(details.timestamp) + 946_684_800,
        stamp().unix_seconds
    );
    let mut id = [0x11; 16];
    (id[6], id[8]) = (0x41, 0x91);
    assert_eq!(details.unique_id, id);
}

#[test]
fn the_data_of_each_block_starts_where_file_systems_share() {
    let mut image = NewImage::new(&target(VhdKind::Dynamic), 1 << 40);
    let mut ends = Vec::new();
    for block in [0, 1, 5, 500_000] {
        let placed = image.layout.place(block << 21, 2 << 20).unwrap();
        assert_eq!(placed.offset % 4096, 0);
        assert_eq!(placed.len, 2 << 20);
        ends.push(placed.offset);
        let again = image.layout.place((block << 21) + 4096, 4 << 20).unwrap();
        assert_eq!(
            (again.offset, again.len),
            (placed.offset + 4096, (2 << 20) - 4096)
        );
    }
    assert!(ends.is_sorted());
    let bitmaps = image.layout.take_patches();
    assert_eq!(bitmaps.len(), 4);
    for (bitmap, data) in bitmaps.iter().zip(&ends) {
        assert_eq!(bitmap.offset + 512, *data);
        assert_eq!(bitmap.bytes, [0xff; 512]);
    }
    let finish = image.layout.finish().unwrap();
    let table: usize = finish.patches.iter().map(|patch| patch.bytes.len()).sum();
    assert_eq!(table, (1 << 40 >> 21) * 4 + 512 + 512 + 1024);
    assert!(
        finish
            .patches
            .iter()
            .all(|patch| patch.bytes.len() <= 64 << 10)
    );
}

#[test]
fn more_than_2040_gib_are_refused() {
    let most = 2040_u64 << 30;
    for kind in [VhdKind::Fixed, VhdKind::Dynamic] {
        assert!(target(kind).layout(most, &stamp()).is_ok());
        for size in [most + 1, u64::MAX] {
            let refused = target(kind).layout(size, &stamp()).err();
            assert!(
                matches!(refused, Some(LayoutError::TooLarge { .. })),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn qemu_reads_the_same_of_a_new_vhd() {
    if !has_qemu("qemu_reads_the_same_of_a_new_vhd") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for kind in [VhdKind::Fixed, VhdKind::Dynamic] {
        for (size, seed) in [(11 * MIB, 1), (7 * MIB + 512, 2), (512, 3)] {
            let content = mixed_disk(size, seed);
            fs::write(path.join("new.vhd"), write_image(&target(kind), &content)).unwrap();
            fs::write(path.join("content.raw"), &content.0).unwrap();
            let args = [
                "compare",
                "-f",
                "vpc",
                "-F",
                "raw",
                "new.vhd",
                "content.raw",
            ];
            // It says more where the sizes differ.
            assert_eq!(run(path, "qemu-img", &args).trim(), "Images are identical.");
            // QEMU can go on writing where we stopped.
            let write = ["-f", "vpc", "-c", "write -P 7 0 512", "new.vhd"];
            run(path, "qemu-io", &write);
            let written = support::read_all(&*support::open(&path.join("new.vhd")).unwrap().reader);
            assert_eq!(written[..512], [7; 512]);
            assert!(written[512..] == content.0[512..], "{kind:?} of {size}");
        }
    }
}

/// Whatever is written in rising order, in pieces of any size, is what is read.
#[test]
fn random_writes_are_those_of_a_byte_array() {
    for seed in 1..=8_u64 {
        let mut state = seed;
        let mut below = |end: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % end
        };
        let size = (20 + below(20)) * MIB + below(4096) * 512;
        let mut model = vec![0; size];
        let mut layout = target(VhdKind::Dynamic)
            .layout(size as u64, &stamp())
            .unwrap();
        let (mut writes, mut offset) = (Vec::new(), below(MIB));
        while offset < size {
            let len = (1 + below(3 * MIB)).min(size - offset);
            model[offset..][..len].fill(1 + u8::try_from(below(255)).unwrap());
            let mut done = 0;
            while done < len {
                let (from, rest) = (offset + done, len - done);
                let placed = layout.place(from as u64, rest as u64).unwrap();
                let part = usize::try_from(placed.len).unwrap();
                writes.push((placed.offset, model[from..][..part].to_vec()));
                done += part;
            }
            let patches = layout.take_patches();
            writes.extend(patches.into_iter().map(|patch| (patch.offset, patch.bytes)));
            offset += len + below(6 * MIB);
        }
        let finish = layout.finish().unwrap();
        let mut image = vec![0; usize::try_from(finish.file_len).unwrap()];
        writes.extend(
            finish
                .patches
                .into_iter()
                .map(|patch| (patch.offset, patch.bytes)),
        );
        for (at, bytes) in writes {
            image[usize::try_from(at).unwrap()..][..bytes.len()].copy_from_slice(&bytes);
        }
        let file = Arc::new(MemoryBackend::new(image));
        let opened = detente_disk::open(Path::new("image"), file, &ClosedGate).unwrap();
        check_content(&*opened.reader, &model, &format!("seed {seed}"));
    }
}
