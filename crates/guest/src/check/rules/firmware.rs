//! What starts the disk, and what the new machine's firmware looks for.

use super::{ALL, BOTH_KVM, GEN1, GEN2};
use crate::check::profile::Profile;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{BootCodeKind, EfiProgram, Family, Firmware, ProgramRole, Table};

/// Where a master boot record's numbers of 512-byte sectors end.
const MBR_LIMIT_BYTES: u64 = 1 << 41;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.firmware.bios-on-generation-2",
        aspect: Aspect::Firmware,
        severity: Severity::BlocksBoot,
        profiles: GEN2,
        title: "this guest starts by BIOS, and generation 2 has UEFI alone",
        consequence: "The firmware finds nothing to start.",
        remedy: "Choose generation 1 (`--profile hyperv-gen1`), or add an EFI system partition \
                 and a loader.",
        by: By::Machine,
        basis: Basis::Documented,
        source: "Microsoft, Should I create a generation 1 or 2 virtual machine in Hyper-V?",
        look: |view| {
            starts_by(
                view,
                Firmware::Bios,
                "BIOS boot code, and no EFI system partition",
            )
        },
    },
    Rule {
        id: "linux.firmware.uefi-on-generation-1",
        aspect: Aspect::Firmware,
        severity: Severity::BlocksBoot,
        profiles: GEN1,
        title: "this guest starts by UEFI, and generation 1 has a BIOS alone",
        consequence: "The BIOS finds no boot code.",
        remedy: "Choose generation 2 (`--profile hyperv-gen2`).",
        by: By::Machine,
        basis: Basis::Documented,
        source: "Microsoft, Should I create a generation 1 or 2 virtual machine in Hyper-V?",
        look: |view| {
            starts_by(
                view,
                Firmware::Uefi,
                "an EFI system partition, and no boot code",
            )
        },
    },
    Rule {
        id: "linux.firmware.nothing-starts",
        aspect: Aspect::Firmware,
        severity: Severity::BlocksBoot,
        profiles: &[Profile::HypervGen1, Profile::HypervGen2],
        title: "the disk has neither boot code nor an EFI system partition",
        consequence: "No firmware finds anything to start; Hyper-V starts no kernel by itself.",
        remedy: "Give the disk that starts first, or install a boot loader.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "UEFI specification, section 3.5; Hyper-V has no direct boot of a kernel",
        look: |view| {
            // A BIOS does start the code that finds no active partition; that has a rule of its own.
            if view.profile == Profile::HypervGen1 && is_stuck(view) {
                return Looked::fine();
            }
            starts_by(
                view,
                Firmware::Unknown,
                "neither boot code nor EFI system partition",
            )
        },
    },
    Rule {
        id: "linux.firmware.no-fallback-loader",
        aspect: Aspect::Firmware,
        severity: Severity::BlocksBoot,
        profiles: GEN2,
        title: "\\EFI\\BOOT\\BOOTX64.EFI is missing",
        consequence: "The firmware's boot entries stay behind with the old machine, and a new \
                      machine looks for this file alone.",
        remedy: "Copy shim, GRUB and its configuration there (Debian: `grub-install \
                 --force-extra-removable`; others: shim's BOOTX64.EFI and fbx64.efi).",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "UEFI specification, section 3.5.1.1; Microsoft, Ubuntu on Hyper-V: copy the \
                 loader to \\EFI\\boot",
        look: no_fallback,
    },
    Rule {
        id: "linux.firmware.no-fallback-loader-on-kvm",
        aspect: Aspect::Firmware,
        severity: Severity::Degrades,
        profiles: BOTH_KVM,
        title: "\\EFI\\BOOT\\BOOTX64.EFI is missing",
        consequence: "OVMF starts the guest only if its variables travel with the disk.",
        remedy: "Copy shim, GRUB and its configuration there, or take the variables along.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "UEFI specification, section 3.5.1.1",
        look: no_fallback,
    },
    Rule {
        id: "linux.firmware.fallback-leads-nowhere",
        aspect: Aspect::Firmware,
        severity: Severity::BlocksBoot,
        profiles: GEN2,
        title: "BOOTX64.EFI is shim, and nothing that it would start is beside it",
        consequence: "shim starts, finds neither GRUB nor its fallback, and gives up.",
        remedy: "Put grubx64.efi with its configuration there, or fbx64.efi, which reads \
                 BOOTX64.CSV.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "shim, README.fallback",
        look: leads_nowhere,
    },
    Rule {
        id: "linux.firmware.no-active-partition",
        aspect: Aspect::Firmware,
        severity: Severity::BlocksBoot,
        profiles: &[Profile::Kvm, Profile::KvmLegacy, Profile::HypervGen1],
        title: "the boot code starts the active partition, and none is active",
        consequence: "The BIOS says that there is no operating system.",
        remedy: "Mark the partition with the loader as active (`sfdisk --activate`).",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "syslinux, mbr.bin",
        look: no_active_partition,
    },
    Rule {
        id: "linux.firmware.mbr-over-2-tib",
        aspect: Aspect::Firmware,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "the disk is larger than its partition table can say",
        consequence: "What lies beyond 2 TiB cannot be in a partition.",
        remedy: "Convert the table to GPT (`sgdisk --mbrtogpt`), with a BIOS boot partition where \
                 a BIOS starts it.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "UEFI specification, section 5.2.1: 32-bit sector numbers",
        look: mbr_over_2_tib,
    },
    Rule {
        id: "linux.release.no-generation-2",
        aspect: Aspect::Firmware,
        severity: Severity::BlocksBoot,
        profiles: GEN2,
        title: "this release is too old for generation 2",
        consequence: "Its loader or kernel does not start on generation 2's UEFI, says Microsoft.",
        remedy: "Choose generation 1 (`--profile hyperv-gen1`), or upgrade the guest.",
        by: By::Machine,
        basis: Basis::Documented,
        source: "Microsoft, Should I create a generation 1 or 2 virtual machine in Hyper-V?, \
                 pages of 2020-12-01 and 2025-06-18",
        look: too_old,
    },
];

fn starts_by(view: &View<'_>, firmware: Firmware, words: &str) -> Looked {
    if view.facts.firmware == firmware {
        Looked::found([Proof::words(format!("the disk has {words}"))])
    } else {
        Looked::fine()
    }
}

fn by_uefi(view: &View<'_>) -> bool {
    match view.facts.firmware {
        Firmware::Uefi | Firmware::UefiAndBios => true,
        Firmware::Bios | Firmware::Unknown => false,
    }
}

fn fallback<'a>(view: &View<'a>) -> Option<&'a EfiProgram> {
    view.facts
        .boot
        .efi_programs
        .iter()
        .find(|own| own.fallback && own.place.path.to_ascii_lowercase().ends_with("bootx64.efi"))
}

fn no_fallback(view: &View<'_>) -> Looked {
    // Where a BIOS can start it as well, KVM starts it by that.
    if !by_uefi(view)
        || fallback(view).is_some()
        || (!view.profile.is_hyperv() && view.facts.firmware == Firmware::UefiAndBios)
    {
        return Looked::fine();
    }
    let programs = &view.facts.boot.efi_programs;
    let there: Vec<&str> = programs.iter().map(|own| own.place.path.as_str()).collect();
    let text = match there.is_empty() {
        true => "no program for UEFI was found".to_owned(),
        false => format!("there are {} and no BOOTX64.EFI", there.join(", ")),
    };
    Looked::found([Proof::words(text).file("/EFI/BOOT/BOOTX64.EFI")])
}

fn leads_nowhere(view: &View<'_>) -> Looked {
    let Some(first) = fallback(view).filter(|_| by_uefi(view)) else {
        return Looked::fine();
    };
    let signed = &view.facts.secure_boot.programs;
    let is_shim = signed
        .iter()
        .any(|own| own.place == first.place && own.role == ProgramRole::Shim);
    if !is_shim {
        return Looked::fine();
    }
    let beside = |name: &str| {
        view.facts.boot.efi_programs.iter().any(|own| {
            let path = own.place.path.to_ascii_lowercase();
            own.place.volume == first.place.volume && path.strip_prefix("/efi/boot/") == Some(name)
        })
    };
    // SUSE's shim looks for other names.
    let falls_back = beside("fbx64.efi") || beside("fallback.efi");
    let by_csv = falls_back && !view.facts.boot.efi_csv.is_empty();
    if beside("grubx64.efi") || beside("grub.efi") || by_csv {
        return Looked::fine();
    }
    let text = "beside shim there is neither grubx64.efi nor fbx64.efi with a BOOTX64.CSV";
    Looked::found([Proof::words(text).on(&first.place)])
}

fn no_active_partition(view: &View<'_>) -> Looked {
    let text = "disk 0 has syslinux's boot code and no active partition";
    Looked::found(is_stuck(view).then(|| Proof::words(text)))
}

/// Whether all that could start the disk is code that looks for an active partition, in vain.
/// Without one the facts do not say that a BIOS starts it.
fn is_stuck(view: &View<'_>) -> bool {
    let without_uefi = match view.facts.firmware {
        Firmware::Bios | Firmware::Unknown => true,
        Firmware::Uefi | Firmware::UefiAndBios => false,
    };
    let mut disks = view.facts.disks.iter();
    let is_mbr = disks.next().is_some_and(|disk| disk.table == Table::Mbr);
    let mut code = view.facts.boot.bios_code.iter();
    let stuck = code.any(|own| {
        own.disk == 0 && own.kind == BootCodeKind::Syslinux && own.active_partition.is_none()
    });
    without_uefi && is_mbr && stuck
}

fn mbr_over_2_tib(view: &View<'_>) -> Looked {
    let disks = view.facts.disks.iter().enumerate();
    let large =
        disks.filter(|(_, disk)| disk.table == Table::Mbr && disk.size_bytes > MBR_LIMIT_BYTES);
    Looked::found(large.map(|(index, disk)| {
        let text = format!("disk {index} has {} bytes and an MBR", disk.size_bytes);
        Proof::words(text).pair("size_bytes", &disk.size_bytes.to_string())
    }))
}

/// Releases that the documents give generation 1 alone.
fn too_old(view: &View<'_>) -> Looked {
    let system = &view.facts.operating_system;
    let Some(major) = view.major() else {
        return Looked::fine();
    };
    let last = match (system.id.as_str(), system.family) {
        ("debian", _) => 7,
        ("ubuntu", _) => 12,
        ("sles" | "sled" | "opensuse", _) => 11,
        ("ol", _) => 6,
        ("rhel" | "centos", Family::Rhel) => 5,
        _ => return Looked::fine(),
    };
    if major > last {
        return Looked::fine();
    }
    let version = system.version_id.as_deref().unwrap_or_default();
    let proof = Proof::words(format!("{} {version}", system.id)).file(&system.source);
    Looked::found([proof.pair("VERSION_ID", version)])
}
