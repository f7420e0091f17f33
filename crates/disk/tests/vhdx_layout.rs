//! New VHDX images: read back by us, by QEMU, and by `vhdx-core`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend};
use detente_disk::{
    Details, Guid, Layout, LayoutError, Target, VhdxAllocation, VhdxKind, VhdxParent, VhdxSpec,
};
use support::engine::{NewImage, SparseDisk, mixed_disk, stamp, write_image};
use support::{check_content, has_qemu, qemu_content, run};

const MIB: usize = 1 << 20;

fn spec(kind: VhdxKind, block_mib: u32, logical: u32) -> VhdxSpec {
    VhdxSpec {
        kind,
        block_bytes: block_mib << 20,
        logical_sector_bytes: logical,
        ..VhdxSpec::default()
    }
}

/// Opens bytes that rest on nothing.
fn open(image: Vec<u8>) -> Arc<dyn BlockRead> {
    let file = Arc::new(MemoryBackend::new(image));
    let opened = detente_disk::open(Path::new("new.vhdx"), file, &detente_block::ClosedGate);
    opened.unwrap().reader
}

/// Zeroes behind the content: the format rounds up to whole sectors.
fn padded(content: &[u8], sector: usize) -> Vec<u8> {
    let mut content = content.to_vec();
    content.resize(content.len().next_multiple_of(sector), 0);
    content
}

#[test]
fn what_is_written_is_read_back_by_us_and_by_qemu() {
    let test = "what_is_written_is_read_back_by_us_and_by_qemu";
    let has_qemu = has_qemu(test);
    let folder = tempfile::tempdir().unwrap();
    let mut seed = 1;
    for kind in [VhdxKind::Dynamic, VhdxKind::Fixed] {
        for (block_mib, logical) in [(1, 512), (2, 512), (8, 512), (1, 4096), (32, 512)] {
            let disk = mixed_disk(5 * MIB + 1536, seed);
            seed += 1;
            let what = format!("{kind:?} {block_mib} MiB, {logical}");
            let image = write_image(&Target::Vhdx(spec(kind.clone(), block_mib, logical)), &disk);
            let expect = padded(&disk.0, usize::try_from(logical).unwrap());
            check_content(&*open(image.clone()), &expect, &what);
            // QEMU reads sectors of 512 bytes only.
            if has_qemu && logical == 512 {
                fs::write(folder.path().join("new.vhdx"), image).unwrap();
                assert!(qemu_content(folder.path(), "new.vhdx") == expect, "{what}");
                run(folder.path(), "qemu-img", &["check", "new.vhdx"]);
            }
        }
    }
}

/// What the independent reader sees.
fn others_view(image: Vec<u8>, parent: Option<Vec<u8>>) -> Vec<u8> {
    let mut reader = match parent {
        None => vhdx::VhdxReader::from_bytes(image).unwrap(),
        Some(parent) => {
            let parent = vhdx::VhdxReader::from_bytes(parent).unwrap();
            vhdx::VhdxReader::from_bytes_with_parent(image, parent).unwrap()
        }
    };
    let mut content = vec![0xee; usize::try_from(reader.virtual_disk_size()).unwrap()];
    reader.read_exact(&mut content).unwrap();
    content
}

/// Parent and child in a folder; the child as our reader sees it.
fn open_pair(folder: &Path, parent: &[u8], child: &[u8]) -> Result<detente_disk::Image, String> {
    fs::write(folder.join("base.vhdx"), parent).unwrap();
    fs::write(folder.join("child.vhdx"), child).unwrap();
    support::open(&folder.join("child.vhdx")).map_err(|error| error.to_string())
}

fn is_sound(image: &[u8]) {
    let report = detente_disk::check(&MemoryBackend::new(image.to_vec())).unwrap();
    assert!(report.complete && report.corruptions == 0, "{report:?}");
    assert_eq!(report.image_end, image.len() as u64);
    let notes: Vec<_> = report.findings.iter().map(|found| &found.what).collect();
    assert!(notes.is_empty(), "{notes:?}");
}

/// A child of the parent that [`write_image`] makes: `stamp` says what its ids are.
fn child_of_stamp() -> VhdxKind {
    VhdxKind::Differencing(VhdxParent {
        data_write_guid: Guid::random(stamp().ids[1]).0,
        virtual_disk_id: Guid::random(stamp().ids[2]).0,
        relative_path: r".\base.vhdx".to_owned(),
        absolute_path: None,
    })
}

#[test]
fn another_reader_agrees() {
    for (block_mib, logical) in [(1, 512), (2, 4096)] {
        for kind in [VhdxKind::Dynamic, VhdxKind::Fixed] {
            let disk = mixed_disk(5 * MIB + 512, 77);
            let image = write_image(&Target::Vhdx(spec(kind, block_mib, logical)), &disk);
            is_sound(&image);
            let expect = padded(&disk.0, usize::try_from(logical).unwrap());
            assert!(others_view(image, None) == expect, "{block_mib} {logical}");
        }
    }
}

/// Random places and zeroes over a random parent, against an array of bytes.
#[test]
fn differencing_images_hold_what_was_written_over_the_parent() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..24_u64 {
        let logical = if seed % 3 == 0 { 4096 } else { 512 };
        let base = mixed_disk(9 * MIB, seed + 1000);
        let parent = write_image(&Target::Vhdx(spec(VhdxKind::Dynamic, 2, logical)), &base);
        let block_mib = 1 << (seed % 2);
        let mut model = base.0.clone();
        let target = Target::Vhdx(spec(child_of_stamp(), block_mib, logical));
        let mut new = NewImage::new(&target, model.len() as u64);
        scribble(&mut new, &mut model, u64::from(logical), seed);
        let child = new.finish();
        is_sound(&child);
        let opened = open_pair(folder.path(), &parent, &child).unwrap();
        assert_eq!(opened.layers.len(), 2);
        check_content(&*opened.reader, &model, &format!("seed {seed}"));
        assert!(others_view(child, Some(parent)) == model, "seed {seed}");
    }
}

/// Writes and zeroes some stretches of whole sectors, in order.
fn scribble(new: &mut NewImage, model: &mut [u8], sector: u64, seed: u64) {
    let mut state = seed.wrapping_add(99).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |end: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % end
    };
    let mut offset = 0;
    let size = model.len() as u64;
    loop {
        offset += sector * next(1200);
        let most = if next(4) == 0 { 9000 } else { 300 };
        let end = size.min(offset + sector * (1 + next(most)));
        if offset >= end {
            return;
        }
        let part = &mut model[usize::try_from(offset).unwrap()..usize::try_from(end).unwrap()];
        match next(3) {
            0 => {
                part.fill(0);
                new.layout.zero(offset, end - offset).unwrap();
            }
            1 => {
                part.fill(u8::try_from(next(255)).unwrap() + 1);
                new.write_data(offset, part);
            }
            _ => {
                part.fill_with(|| next(256).to_le_bytes()[0]);
                new.write_data(offset, part);
                let patches = new.layout.take_patches();
                new.patch(patches);
            }
        }
        offset = end;
    }
}

#[test]
fn a_parent_that_was_written_to_since_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk = mixed_disk(3 * MIB, 5);
    let parent = write_image(&Target::Vhdx(spec(VhdxKind::Dynamic, 1, 512)), &disk);
    let target = Target::Vhdx(spec(child_of_stamp(), 1, 512));
    let child = write_image(&target, &SparseDisk(vec![0; 3 * MIB]));
    assert!(open_pair(folder.path(), &parent, &child).is_ok());

    let mut kind = child_of_stamp();
    if let VhdxKind::Differencing(parent) = &mut kind {
        parent.data_write_guid[0] ^= 1;
    }
    let target = Target::Vhdx(spec(kind, 1, 512));
    let child = write_image(&target, &SparseDisk(vec![0; 3 * MIB]));
    let error = open_pair(folder.path(), &parent, &child).err().unwrap();
    assert!(
        error.contains("is not the one that this image was made on"),
        "{error}"
    );
    // A raw parent is none.
    let error = open_pair(folder.path(), &[0; 4096], &child).err().unwrap();
    assert!(error.contains("does not begin with vhdxfile"), "{error}");
}

#[test]
fn the_details_of_a_child_name_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let disk = mixed_disk(3 * MIB, 5);
    let parent = write_image(&Target::Vhdx(spec(VhdxKind::Fixed, 1, 512)), &disk);
    let target = Target::Vhdx(spec(child_of_stamp(), 2, 512));
    let child = write_image(&target, &SparseDisk(vec![0; 3 * MIB]));
    let opened = open_pair(folder.path(), &parent, &child).unwrap();
    let details: Vec<_> = opened.layers.iter().map(|layer| &layer.details).collect();
    let [Details::Vhdx(child), Details::Vhdx(parent)] = details[..] else {
        panic!("{details:?}");
    };
    assert_eq!(child.allocation, VhdxAllocation::Differencing);
    assert_eq!(parent.allocation, VhdxAllocation::Fixed);
    assert!(parent.leave_blocks_allocated);
    assert_eq!(child.virtual_disk_id, parent.virtual_disk_id);
    let linkage = format!("{{{}}}", parent.data_write_guid);
    let expect = [
        ("parent_linkage", linkage.as_str()),
        ("relative_path", r".\base.vhdx"),
    ];
    let found = child.parent_locator.iter();
    assert!(
        found
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .eq(expect)
    );
}

#[test]
fn blocks_without_a_gap_are_placed_in_one_run() {
    let place = |kind: VhdxKind| {
        let target = Target::Vhdx(spec(kind, 1, 512));
        let mut layout = target.layout(64 << 20, &stamp()).unwrap();
        let first = layout.place(512, 10 << 20).unwrap();
        let second = layout.place(30 << 20, 1 << 20).unwrap();
        (first.offset, first.len, second.offset)
    };
    // Headers, log, metadata, BAT; then eleven blocks, and in a child the sector bitmap.
    let data = 4 << 20;
    assert_eq!(
        place(VhdxKind::Dynamic),
        (data + 512, 10 << 20, data + (11 << 20))
    );
    assert_eq!(
        place(child_of_stamp()),
        (data + 512, 10 << 20, data + (11 << 20))
    );
    assert_eq!(
        place(VhdxKind::Fixed),
        (data + 512, 10 << 20, data + (30 << 20))
    );
}

#[test]
fn the_headers_are_written_last() {
    for kind in [VhdxKind::Dynamic, VhdxKind::Fixed, child_of_stamp()] {
        let target = Target::Vhdx(spec(kind, 1, 512));
        let layout = target.layout(64 << 20, &stamp()).unwrap();
        let finish = layout.finish().unwrap();
        let last: Vec<_> = finish.patches.iter().rev().take(2).collect();
        assert_eq!((last[1].offset, last[0].offset), (64 << 10, 128 << 10));
        assert!(last.iter().all(|patch| patch.bytes.starts_with(b"head")));
    }
}

/// Whatever the size, the tables that are held are few.
#[test]
fn the_largest_disk_takes_little_memory() {
    let size = 64 << 40;
    for kind in [VhdxKind::Dynamic, child_of_stamp()] {
        for block_mib in [1, 32, 256] {
            let target = Target::Vhdx(spec(kind.clone(), block_mib, 512));
            let mut layout = target.layout(size, &stamp()).unwrap();
            let mut total = 0;
            let mut count = |layout: &mut Box<dyn Layout>| {
                let held: usize = layout
                    .take_patches()
                    .iter()
                    .map(|one| one.bytes.len())
                    .sum();
                assert!(held <= 1 << 20 || total == 0, "{held}");
                total += held;
            };
            for offset in (0..size).step_by(1 << 36) {
                layout.place(offset, 4096).unwrap();
                count(&mut layout);
            }
            let rest = layout.finish().unwrap().patches;
            let held: usize = rest.iter().map(|one| one.bytes.len()).sum();
            assert!(held <= 33 << 20, "{held}");
        }
    }
    let target = Target::Vhdx(spec(VhdxKind::Dynamic, 32, 512));
    assert!(matches!(
        target.layout(size + 1, &stamp()),
        Err(LayoutError::TooLarge { .. })
    ));
    assert!(target.layout(u64::MAX, &stamp()).is_err());
}

#[test]
fn options_that_the_format_does_not_allow_are_refused() {
    let refused = |change: &dyn Fn(&mut VhdxSpec), name: &str| {
        let mut spec = VhdxSpec::default();
        change(&mut spec);
        let error = Target::Vhdx(spec).layout(1 << 20, &stamp()).err().unwrap();
        assert!(error.to_string().contains(name), "{error}");
    };
    refused(
        &|spec| spec.block_bytes = 512 << 10,
        "block size may not be 524288",
    );
    refused(&|spec| spec.block_bytes = 3 << 20, "block size");
    refused(&|spec| spec.block_bytes = 512 << 20, "block size");
    refused(
        &|spec| spec.logical_sector_bytes = 1024,
        "logical sector size",
    );
    refused(
        &|spec| spec.physical_sector_bytes = 0,
        "physical sector size",
    );
    let parent = |relative: &str, absolute: Option<&str>| {
        VhdxKind::Differencing(VhdxParent {
            data_write_guid: [1; 16],
            virtual_disk_id: [2; 16],
            relative_path: relative.to_owned(),
            absolute_path: absolute.map(str::to_owned),
        })
    };
    refused(&|spec| spec.kind = parent("", None), "relative path");
    let long = "x".repeat(32768);
    refused(&|spec| spec.kind = parent(&long, None), "relative path");
    refused(&|spec| spec.kind = parent("x", Some("/x")), "absolute path");
}

#[test]
fn a_disk_of_no_bytes_and_one_of_a_sector_are_written() {
    for size in [0, 1, 512] {
        for kind in [VhdxKind::Dynamic, VhdxKind::Fixed] {
            let disk = SparseDisk(vec![7; size]);
            let image = write_image(&Target::Vhdx(spec(kind, 1, 512)), &disk);
            is_sound(&image);
            let expect = padded(&disk.0, 512);
            assert!(support::read_all(&*open(image)) == expect);
        }
    }
}
