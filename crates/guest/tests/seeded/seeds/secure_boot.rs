//! Who signed what.

use super::firmware::by_bios_alone;
use crate::machine::Machine;
use crate::program::{Signer, efi, kernel};
use crate::seed::{Seed, seed};
use crate::shapes::{debian, esp};

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.secure-boot.template",
        by_bios_alone,
        "/EFI/BOOT/BOOTX64.EFI",
        |own| own.esp = Some(esp("debian")),
    ),
    seed(
        "linux.secure-boot.loader-not-trusted",
        debian,
        "/EFI/BOOT/BOOTX64.EFI",
        |own| shim(own, &[]),
    ),
    seed(
        "linux.secure-boot.only-2023",
        debian,
        "/EFI/BOOT/BOOTX64.EFI",
        |own| shim(own, &[Signer::Microsoft2023]),
    ),
    seed(
        "linux.secure-boot.only-2011",
        debian,
        "/EFI/BOOT/BOOTX64.EFI",
        |own| shim(own, &[Signer::Microsoft2011]),
    ),
    seed(
        "linux.secure-boot.kernel-not-signed",
        debian,
        "/boot/vmlinuz-6.1.0-28-amd64",
        |own| signed(own, &[]),
    ),
    seed(
        "linux.secure-boot.keys-stay-behind",
        debian,
        "/boot/vmlinuz-6.1.0-28-amd64",
        |own| signed(own, &[Signer::Owner]),
    ),
];

fn shim(own: &mut Machine, signers: &[Signer]) {
    own.on_esp(|esp| esp.file("EFI/BOOT/BOOTX64.EFI", &efi("shim", signers)));
}

fn signed(own: &mut Machine, signers: &[Signer]) {
    let release = "6.1.0-28-amd64";
    own.put(&format!("boot/vmlinuz-{release}"), kernel(release, signers));
}
