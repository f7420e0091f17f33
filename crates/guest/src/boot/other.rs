//! Boot loaders that are recognised and not read.

use crate::error::InspectError;
use crate::facts::Place;
use crate::volumes::Volumes;

/// Files that give a boot loader away.
const SIGNS: [(&str, &str); 13] = [
    ("extlinux", "/boot/extlinux/extlinux.conf"),
    ("extlinux", "/extlinux/extlinux.conf"),
    ("extlinux", "/boot/extlinux.conf"),
    ("syslinux", "/boot/syslinux/syslinux.cfg"),
    ("syslinux", "/syslinux/syslinux.cfg"),
    ("syslinux", "/syslinux.cfg"),
    ("GRUB Legacy", "/boot/grub/menu.lst"),
    ("GRUB Legacy", "/boot/grub/grub.conf"),
    ("GRUB Legacy", "/grub/menu.lst"),
    ("rEFInd", "/EFI/refind/refind.conf"),
    ("Limine", "/limine.conf"),
    ("LILO", "/etc/lilo.conf"),
    ("zipl", "/etc/zipl.conf"),
];

/// The first that is there, and the file that shows it.
pub(super) fn find(volumes: &Volumes) -> Result<Option<(&'static str, Place)>, InspectError> {
    for held in volumes.readable() {
        for (name, path) in SIGNS {
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
