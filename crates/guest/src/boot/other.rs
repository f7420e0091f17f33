//! Boot loaders by the files that give them away: those that are recognised and not read, and all
//! that are there.

use crate::error::InspectError;
use crate::facts::{LoaderSeen, Place};
use crate::volumes::Volumes;

/// Of those that are not read.
const UNREAD: [(&str, &str); 6] = [
    ("rEFInd", "/EFI/refind/refind.conf"),
    ("Limine", "/limine.conf"),
    ("Limine", "/boot/limine.conf"),
    ("LILO", "/etc/lilo.conf"),
    ("zipl", "/etc/zipl.conf"),
    ("U-Boot", "/boot/boot.scr"),
];

/// Of those that are.
const READ: [(&str, &str); 19] = [
    ("GRUB 2", "/boot/grub/grub.cfg"),
    ("GRUB 2", "/boot/grub2/grub.cfg"),
    ("GRUB 2", "/grub/grub.cfg"),
    ("GRUB 2", "/grub2/grub.cfg"),
    ("GRUB Legacy", "/boot/grub/grub.conf"),
    ("GRUB Legacy", "/boot/grub/menu.lst"),
    ("GRUB Legacy", "/grub/grub.conf"),
    ("GRUB Legacy", "/grub/menu.lst"),
    ("extlinux", "/boot/extlinux/extlinux.conf"),
    ("extlinux", "/extlinux/extlinux.conf"),
    ("extlinux", "/boot/extlinux.conf"),
    ("extlinux", "/extlinux.conf"),
    ("syslinux", "/boot/syslinux/syslinux.cfg"),
    ("syslinux", "/syslinux/syslinux.cfg"),
    ("syslinux", "/syslinux.cfg"),
    ("systemd-boot", "/loader/loader.conf"),
    ("systemd-boot", "/EFI/systemd/systemd-bootx64.efi"),
    ("Flatcar's GRUB", "/flatcar/vmlinuz-a"),
    ("Flatcar's GRUB", "/flatcar/vmlinuz-b"),
];

/// The first unread one that is there, and the file that shows it.
pub(super) fn find(volumes: &Volumes) -> Result<Option<(&'static str, Place)>, InspectError> {
    for held in volumes.readable() {
        for (name, path) in UNREAD {
            let place = Place {
                volume: held.id,
                path: path.to_owned(),
            };
            if volumes.is_file(&place)? {
                return Ok(Some((name, place)));
            }
        }
    }
    Ok(None)
}

/// Every one that is there, once for each volume.
pub(crate) fn seen(volumes: &Volumes) -> Result<Vec<LoaderSeen>, InspectError> {
    let mut all: Vec<LoaderSeen> = Vec::new();
    for held in volumes.readable() {
        for (name, path) in READ.into_iter().chain(UNREAD) {
            let evidence = Place {
                volume: held.id,
                path: path.to_owned(),
            };
            let again = |own: &LoaderSeen| own.name == name && own.evidence.volume == held.id;
            if !all.iter().any(again) && volumes.is_file(&evidence)? {
                let name = name.to_owned();
                all.push(LoaderSeen { name, evidence });
            }
        }
    }
    Ok(all)
}
