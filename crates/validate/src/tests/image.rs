//! Small disks with a guest on them, made by the usual tools.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use detente_block::{ClosedGate, FileBackend};
use detente_initramfs::CpioWriter;

use crate::DiskInput;

const ROOT: &str = "11111111-2222-3333-4444-555555555555";
const MIB: u64 = 1 << 20;

/// Where the root's incompatible features lie on the disk: its partition begins at 1 MiB ([ext4],
/// "The Super Block": at 1024, `s_feature_incompat` at 0x60).
pub(super) const FEATURES: u64 = MIB + 1024 + 0x60;

/// `INCOMPAT_RECOVER`.
const RECOVER: u8 = 4;

/// What lies in the initramfs of a sound guest.
pub(super) fn own_initramfs() -> Vec<u8> {
    let mut archive = CpioWriter::new();
    archive.file("init", 0o755, b"#!/bin/sh\n");
    archive.finish()
}

/// Makes a disk whose only partition holds a Debian-like guest with this
/// initramfs; `None` if a tool is missing: then `test` is named.
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
pub(super) fn disk(test: &str, place: &Path, initramfs: Option<&[u8]>) -> Option<PathBuf> {
    for tool in ["mke2fs", "sfdisk"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("skipped: {test}: {tool} is not there");
            return None;
        }
    }
    let tree = place.join("tree");
    grow(&tree, initramfs);
    let (disk, root) = (place.join("disk.raw"), place.join("root.ext4"));
    run(Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-U", ROOT, "-d"])
        .args([&tree, &root])
        .arg("8M"));
    let file = fs::File::create(&disk).unwrap();
    file.set_len(10 * MIB).unwrap();
    let layout = place.join("layout");
    fs::write(&layout, "label: dos\nstart=2048, size=16384, type=83\n").unwrap();
    run(Command::new("sfdisk")
        .arg("-q")
        .arg(&disk)
        .stdin(fs::File::open(&layout).unwrap()));
    file.write_all_at(&fs::read(&root).unwrap(), MIB).unwrap();
    fs::remove_dir_all(tree).unwrap();
    fs::remove_file(root).unwrap();
    fs::remove_file(layout).unwrap();
    Some(disk)
}

fn grow(tree: &Path, initramfs: Option<&[u8]>) {
    let file = |path: &str, bytes: &[u8]| {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let initrd = initramfs.map_or("", |_| "\tinitrd\t/boot/initrd.img\n");
    let config = format!(
        "menuentry 'Debian' $menuentry_id_option 'd' {{\n\
         \tsearch --no-floppy --fs-uuid --set=root {ROOT}\n\
         \tlinux\t/boot/vmlinuz root=UUID={ROOT} ro quiet\n{initrd}}}\n"
    );
    file("boot/grub/grub.cfg", config.as_bytes());
    file("boot/vmlinuz", &kernel());
    if let Some(bytes) = initramfs {
        file("boot/initrd.img", bytes);
    }
    file("etc/os-release", b"ID=debian\nPRETTY_NAME=\"Debian 12\"\n");
    // [ELF]: 62 is x86-64.
    file(
        "sbin/init",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0\x3e\0",
    );
    file("lib/modules/6.1/modules.dep", b"");
}

/// The head of a kernel image. [Linux] Documentation/arch/x86/boot.rst.
fn kernel() -> Vec<u8> {
    let mut bytes = vec![0; 5 * 512];
    bytes[0x1f1] = 4;
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x206..0x208].copy_from_slice(&[0x0f, 0x02]);
    bytes[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    bytes[0x236] = 1;
    bytes[0x400..0x403].copy_from_slice(b"6.1");
    bytes
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

/// Opens a disk that rests on no other file.
pub(super) fn open(path: &Path) -> DiskInput {
    let file = Arc::new(FileBackend::open(path).unwrap());
    DiskInput {
        path: path.to_path_buf(),
        image: detente_disk::open(path, file, &ClosedGate).unwrap(),
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
