//! The first bytes of files, by which they are known.

use crate::tree::ROOT;

/// The head of a kernel image that names its release and has a 64-bit entry point.
///
/// Linux, `Documentation/arch/x86/boot.rst`: `setup_sects` at 0x1f1, the mark at 0x1fe, `HdrS` at
/// 0x202, the protocol's version at 0x206, the place of the kernel's version at 0x20e, the flags
/// at 0x236.
#[must_use]
pub fn kernel(release: &str) -> Vec<u8> {
    let mut bytes = vec![0; 5 * 512];
    bytes[0x1f1] = 4;
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x206..0x208].copy_from_slice(&[0x0f, 0x02]);
    bytes[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    bytes[0x236] = 1;
    let version = format!("{release} (builder@host) #1 SMP");
    bytes[0x400..0x400 + version.len()].copy_from_slice(version.as_bytes());
    bytes
}

/// The head of a program for a processor. ELF, `e_machine`: 62 is x86-64, 183 is `AArch64`.
#[must_use]
pub fn program(machine: u8) -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(18, 0);
    head.extend([machine, 0]);
    head
}

/// A LUKS header of version 2: magic, version, and a UUID at offset 168 (LUKS2 On-Disk Format
/// 1.0, 2.1).
#[must_use]
pub fn luks() -> Vec<u8> {
    let mut header = b"LUKS\xba\xbe\x00\x02".to_vec();
    header.resize(168, 0);
    header.extend(ROOT.bytes());
    header.resize(4096, 0);
    header
}

/// An initramfs with one executable file, `init`, and nothing in it. Linux,
/// `Documentation/driver-api/early-userspace/buffer-format.rst`: "newc".
#[must_use]
pub fn initramfs() -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, mode) in [("init", 0o100_755_u32), ("TRAILER!!!", 0)] {
        // Between mode and the name's length are nine fields, among them the file's length.
        let name_size = name.len() + 1;
        let header = format!(
            "070701{:08x}{mode:08x}{:072x}{name_size:08x}{:08x}",
            1, 0, 0
        );
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(name.as_bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}
