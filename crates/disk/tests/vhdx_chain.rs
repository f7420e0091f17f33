//! Differencing VHDX images by hand: which sectors are whose, and which file is the parent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod vhdx_support;

use std::fs;
use std::path::Path;

use detente_disk::{Image, Mapped, Place};
use vhdx_support::{
    DATA_WRITE_GUID, MIB, SIZE, add_item, at, bat, differencing, guid, locator, printed, put, seal,
    sound,
};

const LOCATOR: &str = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c";

/// A parent whose first three blocks hold 0x55, and whose id is another than a child's.
fn base() -> Vec<u8> {
    let mut image = sound();
    for (block, place) in [(0, 4), (1, 5), (2, 6)] {
        bat(&mut image, block, place << 20 | 6);
    }
    bat(&mut image, 4, 2);
    image[at::BLOCKS..7 * MIB].fill(0x55);
    for header in at::HEADERS {
        put(&mut image, header + 32, &[0xba; 16]);
    }
    seal(&mut image);
    image
}

/// What the guest sees of [`differencing`] over [`base`].
fn content() -> Vec<u8> {
    let mut content = vec![0; SIZE];
    content[..2 * MIB].fill(0x55);
    content[512..3 * 512].fill(0x11);
    content[8 * 512..16 * 512].fill(0x11);
    content[4 * MIB..].fill(0x44);
    content
}

/// [`sound`] as a child with this locator, all of whose blocks but the last are the parent's.
fn child(pairs: &[(&str, String)]) -> Vec<u8> {
    let mut image = sound();
    image[at::ITEMS + 4] = 2;
    add_item(&mut image, guid(LOCATOR), &locator(pairs), 4);
    for block in 0..4 {
        bat(&mut image, block, 0);
    }
    image
}

fn linkage(id: [u8; 16]) -> String {
    format!("{{{}}}", printed(id))
}

/// Writes the files and opens the first.
fn open(folder: &Path, files: &[(&str, &[u8])]) -> Result<Image, String> {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    support::open(&folder.join(files[0].0)).map_err(|error| error.to_string())
}

#[test]
fn each_sector_is_taken_from_where_the_bitmap_says() {
    let folder = tempfile::tempdir().unwrap();
    let child = differencing([0xba; 16]);
    let files = [("child.vhdx", &child[..]), ("base.vhdx", &base())];
    let image = open(folder.path(), &files).unwrap();
    support::check_content(&*image.reader, &content(), "child");

    let mut found = Vec::new();
    let mut offset = 0;
    while offset < image.reader.len_bytes() {
        let extent = image.stack.map_extent(offset, u64::MAX).unwrap();
        let place = match extent.place {
            Place::File { offset, .. } => offset >> 9,
            Place::Zero { .. } => 0,
            Place::Compressed { .. } | Place::Unallocated => panic!("{extent:?}"),
        };
        found.push((extent.len >> 9, extent.depth, place));
        offset += extent.len;
    }
    let data = 0x40_0000 >> 9;
    let expect = [
        (1, 1, data),
        (2, 0, data + 1),
        (5, 1, data + 3),
        (8, 0, data + 8),
        (2048 - 16, 1, data + 16),
        (2048, 1, data + 2048),
        // Zero, and unmapped: the parent's bytes do not come back.
        (4096, 0, 0),
        (2048, 0, data + 2048),
    ];
    assert_eq!(found, expect);
}

/// The child's bitmaps would be read with sectors that the parent does not have.
#[test]
fn a_parent_has_the_sectors_of_its_child() {
    let folder = tempfile::tempdir().unwrap();
    let child = differencing([0xba; 16]);
    let mut base = base();
    put(&mut base, at::ITEMS + 16, &4096_u32.to_le_bytes());
    let files = [("child.vhdx", &child[..]), ("base.vhdx", &base)];
    let error = open(folder.path(), &files).err().unwrap();
    assert!(error.contains("has sectors of 4096"), "{error}");
}

#[test]
fn a_chain_may_have_three_files_and_lead_through_folders() {
    let folder = tempfile::tempdir().unwrap();
    let top = child(&[
        ("parent_linkage", linkage(DATA_WRITE_GUID)),
        ("relative_path", r".\below\middle.vhdx".to_owned()),
    ]);
    let middle = differencing([0xba; 16]);
    let files = [
        ("top.vhdx", &top[..]),
        ("below/middle.vhdx", &middle),
        ("below/base.vhdx", &base()),
    ];
    let image = open(folder.path(), &files).unwrap();
    assert_eq!(image.layers.len(), 3);
    support::check_content(&*image.reader, &content(), "three files");
}

#[test]
fn the_second_linkage_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = ("relative_path", "base.vhdx".to_owned());
    let pairs = |one: [u8; 16], two: [u8; 16]| {
        child(&[
            ("parent_linkage", linkage(one)),
            ("parent_linkage2", linkage(two)),
            path.clone(),
        ])
    };
    let base = base();
    for (one, two, opens) in [
        ([0xba; 16], [0; 16], true),
        ([0; 16], [0xba; 16], true),
        ([0; 16], [1; 16], false),
    ] {
        let child = pairs(one, two);
        let image = open(folder.path(), &[("c.vhdx", &child), ("base.vhdx", &base)]);
        assert_eq!(image.is_ok(), opens);
        if let Err(error) = image {
            assert!(
                error.contains("is not the one that this image was made on"),
                "{error}"
            );
        }
    }
}

#[test]
fn paths_are_tried_in_the_order_of_the_specification() {
    let folder = tempfile::tempdir().unwrap();
    let with = |relative: &str| {
        child(&[
            ("absolute_win32_path", "base.vhdx".to_owned()),
            ("parent_linkage", linkage([0xba; 16])),
            ("relative_path", relative.to_owned()),
        ])
    };
    let base = base();
    // Not there: the next is tried.
    let child = with("gone.vhdx");
    let files = [("c.vhdx", &child[..]), ("base.vhdx", &base)];
    assert!(open(folder.path(), &files).is_ok());
    // There, and not the parent: no other is taken for it.
    let child = with("other.vhdx");
    let files = [("c.vhdx", &child[..]), ("other.vhdx", &sound())];
    let error = open(folder.path(), &files).err().unwrap();
    assert!(error.contains("other.vhdx is not the one"), "{error}");
}

#[test]
fn parents_outside_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (path, words) in [
        (r"..\base.vhdx", "leads out of the image's folder"),
        (r"\\?\c:\base.vhdx", "absolute path"),
        (r"\etc\shadow", "absolute path"),
        (r"c:\base.vhdx", "names a protocol"),
        ("json:{}", "names a protocol"),
    ] {
        let child = child(&[
            ("parent_linkage", linkage([0xba; 16])),
            ("relative_path", path.to_owned()),
        ]);
        let error = open(folder.path(), &[("c.vhdx", &child)]).err().unwrap();
        assert!(error.contains(words), "{path}: {error}");
    }
}

#[test]
fn a_parent_that_is_its_own_child_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let child = child(&[
        ("parent_linkage", linkage(DATA_WRITE_GUID)),
        ("relative_path", "c.vhdx".to_owned()),
    ]);
    let error = open(folder.path(), &[("c.vhdx", &child)]).err().unwrap();
    assert!(error.contains("comes back to"), "{error}");
}
