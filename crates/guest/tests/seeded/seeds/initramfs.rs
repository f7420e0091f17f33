//! Initramfs files that lack something, and how the next ones come to be.

use detente_samples::luks;

use crate::machine::{Machine, Part};
use crate::makers;
use crate::seed::{Seed, seed};
use crate::shapes::{DRIVERS, debian, rebuild, rhel};

const NEW: &str = "boot/initrd.img-6.1.0-28-amd64";
const DUMP: &str = "boot/initramfs-5.14.0-427.el9.x86_64kdump.img";

/// The initramfs of the entry that starts, without a driver.
const fn lacks(rule: &'static str, proof: &'static str, change: fn(&mut Machine)) -> Seed {
    seed(rule, debian, proof, change)
}

pub(crate) const SEEDS: &[Seed] = &[
    lacks(
        "linux.initramfs.vmbus-missing",
        "/boot/initrd.img-6.1.0-28-amd64 hv_vmbus",
        |own| rebuild(own, 0, "hv_vmbus"),
    ),
    lacks(
        "linux.initramfs.storvsc-missing",
        "/boot/initrd.img-6.1.0-28-amd64 hv_storvsc",
        |own| rebuild(own, 0, "hv_storvsc"),
    ),
    lacks(
        "linux.initramfs.hyperv-missing-in-other-entry",
        "/boot/initrd.img-6.1.0-27-amd64 hv_storvsc",
        |own| rebuild(own, 1, "hv_storvsc"),
    ),
    lacks(
        "linux.initramfs.virtio-pci-missing",
        "/boot/initrd.img-6.1.0-28-amd64 virtio_pci",
        |own| rebuild(own, 0, "virtio_pci"),
    ),
    lacks(
        "linux.initramfs.virtio-blk-missing",
        "/boot/initrd.img-6.1.0-28-amd64 virtio_blk",
        |own| rebuild(own, 0, "virtio_blk"),
    ),
    lacks(
        "linux.initramfs.virtio-missing-in-other-entry",
        "/boot/initrd.img-6.1.0-27-amd64 virtio_blk",
        |own| rebuild(own, 1, "virtio_blk"),
    ),
    lacks(
        "linux.initramfs.virtio-scsi-missing",
        "/boot/initrd.img-6.1.0-28-amd64 virtio_scsi",
        |own| rebuild(own, 0, "virtio_scsi"),
    ),
    lacks(
        "linux.initramfs.ahci-missing",
        "/boot/initrd.img-6.1.0-28-amd64 ahci",
        |own| rebuild(own, 0, "ahci"),
    ),
    lacks(
        "linux.initramfs.sd-mod-missing",
        "/boot/initrd.img-6.1.0-28-amd64 sd_mod",
        |own| rebuild(own, 0, "sd_mod"),
    ),
    lacks(
        "linux.initramfs.root-filesystem-missing",
        "/boot/initrd.img-6.1.0-28-amd64 ext4",
        |own| rebuild(own, 0, "ext4"),
    ),
    seed(
        "linux.initramfs.keyboard-missing",
        with_luks,
        "/boot/initrd.img-6.1.0-28-amd64 hyperv_keyboard",
        |own| rebuild(own, 0, "hyperv_keyboard"),
    ),
    seed(
        "linux.boot.no-initramfs",
        debian,
        "/boot/grub/grub.cfg hv_storvsc",
        |own| {
            own.replace(
                "boot/grub/grub.cfg",
                "\tinitrd\t/boot/initrd.img-6.1.0-28-amd64\n",
                "",
            )
        },
    ),
    seed(
        "linux.initramfs.host-only",
        debian,
        "/boot/initrd.img-6.1.0-28-amd64",
        |own| {
            own.put(
                NEW,
                makers::initramfs_tools_for_one("6.1.0-28-amd64", DRIVERS),
            )
        },
    ),
    seed(
        "linux.initramfs.modules-dep",
        debian,
        "/etc/initramfs-tools/initramfs.conf:1 MODULES=dep",
        |own| own.replace("etc/initramfs-tools/initramfs.conf", "most", "dep"),
    ),
    seed(
        "linux.initramfs.driver-omitted",
        rhel,
        "/etc/dracut.conf.d/99-site.conf:2 omit_drivers=hv_storvsc",
        |own| {
            own.put(
                "etc/dracut.conf.d/99-site.conf",
                "# Ours.\nomit_drivers+=\" hv_storvsc \"\n",
            )
        },
    ),
    seed(
        "linux.initramfs.kdump-drivers-missing",
        with_kdump,
        "/boot/initramfs-5.14.0-427.el9.x86_64kdump.img hv_storvsc",
        |own| dump(own, "hv_storvsc"),
    ),
    seed(
        "linux.initramfs.damaged",
        debian,
        "/boot/initrd.img-6.1.0-28-amd64",
        |own| {
            let whole = makers::initramfs_tools("6.1.0-28-amd64", DRIVERS);
            own.put(NEW, &whole[..whole.len() / 2]);
        },
    ),
];

fn with_luks() -> Machine {
    let mut own = debian();
    own.behind.push(Part {
        kind: "linux",
        content: luks(),
    });
    own
}

/// The dump's own initramfs, which has everything.
fn with_kdump() -> Machine {
    let mut own = rhel();
    dump(&mut own, "");
    own
}

fn dump(own: &mut Machine, without: &str) {
    let modules: Vec<&str> = DRIVERS
        .iter()
        .copied()
        .filter(|name| *name != without)
        .collect();
    own.put(DUMP, makers::dracut("5.14.0-427.el9.x86_64", &modules));
}
