//! What starts the disk.

use detente_samples::{Label, ROOT};

use crate::machine::Machine;
use crate::program::{Signer, efi};
use crate::seed::{Seed, seed};
use crate::shapes::{BOTH, alpine, debian};

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.firmware.bios-on-generation-2",
        without_esp_in_fstab,
        "the disk has BIOS boot code, and no EFI system partition",
        |own| own.esp = None,
    ),
    seed(
        "linux.firmware.uefi-on-generation-1",
        debian,
        "the disk has an EFI system partition, and no boot code",
        |own| own.boot_code = "",
    ),
    seed(
        "linux.firmware.nothing-starts",
        by_bios_alone,
        "the disk has neither boot code nor EFI system partition",
        |own| own.boot_code = "",
    ),
    seed(
        "linux.firmware.no-fallback-loader",
        debian,
        "/EFI/BOOT/BOOTX64.EFI",
        no_fallback,
    ),
    // Generation 2 is as lost.
    seed(
        "linux.firmware.no-fallback-loader-on-kvm",
        by_uefi_alone,
        "/EFI/BOOT/BOOTX64.EFI",
        no_fallback,
    )
    .also(&["linux.firmware.no-fallback-loader"]),
    seed(
        "linux.firmware.fallback-leads-nowhere",
        debian,
        "/EFI/BOOT/BOOTX64.EFI",
        |own| own.on_esp(|esp| esp.without("EFI/BOOT/grubx64.efi")),
    ),
    // Generation 2 never had anything to start.
    seed(
        "linux.firmware.no-active-partition",
        alpine,
        "disk 0 has syslinux's boot code and no active partition",
        |own| own.active = false,
    )
    .also(&["linux.firmware.nothing-starts"]),
    seed(
        "linux.firmware.mbr-over-2-tib",
        with_mbr,
        "size_bytes=3298534883328",
        |own| own.disk_bytes = 3 << 40,
    ),
    seed(
        "linux.release.no-generation-2",
        debian,
        "/etc/os-release VERSION_ID=7",
        |own| own.put("usr/lib/os-release", "ID=debian\nVERSION_ID=\"7\"\n"),
    ),
];

fn no_fallback(own: &mut Machine) {
    own.on_esp(|esp| {
        let shim = efi("shim", BOTH);
        let moved = esp.without("EFI/BOOT/BOOTX64.EFI");
        let moved = moved.file("EFI/debian/shimx64.efi", &shim);
        moved.file("EFI/debian/grubx64.efi", &efi("grub", &[Signer::Debian]))
    });
}

fn by_uefi_alone() -> Machine {
    let mut own = debian();
    own.boot_code = "";
    own
}

/// Nothing is mounted at `/boot/efi`.
pub(crate) fn without_esp_in_fstab() -> Machine {
    let mut own = debian();
    own.put("etc/fstab", format!("UUID={ROOT} / ext4 defaults 0 1\n"));
    own
}

pub(crate) fn by_bios_alone() -> Machine {
    let mut own = without_esp_in_fstab();
    own.esp = None;
    own
}

fn with_mbr() -> Machine {
    let mut own = by_bios_alone();
    own.label = Label::Dos;
    own
}
