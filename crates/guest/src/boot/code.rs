//! Whose code a disk's first sector has.

use crate::facts::BootCodeKind;

/// The code, and the number of the partition that is marked active, from 1.
pub(crate) fn of_sector(sector: &[u8]) -> (BootCodeKind, Option<u32>) {
    let code = sector.get(..440).unwrap_or(sector);
    let has = |text: &[u8]| sector.windows(text.len().max(1)).any(|word| word == text);
    let kind = if code.iter().all(|&byte| byte == 0) {
        BootCodeKind::None
    } else if has(b"GRUB") {
        // boot.img, and stage1 before it, say so when they fail.
        BootCodeKind::Grub
    } else if sector.get(6..10) == Some(b"LILO") {
        BootCodeKind::Lilo
    } else if has(b"Operating system load error") || has(b"Missing OS\r\n") {
        // syslinux, mbr/mbr.S and mbr/gptmbr.S.
        BootCodeKind::Syslinux
    } else if has(b"Error loading operating system") || has(b"BOOTMGR") {
        BootCodeKind::Windows
    } else {
        BootCodeKind::Unknown
    };
    (kind, active(sector))
}

/// The first entry of four that begins with 0x80.
fn active(sector: &[u8]) -> Option<u32> {
    let is_table = sector.get(510..512) == Some(&[0x55, 0xaa]);
    let entries = sector.get(446..510).filter(|_| is_table)?;
    let marked = |(_, entry): &(u32, &[u8])| entry.first() == Some(&0x80);
    (1..)
        .zip(entries.chunks(16))
        .find(marked)
        .map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sector(text: &[u8], active: Option<usize>) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        bytes[..2].copy_from_slice(&[0xeb, 0x63]);
        bytes[300..300 + text.len()].copy_from_slice(text);
        bytes[510..].copy_from_slice(&[0x55, 0xaa]);
        if let Some(index) = active {
            bytes[446 + 16 * index] = 0x80;
        }
        bytes
    }

    #[test]
    fn code_by_its_messages() {
        for (text, expect) in [
            (
                b"GRUB \0Geom\0Hard Disk\0Read\0 Error".as_slice(),
                BootCodeKind::Grub,
            ),
            (
                b"Missing operating system.\r\n\0Operating system load error.",
                BootCodeKind::Syslinux,
            ),
            (
                b"Invalid partition table\0Error loading operating system",
                BootCodeKind::Windows,
            ),
            (b"Boot error", BootCodeKind::Unknown),
        ] {
            assert_eq!(of_sector(&sector(text, Some(1))), (expect, Some(2)));
        }
        assert_eq!(of_sector(&[0; 512]), (BootCodeKind::None, None));
        let mut lilo = sector(b"", None);
        lilo[6..10].copy_from_slice(b"LILO");
        assert_eq!(of_sector(&lilo), (BootCodeKind::Lilo, None));
    }
}
