//! VMDK images are read as their specification and QEMU have it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod vmdk_support;

use std::fs;
use std::path::Path;

use detente_block::ExtentKind;
use detente_disk::{Details, Format, Mapped, Place, VmdkDetails};
use support::{check_content, has_qemu, qemu_content, run};
use vmdk_support::{
    Files, GRAIN, SIZE, content, cowd, descriptor, open, se_sparse, sparse, sparse_on, stream,
};

fn none() -> Files {
    Files(Vec::new())
}

fn details(image: Vec<u8>, files: Files) -> VmdkDetails {
    let image = open(image, files).unwrap();
    assert_eq!(image.layers[0].format, Format::Vmdk);
    match &image.layers[0].details {
        Details::Vmdk(details) => details.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sparse_disk_holds_its_grains() {
    let image = open(sparse(), none()).unwrap();
    check_content(&*image.reader, &content(), "sparse");
    let found = details(sparse(), none());
    assert_eq!(found.create_type.as_deref(), Some("monolithicSparse"));
    assert_eq!(found.content_id, Some(0x1234_5678));
    assert_eq!(found.parent_content_id, None);
    assert_eq!(found.extents[0].grain_bytes, Some(GRAIN as u64));
    // Grains that lie one after the other are one extent of the map.
    let data = image.stack.map_extent(3 * GRAIN as u64, u64::MAX).unwrap();
    assert_eq!(data.len, 2 * GRAIN as u64);
    assert!(matches!(data.place, Place::File { offset, .. } if offset == 24 * 512));
}

#[test]
fn a_stream_is_unpacked() {
    let image = open(stream(), none()).unwrap();
    check_content(&*image.reader, &content(), "stream");
    assert!(details(stream(), none()).extents[0].compressed);
}

#[test]
fn the_redundant_directory_steps_in() {
    let spoiled = |spoil: &dyn Fn(&mut Vec<u8>)| {
        let mut image = sparse();
        spoil(&mut image);
        let image = open(image, none()).unwrap();
        check_content(&*image.reader, &content(), "redundant");
    };
    use vmdk_support::{at, put};
    spoiled(&|image| put(image, at::GD_OFFSET, &0xffff_ffff_u64.to_le_bytes()));
    spoiled(&|image| put(image, at::GD, &0xffff_ffff_u32.to_le_bytes()));
}

#[test]
fn extents_follow_each_other() {
    let text = descriptor(
        "custom",
        "RW 164 SPARSE \"a.vmdk\"\nRW 3 ZERO\nRW 5 FLAT \"flat.vmdk\" 2\nRW 0 ZERO\n\
         RW 5 FLAT \"flat.vmdk\" 7\nRW 164 VMFSSPARSE \"b.vmdk\"\nRW 164 SESPARSE \"c.vmdk\"",
    );
    let flat: Vec<u8> = (0_u8..12).flat_map(|sector| [sector; 512]).collect();
    let files = Files(vec![
        ("a.vmdk", sparse()),
        ("b.vmdk", cowd()),
        ("c.vmdk", se_sparse()),
        ("flat.vmdk", flat.clone()),
    ]);
    let image = open(text.into_bytes(), files).unwrap();
    let expect = [
        &content()[..],
        &[0; 3 * 512],
        &flat[2 * 512..],
        &content(),
        &content(),
    ]
    .concat();
    check_content(&*image.reader, &expect, "extents");
    assert_eq!(image.stack.files().len(), 5);
}

#[test]
fn a_cowd_file_alone_is_a_disk() {
    check_content(&*open(cowd(), none()).unwrap().reader, &content(), "cowd");
}

#[test]
fn grains_that_are_not_there_are_the_parents() {
    let child = sparse_on("parent.vmdk", 0x1234_5678);
    let text = descriptor("monolithicFlat", "RW 164 FLAT \"flat.vmdk\" 0");
    let files = Files(vec![
        ("parent.vmdk", text.clone().into_bytes()),
        ("flat.vmdk", vec![0x77; SIZE]),
    ]);
    let image = open(child.clone(), files).unwrap();
    let mut expect = content();
    for grain in [1].into_iter().chain(5..20) {
        expect[grain * GRAIN..][..GRAIN].fill(0x77);
    }
    check_content(&*image.reader, &expect, "child");
    let changed = text.replace("CID=12345678", "CID=12345679");
    let files = Files(vec![
        ("parent.vmdk", changed.into_bytes()),
        ("flat.vmdk", vec![0x77; SIZE]),
    ]);
    let error = open(child, files).err().unwrap().to_string();
    assert!(
        error.contains("is not the one that this image was made on"),
        "{error}"
    );
}

#[test]
fn extents_outside_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "/etc/passwd",
        "/dev/sda",
        "../x.raw",
        "json:{}",
        "nbd://host/x",
    ] {
        let text = descriptor("monolithicFlat", &format!("RW 1 FLAT \"{name}\" 0"));
        fs::write(folder.path().join("disk.vmdk"), text).unwrap();
        let error = support::open(&folder.path().join("disk.vmdk"))
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("may not be opened"),
            "{name}: {error}"
        );
    }
}

#[test]
fn qemu_reads_the_same_of_images_made_by_hand() {
    if !has_qemu("qemu_reads_the_same_of_images_made_by_hand") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("sparse.vmdk"), sparse()).unwrap();
    fs::write(path.join("stream.vmdk"), stream()).unwrap();
    fs::write(path.join("cowd-delta.vmdk"), cowd()).unwrap();
    fs::write(path.join("se-sesparse.vmdk"), se_sparse()).unwrap();
    for (name, create_type, extent) in [
        (
            "cowd.vmdk",
            "vmfsSparse",
            "RW 164 VMFSSPARSE \"cowd-delta.vmdk\"",
        ),
        (
            "se.vmdk",
            "seSparse",
            "RW 164 SESPARSE \"se-sesparse.vmdk\"",
        ),
    ] {
        fs::write(path.join(name), descriptor(create_type, extent)).unwrap();
    }
    for name in ["sparse.vmdk", "stream.vmdk", "cowd.vmdk", "se.vmdk"] {
        assert!(qemu_content(path, name) == content(), "{name}");
        check_content(
            &*support::open(&path.join(name)).unwrap().reader,
            &content(),
            name,
        );
    }
}

#[test]
fn every_subformat_of_qemu_is_read() {
    if !has_qemu("every_subformat_of_qemu_is_read") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let content = support::engine::mixed_disk(9_000_448, 5).0;
    fs::write(path.join("src.raw"), &content).unwrap();
    for subformat in [
        "monolithicSparse",
        "monolithicFlat",
        "twoGbMaxExtentSparse",
        "twoGbMaxExtentFlat",
        "streamOptimized",
    ] {
        let (name, option) = (
            format!("{subformat}.vmdk"),
            format!("subformat={subformat}"),
        );
        run(
            path,
            "qemu-img",
            &["convert", "-O", "vmdk", "-o", &option, "src.raw", &name],
        );
        let image = support::open(&path.join(&name)).unwrap();
        check_content(&*image.reader, &content, subformat);
        let Details::Vmdk(details) = &image.layers[0].details else {
            panic!("{:?}", image.layers[0]);
        };
        assert_eq!(details.create_type.as_deref(), Some(subformat));
        let report = detente_disk::check(&*image.stack.files()[0].reader).unwrap();
        assert_eq!(
            (report.corruptions, report.leaks),
            (0, 0),
            "{subformat}: {report:?}"
        );
    }
}

#[test]
fn zeroed_grains_split_disks_and_children_of_qemu_are_read() {
    if !has_qemu("zeroed_grains_split_disks_and_children_of_qemu_are_read") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let create = |args: &[&str]| {
        run(
            path,
            "qemu-img",
            &[&["create", "-q", "-f", "vmdk"], args].concat(),
        )
    };
    create(&["-o", "zeroed_grain=on", "base.vmdk", "8M"]);
    let writes = [
        "-c",
        "write -P 1 0 1M",
        "-c",
        "write -P 2 3M 512",
        "-c",
        "write -z 512k 64k",
    ];
    run(path, "qemu-io", &[&writes[..], &["base.vmdk"]].concat());
    create(&[
        "-b",
        "base.vmdk",
        "-F",
        "vmdk",
        "-o",
        "zeroed_grain=on",
        "child.vmdk",
    ]);
    run(
        path,
        "qemu-io",
        &[
            "-c",
            "write -P 3 100k 1k",
            "-c",
            "write -z 128k 64k",
            "child.vmdk",
        ],
    );
    for name in ["base.vmdk", "child.vmdk"] {
        let expected = qemu_content(path, name);
        check_content(
            &*support::open(&path.join(name)).unwrap().reader,
            &expected,
            name,
        );
    }
    create(&["-o", "subformat=twoGbMaxExtentSparse", "split.vmdk", "5G"]);
    let write = ["-c", "write -P 9 2147418112 128k", "split.vmdk"];
    run(path, "qemu-io", &write);
    let image = support::open(&path.join("split.vmdk")).unwrap();
    assert_eq!(image.reader.len_bytes(), 5 << 30);
    let mut bytes = vec![0; 3 << 16];
    image
        .reader
        .read_exact_at((2 << 30) - (1 << 16), &mut bytes)
        .unwrap();
    let mut expect = vec![9; 2 << 16];
    expect.resize(3 << 16, 0);
    assert!(bytes == expect);
    let end = image.reader.next_extent((4 << 30) + 5).unwrap();
    assert_eq!((end.kind, end.len), (ExtentKind::Zero, (1 << 30) - 5));
}

/// The digest stands in the samples' README, computed with `qemu-img convert -O raw`.
#[test]
fn the_vmdk_of_dfvfs_has_the_known_content() {
    let Some(samples) = support::samples("the_vmdk_of_dfvfs_has_the_known_content") else {
        return;
    };
    let packed = fs::read(samples.join("dfvfs-ext2.vmdk.zst")).unwrap();
    let image = open(zstd::decode_all(packed.as_slice()).unwrap(), none()).unwrap();
    let content = support::read_all(&*image.reader);
    let digest = support::sha256(&content);
    assert_eq!(
        digest,
        "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"
    );
    check_content(&*image.reader, &content, "dfvfs-ext2");
    assert!(Path::new("image.vmdk") == image.layers[0].path);
}
