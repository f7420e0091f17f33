//! Small file systems that look like guests: enough to be read, never booted.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const MIB: u64 = 1 << 20;

const CONFIG: &str = "menuentry 'Debian' {\n linux /boot/vmlinuz root=/dev/vda ro\n \
                      initrd /boot/initrd.img\n}\n";

/// The files of a guest that GRUB would start: kernel and initramfs have sound heads, no more.
pub(crate) fn sound() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "etc/os-release",
            b"ID=debian\nPRETTY_NAME=\"Debian 12\"\n".to_vec(),
        ),
        ("sbin/init", program(62)),
        ("boot/grub/grub.cfg", CONFIG.as_bytes().to_vec()),
        ("boot/vmlinuz", kernel()),
        ("boot/initrd.img", initramfs()),
    ]
}

/// [`sound`] with one file taken away and others put in.
pub(crate) fn spoiled(
    without: &str,
    with: Vec<(&'static str, Vec<u8>)>,
) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = sound();
    let before = files.len();
    files.retain(|(path, _)| *path != without);
    assert!(files.len() < before, "{without} was not there");
    files.extend(with);
    files
}

/// The head of a program for a processor. ELF: `e_machine` 62 is x86-64, 183 is `AArch64`.
pub(crate) fn program(machine: u8) -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(18, 0);
    head.extend([machine, 0]);
    head
}

/// The head of a kernel image. Linux, Documentation/arch/x86/boot.rst: 0x1fe, 0x202, 0x206,
/// 0x20e (the version's place), 0x236 (bit 0: it has a 64-bit entry point).
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

/// One executable file `init`. Linux, Documentation/driver-api/early-userspace: "newc".
fn initramfs() -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, mode) in [("init", 0o100_755_u32), ("TRAILER!!!", 0)] {
        let name_size = name.len() + 1;
        archive.extend_from_slice(
            format!(
                "070701{:08x}{mode:08x}{:080x}{name_size:08x}{:08x}",
                1, 0, 0
            )
            .as_bytes(),
        );
        archive.extend_from_slice(name.as_bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}

/// Makes `image`, one ext4 file system with these files; false, said aloud, without mke2fs.
pub(crate) fn make(test: &str, image: &Path, files: &[(&str, Vec<u8>)]) -> bool {
    let tree = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::File::create(image).unwrap().set_len(32 * MIB).unwrap();
    let made = ["mke2fs", "/usr/sbin/mke2fs", "/sbin/mke2fs"]
        .iter()
        .any(|program| {
            Command::new(program)
                .args(["-q", "-F", "-t", "ext4", "-d"])
                .args([tree.path(), image])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        });
    if !made {
        eprintln!("skipped: {test}: mke2fs is not there");
    }
    made
}
