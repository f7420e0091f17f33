//! Small disks with a guest on them, made by the usual tools.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use detente_block::{DirectoryGate, FileBackend};
use detente_samples::{Label, Partition, ROOT, Tree, can_make_disks};

use crate::DiskInput;

const MIB: u64 = 1 << 20;

/// Where the root's incompatible features lie on the disk: its partition begins at 1 MiB ([ext4],
/// "The Super Block": at 1024, `s_feature_incompat` at 0x60).
pub(super) const FEATURES: u64 = MIB + 1024 + 0x60;

/// `INCOMPAT_RECOVER`.
const RECOVER: u8 = 4;

/// Makes a disk whose only partition holds a Debian-like guest with this initramfs; `None` if a
/// tool is missing: then `test` is named.
pub(super) fn disk(test: &str, place: &Path, initramfs: Option<&[u8]>) -> Option<PathBuf> {
    if !can_make_disks(test) {
        return None;
    }
    let tree = match initramfs {
        Some(bytes) => Tree::debian().file("boot/initrd.img-6.1", bytes),
        None => Tree::debian()
            .without("boot/initrd.img-6.1")
            .file("boot/grub/grub.cfg", Tree::grub(ROOT, false).as_bytes()),
    };
    let root = Partition {
        kind: "83",
        content: tree.ext4(8),
        mib: 8,
    };
    let disk = place.join("disk.raw");
    fs::write(&disk, detente_samples::disk(Label::Dos, &[root])).unwrap();
    Some(disk)
}

/// Marks the root as in use to the end.
pub(super) fn needs_recovery(disk: &Path) {
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(disk)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, FEATURES).unwrap();
    file.write_all_at(&[byte[0] | RECOVER], FEATURES).unwrap();
}

/// Opens a disk that rests on files of its own folder at most.
pub(super) fn open(path: &Path) -> DiskInput {
    let file = Arc::new(FileBackend::open(path).unwrap());
    DiskInput {
        path: path.to_path_buf(),
        image: detente_disk::open(path, file, &DirectoryGate::beside(path)).unwrap(),
    }
}

/// Runs a tool, which must succeed.
pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
