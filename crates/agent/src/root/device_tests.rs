//! Names of roots, on a sysfs made of files.

use std::fs;
use std::path::Path;

use super::{Block, RootName, disks, find, names};
use crate::root::RootError;
use crate::root::table::Table;

const fn block(major: u32, minor: u32) -> Block {
    Block { major, minor }
}

/// What a kernel shows of a disk with two partitions and of one with none.
fn sys() -> tempfile::TempDir {
    let sys = tempfile::tempdir().unwrap();
    let file = |path: &str, text: &str| {
        let path = sys.path().join("block").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file("nvme0n1/dev", "259:0\n");
    file("nvme0n1/uevent", "MAJOR=259\nMINOR=0\nDEVNAME=nvme0n1\n");
    file("nvme0n1/queue/logical_block_size", "4096\n");
    for (number, label) in [(1, "ESP"), (2, "root")] {
        let folder = format!("nvme0n1/nvme0n1p{number}");
        file(&format!("{folder}/dev"), &format!("259:{number}\n"));
        file(&format!("{folder}/partition"), &format!("{number}\n"));
        let uevent = format!("DEVNAME=nvme0n1p{number}\nPARTN={number}\nPARTNAME={label}\n");
        file(&format!("{folder}/uevent"), &uevent);
    }
    file("cciss!c0d0/dev", "104:0\n");
    sys
}

fn gpt(disk: Block, block_bytes: u64) -> Option<Table> {
    assert_eq!((disk, block_bytes), (block(259, 0), 4096));
    Some(Table::Gpt(vec![Some("aa-01".into()), Some("aa-02".into())]))
}

fn found(sys: &Path, text: &str) -> Option<Block> {
    find(&RootName::parse(text).unwrap(), &disks(sys), &gpt)
}

#[test]
fn the_kernels_own_names_are_found() {
    let sys = sys();
    let check = |text: &str, expect| assert_eq!(found(sys.path(), text), expect, "{text}");
    check("/dev/nvme0n1p2", Some(block(259, 2)));
    check("/dev/nvme0n1", Some(block(259, 0)));
    check("/dev/cciss/c0d0", Some(block(104, 0)));
    check("/dev/vda2", None);
    check("259:1", Some(block(259, 1)));
    check("259:9", None);
    // 0x10302 is major 259, minor 2 (Linux, include/linux/kdev_t.h).
    check("10302", Some(block(259, 2)));
}

#[test]
fn partitions_are_found_by_what_the_table_says() {
    let sys = sys();
    let check = |text: &str, expect| assert_eq!(found(sys.path(), text), expect, "{text}");
    check("PARTUUID=AA-02", Some(block(259, 2)));
    check("PARTUUID=aa-01/PARTNROFF=1", Some(block(259, 2)));
    check("PARTUUID=aa-02/PARTNROFF=-1", Some(block(259, 1)));
    check("PARTUUID=aa-02/PARTNROFF=7", None);
    check("PARTUUID=aa-03", None);
    check("PARTLABEL=root", Some(block(259, 2)));
    check("PARTLABEL=", None);
    check("PARTLABEL=home", None);
}

#[test]
fn what_only_an_initramfs_finds_is_said() {
    for text in ["UUID=1", "LABEL=root", "ZFS=rpool", "/dev/disk/by-uuid/1"] {
        let error = RootName::parse(text).unwrap_err();
        assert!(matches!(error, RootError::NeedsInitramfs { .. }), "{text}");
        assert!(error.to_string().contains("the guest has none"), "{error}");
    }
}

#[test]
fn what_is_no_block_device_is_said() {
    for text in ["/dev/nfs", "mtd0", "ubi0:root", "PARTUUID=1/PARTNROFF=x"] {
        let error = RootName::parse(text).unwrap_err();
        assert!(matches!(error, RootError::NoBlockDevice { .. }), "{text}");
    }
    assert!(matches!(RootName::parse(""), Err(RootError::Unnamed)));
}

#[test]
fn the_devices_that_there_are_can_be_named() {
    let sys = sys();
    assert_eq!(
        names(&disks(sys.path())),
        "cciss/c0d0, nvme0n1, nvme0n1p1, nvme0n1p2"
    );
    assert_eq!(names(&disks(&sys.path().join("block/nvme0n1"))), "none");
}
