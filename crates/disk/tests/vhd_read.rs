//! VHD images are read as their specification, their makers and independent readers have it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says what was skipped")]

mod support;
mod vhd_support;

use std::fs;
use std::path::Path;
use std::process::Command;

use detente_disk::{Details, Format, VhdDetails, VhdDiskType, VhdSizeRule};
use support::{check_content, has_qemu, qemu_content, run};
use vhd_support::{
    Files, SIZE, differencing, differencing_content, dynamic, dynamic_content, fixed, footer,
    one_block, open, put, sign, with_locator,
};

fn parent() -> Files {
    Files(vec![("parent.vhd", dynamic())])
}

fn none() -> Files {
    Files(Vec::new())
}

fn details(image: Vec<u8>, files: Files) -> VhdDetails {
    let image = open(image, files).unwrap();
    assert_eq!(image.layers[0].format, Format::Vhd);
    match &image.layers[0].details {
        Details::Vhd(details) => details.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dynamic_disk_holds_its_blocks() {
    let image = open(dynamic(), none()).unwrap();
    check_content(&*image.reader, &dynamic_content(), "dynamic");
}

#[test]
fn a_block_in_the_table_counts_as_a_whole_in_a_dynamic_disk() {
    let mut image = dynamic();
    image[vhd_support::at::BLOCK_0] = 0;
    let opened = open(image, none()).unwrap();
    check_content(&*opened.reader, &dynamic_content(), "no bits");
}

#[test]
fn a_fixed_disk_is_what_lies_before_the_footer() {
    let content: Vec<u8> = (0_u8..=255).cycle().take(SIZE).collect();
    let footer = footer(2, SIZE, b"win ");
    // Virtual PC before 2004 left the last byte away.
    for footer in [&footer[..], &footer[..511]] {
        let image = open(fixed(&content, footer), none()).unwrap();
        check_content(&*image.reader, &content, "fixed");
    }
}

#[test]
fn a_fixed_disk_may_hold_a_dynamic_one_in_its_guests_bytes() {
    let content = dynamic();
    let image = fixed(&content, &footer(2, content.len(), b"win "));
    check_content(&*open(image, none()).unwrap().reader, &content, "nested");
}

#[test]
fn a_differencing_disk_shows_its_own_sectors_and_the_parents() {
    let image = open(differencing(), parent()).unwrap();
    check_content(&*image.reader, &differencing_content(), "differencing");
    let details = details(differencing(), parent());
    assert_eq!(details.disk_type, VhdDiskType::Differencing);
    let parent = details.parent.unwrap();
    assert_eq!(parent.unique_id, vhd_support::UNIQUE_ID);
    assert_eq!(parent.names, ["parent.vhd"]);
}

#[test]
fn parents_are_looked_for_by_the_relative_name_first() {
    let mut image = differencing();
    with_locator(&mut image, 0, b"W2ku", r"C:\disks\parent.vhd");
    with_locator(&mut image, 1, b"W2ru", r".\old\parent.vhd");
    let names = details(image.clone(), parent()).parent.unwrap().names;
    assert_eq!(
        names,
        [r".\old\parent.vhd", r"C:\disks\parent.vhd", "parent.vhd"]
    );
    let files = Files(vec![
        ("./old/parent.vhd", dynamic()),
        ("C:/disks/parent.vhd", b"not this one".to_vec()),
    ]);
    let opened = open(image, files).unwrap();
    check_content(&*opened.reader, &differencing_content(), "by locator");
}

#[test]
fn another_disk_at_the_parents_place_is_refused() {
    let mut stranger = dynamic();
    let end = stranger.len() - 512;
    put(&mut stranger, 68, b"another disk....");
    put(&mut stranger, end + 68, b"another disk....");
    vhd_support::sign_all(&mut stranger);
    let error = open(differencing(), Files(vec![("parent.vhd", stranger)]))
        .err()
        .unwrap();
    let words = "is not the one that this image was made on";
    assert!(error.to_string().contains(words), "{error}");
    let raw = Files(vec![("parent.vhd", vec![0; SIZE])]);
    assert!(open(differencing(), raw).is_err());
    assert!(open(differencing(), none()).is_err());
}

#[test]
fn the_creator_says_which_size_counts() {
    let check = |creator: &[u8; 4], geometry: [u8; 4], rule: VhdSizeRule, sectors: u64| {
        let mut footer = footer(2, SIZE, creator);
        put(&mut footer, 56, &geometry);
        sign(&mut footer, 64);
        let image = fixed(&vec![0; SIZE], &footer);
        let found = details(image.clone(), none());
        assert_eq!(found.size_rule, rule, "{creator:?} {geometry:?}");
        let size = open(image, none()).unwrap().reader.len_bytes();
        assert_eq!(size, sectors * 512, "{creator:?} {geometry:?}");
    };
    let whole = SIZE as u64 / 512;
    check(b"vpc ", [0, 5, 1, 5], VhdSizeRule::Geometry, 25);
    check(b"qemu", [0, 5, 1, 5], VhdSizeRule::Geometry, 25);
    for creator in [b"win ", b"d2v ", b"qem2", b"tap\0", b"wa\0\0", b"????"] {
        check(creator, [0, 5, 1, 5], VhdSizeRule::CurrentSize, whole);
    }
    // 65535 cylinders, 16 heads and 255 sectors: at least so large.
    check(
        b"vpc ",
        [0xff, 0xff, 16, 255],
        VhdSizeRule::CurrentSize,
        whole,
    );
    check(b"qemu", [0, 0, 0, 0], VhdSizeRule::CurrentSize, whole);
}

#[test]
fn either_footer_is_enough_for_a_dynamic_disk() {
    let end = dynamic().len() - 512;
    let mut first = dynamic();
    first[end + 100] = 1;
    let mut second = dynamic();
    second[100] = 1;
    let mut cut = dynamic();
    cut.truncate(end);
    for image in [first, second, cut] {
        let opened = open(image, none()).unwrap();
        check_content(&*opened.reader, &dynamic_content(), "one footer");
    }
}

#[test]
fn qemu_reads_what_we_read() {
    if !has_qemu("qemu_reads_what_we_read") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("hand.vhd"), dynamic()).unwrap();
    assert!(
        qemu_content(path, "hand.vhd") == dynamic_content(),
        "made by hand"
    );
    fs::write(
        path.join("src.raw"),
        support::engine::mixed_disk(5_000_192, 3).0,
    )
    .unwrap();
    for (index, options) in [
        "subformat=dynamic",
        "subformat=fixed",
        "subformat=dynamic,force_size=on",
        "subformat=fixed,force_size=on",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{index}.vhd");
        let args = ["convert", "-O", "vpc", "-o", options, "src.raw", &name];
        run(path, "qemu-img", &args);
        let image = support::open(&path.join(&name)).unwrap();
        assert_eq!(image.layers[0].format, Format::Vhd);
        let args = ["convert", "-f", "vpc", "-O", "raw", &name, "expected.raw"];
        run(path, "qemu-img", &args);
        let expected = fs::read(path.join("expected.raw")).unwrap();
        check_content(&*image.reader, &expected, options);
    }
}

/// What libvhdi reads of a chain, its top first.
const LIBVHDI: &str = "
import sys, pyvhdi
files = [pyvhdi.file() for _ in sys.argv[2:]]
for file, name in zip(files, sys.argv[2:]):
    file.open(name)
for child, parent in zip(files, files[1:]):
    child.set_parent(parent)
open(sys.argv[1], 'wb').write(files[0].read_buffer_at_offset(files[0].get_media_size(), 0))
";

/// No crate and no version of QEMU reads differencing disks; libvhdi does.
#[test]
fn libvhdi_reads_the_same_of_a_differencing_disk() {
    let test = "libvhdi_reads_the_same_of_a_differencing_disk";
    let python = Path::new("/usr/bin/python3");
    let has = Command::new(python).args(["-c", "import pyvhdi"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {test}: python3-libvhdi is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // libvhdi 20210425 looks for the end of its own sectors at whole bytes of the bitmap only.
    let bitmap = [0xff, 0, 0x0f, 0xff, 0, 0x01, 0, 0xff];
    let parent = one_block(3, [0xff; 8], 0x11);
    fs::write(folder.path().join("parent.vhd"), parent).unwrap();
    fs::write(folder.path().join("child.vhd"), one_block(4, bitmap, 0x33)).unwrap();
    let script = ["-c", LIBVHDI, "seen", "child.vhd", "parent.vhd"];
    run(folder.path(), "/usr/bin/python3", &script);
    let seen = fs::read(folder.path().join("seen")).unwrap();
    assert!(seen.contains(&0x11) && seen.contains(&0x33));
    let ours = support::open(&folder.path().join("child.vhd")).unwrap();
    check_content(&*ours.reader, &seen, "differencing");
}

/// Sizes and digests stand in the samples' README, from `qemu-img` 10.0.2.
#[test]
fn the_vhds_of_others_have_the_known_content() {
    let Some(samples) = support::samples("the_vhds_of_others_have_the_known_content") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let zeroes = "79f45ff4dce008350fe8cf6463e3c35c3fb93e2ac4ee20bb1483439f63658b1f";
    for (name, digest) in [
        (
            "dfvfs-ext2.vhd",
            "870be7ae16c1fa8faab05c6eb9205dc9a7ae35c5f552c5cf8a267c0bc6a5cb99",
        ),
        ("fixed.vhd", zeroes),
        ("minimal.vhd", zeroes),
    ] {
        let image = support::open(&support::unpack(&samples, name, folder.path())).unwrap();
        assert_eq!(image.layers[0].format, Format::Vhd, "{name}");
        let content = support::read_all(&*image.reader);
        let found = support::sha256(&content);
        assert_eq!(found, digest, "{name}");
        check_content(&*image.reader, &content, name);
    }
    let large = support::unpack(&samples, "virtualpc-dynamic.vhd", folder.path());
    let image = support::open(&large).unwrap();
    assert_eq!(image.reader.len_bytes(), 136_363_130_880);
    let nothing = image.reader.next_extent(0).unwrap();
    assert_eq!(nothing.kind, detente_block::ExtentKind::Zero);
}

#[test]
fn spoiled_vhds_of_others_are_refused_with_the_reason() {
    let Some(samples) = support::samples("spoiled_vhds_of_others_are_refused_with_the_reason")
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in [
        (
            "dfvfs-image.vhd",
            "corrupt data at offset 0x200a40: the footer's checksum is 0xfffff683",
        ),
        (
            "h13-vhd-bat-huge.vhd",
            "corrupt data at offset 0x21c: the block allocation table of 1073741824 entries",
        ),
    ] {
        let path = support::unpack(&samples, name, folder.path());
        let error = support::open(&path).err().unwrap().to_string();
        assert!(error.contains(words), "{name}: {error}");
    } // The copy at the start is gone; the footer itself is there, and enough.
    let path = support::unpack(&samples, "h15-vhd-footer-only.vhd", folder.path());
    let image = support::open(&path).unwrap();
    assert_eq!(image.reader.len_bytes(), 67_125_248);
}
