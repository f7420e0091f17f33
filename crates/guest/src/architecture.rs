//! What processor a guest is made for: the ELF header of its first programs says so.

use detente_volume::FsError;

use crate::files::Files;

/// The name used for the only one that we run.
pub(crate) const X86_64: &str = "x86-64";

/// Programs that every Linux system has, most telling first.
const PROGRAMS: [&str; 7] = [
    "/sbin/init",
    "/usr/lib/systemd/systemd",
    "/bin/sh",
    "/usr/bin/sh",
    "/usr/bin/bash",
    "/bin/busybox",
    "/usr/bin/env",
];

/// The architecture and the program that shows it; `None` if no program was found.
pub(crate) fn find(files: Files<'_>) -> Result<Option<(String, &'static str)>, FsError> {
    for path in PROGRAMS {
        let head = files.head(path, 20)?.unwrap_or_default();
        if let Some(name) = of_elf(&head) {
            return Ok(Some((name, path)));
        }
    }
    Ok(None)
}

/// ELF: the machine number is at offset 18, in the byte order that offset 5 names.
pub(crate) fn of_elf(head: &[u8]) -> Option<String> {
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let number: [u8; 2] = head.get(18..20)?.try_into().ok()?;
    let machine = match head.get(5)? {
        2 => u16::from_be_bytes(number),
        _ => u16::from_le_bytes(number),
    };
    let wide = head.get(4)? == &2;
    Some(match (machine, wide) {
        (62, true) => X86_64.to_owned(),
        (62, false) => "x32".to_owned(),
        (3, _) => "i386".to_owned(),
        (183, _) => "aarch64".to_owned(),
        (40, _) => "arm".to_owned(),
        (243, _) => "riscv".to_owned(),
        (21, _) => "ppc64".to_owned(),
        (22, _) => "s390x".to_owned(),
        (258, _) => "loongarch".to_owned(),
        (other, _) => format!("ELF machine {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first 20 bytes of an ELF file.
    pub(crate) fn elf(class: u8, order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut head = vec![0x7f, b'E', b'L', b'F', class, order];
        head.resize(18, 0);
        head.extend(machine);
        head
    }

    #[test]
    fn machines_in_both_byte_orders() {
        assert_eq!(of_elf(&elf(2, 1, [62, 0])).as_deref(), Some("x86-64"));
        assert_eq!(of_elf(&elf(2, 1, [183, 0])).as_deref(), Some("aarch64"));
        assert_eq!(of_elf(&elf(2, 2, [0, 22])).as_deref(), Some("s390x"));
        assert_eq!(of_elf(&elf(1, 1, [3, 0])).as_deref(), Some("i386"));
        assert_eq!(
            of_elf(&elf(2, 1, [9, 9])).as_deref(),
            Some("ELF machine 2313")
        );
        assert_eq!(of_elf(b"#!/bin/sh\n"), None);
        assert_eq!(of_elf(b"\x7fELF"), None);
    }
}
