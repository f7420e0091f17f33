//! Modules that are missing from an initramfs, so that the root is never found.

use super::lookups::{NO_ENTRY, absent, absent_by_default, absent_elsewhere};
use super::{ALL, HYPERV, KVM, LEGACY, SYNTHETIC};
use crate::check::entry::Reach;
use crate::check::profile::Profile;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};

const REBUILD: &str = "Name the modules in the configuration of the initramfs and rebuild it for \
                       every kernel (dracut: `add_drivers+=\" … \"` and `dracut -f --kver …`; \
                       initramfs-tools: /etc/initramfs-tools/modules and `update-initramfs -u -k all`).";

/// What most rules of this family have in common.
const fn blocks(
    id: &'static str,
    profiles: &'static [Profile],
    texts: [&'static str; 3],
    look: fn(&View<'_>) -> Looked,
) -> Rule {
    let [title, consequence, source] = texts;
    Rule {
        id,
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles,
        title,
        consequence,
        remedy: REBUILD,
        by: By::Prepare,
        basis: Basis::Seen,
        source,
        look,
    }
}

const fn degrades(
    id: &'static str,
    profiles: &'static [Profile],
    texts: [&'static str; 3],
    look: fn(&View<'_>) -> Looked,
) -> Rule {
    Rule {
        severity: Severity::Degrades,
        ..blocks(id, profiles, texts, look)
    }
}

pub(super) const RULES: &[Rule] = &[
    blocks(
        "linux.initramfs.vmbus-missing",
        HYPERV,
        [
            "hv_vmbus is not in the initramfs",
            "Without Hyper-V's bus no disk of it is ever found, and the boot stops where the root \
             is waited for.",
            "Linux, drivers/hv/vmbus_drv.c; seen on the hyperv-vmbus machine",
        ],
        |view| absent_by_default(view, "hv_vmbus"),
    ),
    blocks(
        "linux.initramfs.storvsc-missing",
        HYPERV,
        [
            "hv_storvsc is not in the initramfs",
            "The boot stops where the root is waited for; an IDE disk of generation 1 does not \
             save it, because ata_piix leaves disks to hv_storvsc wherever DMI says Microsoft \
             (`ata_piix.prefer_ms_hyperv=0` is the emergency exit there).",
            "Linux, drivers/ata/ata_piix.c, piix_ignore_devices_quirk: reproduced with Debian 12; \
             the missing driver seen on the hyperv-vmbus machine",
        ],
        storvsc_missing,
    ),
    degrades(
        "linux.initramfs.hyperv-missing-in-other-entry",
        HYPERV,
        [
            "an entry that can be chosen has no Hyper-V drivers in its initramfs",
            "When the kernel that starts fails, the older one in the menu does not boot either.",
            "Linux, drivers/hv/vmbus_drv.c; the rule of every initramfs, not the running one alone",
        ],
        |view| absent_elsewhere(view, &["hv_vmbus", "hv_storvsc"]),
    ),
    blocks(
        "linux.initramfs.virtio-pci-missing",
        KVM,
        [
            "virtio_pci is not in the initramfs",
            "No virtio device is found, and the boot stops where the root is waited for.",
            "Linux, drivers/virtio/virtio_pci_common.c; seen on QEMU",
        ],
        |view| absent_by_default(view, "virtio_pci"),
    ),
    blocks(
        "linux.initramfs.virtio-blk-missing",
        KVM,
        [
            "virtio_blk is not in the initramfs",
            "The virtio disk is not found, and the boot stops where the root is waited for.",
            "Linux, drivers/block/virtio_blk.c; seen on QEMU",
        ],
        |view| absent_by_default(view, "virtio_blk"),
    ),
    degrades(
        "linux.initramfs.virtio-missing-in-other-entry",
        KVM,
        [
            "an entry that can be chosen has no virtio drivers in its initramfs",
            "When the kernel that starts fails, the older one in the menu does not boot either.",
            "Linux, drivers/virtio; the rule of every initramfs, not the running one alone",
        ],
        |view| absent_elsewhere(view, &["virtio_pci", "virtio_blk"]),
    ),
    Rule {
        severity: Severity::Note,
        ..blocks(
            "linux.initramfs.virtio-scsi-missing",
            KVM,
            [
                "virtio_scsi is not in the initramfs",
                "The guest boots from a virtio-blk disk, and would not from a virtio-scsi one.",
                "Linux, drivers/scsi/virtio_scsi.c",
            ],
            |view| absent_by_default(view, "virtio_scsi"),
        )
    },
    blocks(
        "linux.initramfs.ahci-missing",
        LEGACY,
        [
            "ahci is not in the initramfs",
            "The SATA disk is not found, and the boot stops where the root is waited for.",
            "Linux, drivers/ata/ahci.c; seen on QEMU",
        ],
        |view| absent_by_default(view, "ahci"),
    ),
    blocks(
        "linux.initramfs.sd-mod-missing",
        &[
            Profile::KvmLegacy,
            Profile::HypervGen1,
            Profile::HypervGen2,
            Profile::HypervVmbus,
        ],
        [
            "sd_mod is not in the initramfs",
            "The controller is found and no disk on it, because SCSI disks (SATA and Hyper-V's \
             among them) need sd_mod.",
            "Linux, drivers/scsi/sd.c",
        ],
        |view| absent_by_default(view, "sd_mod"),
    ),
    blocks(
        "linux.initramfs.root-filesystem-missing",
        ALL,
        [
            "the driver of the root's file system is not in the initramfs",
            "The root's disk is found and cannot be mounted.",
            "Linux, fs/; initramfs-tools and dracut put in what the root is",
        ],
        root_filesystem,
    ),
    blocks(
        "linux.boot.no-initramfs",
        ALL,
        [
            "the entry has no initramfs, and the drivers of the disk are modules",
            "The kernel cannot read its modules before it has the root, nor the root without them.",
            "Linux, Documentation/admin-guide/initrd.rst",
        ],
        no_initramfs,
    ),
    Rule {
        basis: Basis::Documented,
        ..blocks(
            "linux.initramfs.keyboard-missing",
            SYNTHETIC,
            [
                "the root is encrypted, and Hyper-V's keyboard is not in the initramfs",
                "The passphrase is asked for and cannot be typed: generation 2 has no other \
                 keyboard.",
                "Debian's initramfs-tools adds hyperv-keyboard for this reason; dracut issue 1917",
            ],
            keyboard_missing,
        )
    },
];

fn storvsc_missing(view: &View<'_>) -> Looked {
    let Some(entry) = view.default_entry() else {
        return Looked::gap(NO_ENTRY);
    };
    let spared = view
        .arguments()
        .iter()
        .any(|own| own.name.replace('-', "_") == "ata_piix.prefer_ms_hyperv" && own.value() == "0");
    if view.profile == Profile::HypervGen1
        && spared
        && entry.reach("ata_piix") == Reach::Reached
        && entry.reach("sd_mod") == Reach::Reached
    {
        return Looked::fine();
    }
    absent(entry, "hv_storvsc")
}

fn root_filesystem(view: &View<'_>) -> Looked {
    let driver = match view.root().map(|root| root.content.as_str()) {
        Some("ext4" | "ext3" | "ext2") => "ext4",
        Some("xfs") => "xfs",
        Some("btrfs") => "btrfs",
        Some(_) | None => return Looked::fine(),
    };
    absent_by_default(view, driver)
}

fn no_initramfs(view: &View<'_>) -> Looked {
    let Some(entry) = view.default_entry() else {
        return Looked::gap(NO_ENTRY);
    };
    let modules = view.profile.disk_modules().iter();
    let needs = modules.filter(|module| entry.reach(module) == Reach::NoInitramfs);
    Looked::found(needs.map(|module| {
        let text = format!(
            "{module} is a module, and {:?} loads no initramfs",
            entry.entry.title
        );
        Proof::words(text).file(view.menu()).key(module)
    }))
}

fn keyboard_missing(view: &View<'_>) -> Looked {
    if view.volumes().any(|(_, volume)| volume.content == "luks") {
        absent_by_default(view, "hyperv_keyboard")
    } else {
        Looked::fine()
    }
}
