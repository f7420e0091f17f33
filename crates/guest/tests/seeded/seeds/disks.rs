//! Disks that are called by names that other hardware does not give.

use detente_samples::ROOT;

use crate::machine::{Machine, Second};
use crate::seed::{Seed, seed};
use crate::shapes::{debian, rhel};

const MENU: &str = "boot/grub/grub.cfg";

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.fstab.device-name",
        debian,
        "/etc/fstab:3 /srv=/dev/vdb1",
        |own| own.append("etc/fstab", "/dev/vdb1 /srv ext4 defaults 0 2\n"),
    ),
    seed(
        "linux.fstab.device-name-optional",
        debian,
        "/etc/fstab:3 none=/dev/vdb1",
        |own| own.append("etc/fstab", "/dev/vdb1 none swap sw 0 0\n"),
    ),
    // On virtio the name is a foreign one, too.
    seed(
        "linux.fstab.device-order",
        with_two_disks,
        "/etc/fstab:3 /srv=/dev/sdb1",
        |own| own.append("etc/fstab", "/dev/sdb1 /srv ext4 nofail 0 2\n"),
    )
    .also(&["linux.fstab.device-name-optional"]),
    seed(
        "linux.fstab.hardware-path",
        debian,
        "/etc/fstab:3 /srv=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1",
        |own| {
            let path = "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1";
            own.append("etc/fstab", &format!("{path} /srv ext4 defaults 0 2\n"));
        },
    ),
    seed(
        "linux.fstab.volume-not-there",
        debian,
        "/etc/fstab:3 /srv=UUID=66666666-0000-0000-0000-000000000000",
        |own| {
            let uuid = "66666666-0000-0000-0000-000000000000";
            own.append(
                "etc/fstab",
                &format!("UUID={uuid} /srv ext4 defaults 0 2\n"),
            );
        },
    ),
    seed(
        "linux.crypttab.device-name",
        debian,
        "/etc/crypttab:2 data=/dev/vdb1",
        |own| own.put("etc/crypttab", "# Ours.\ndata /dev/vdb1 none luks\n"),
    ),
    seed(
        "linux.crypttab.tpm",
        debian,
        "/etc/crypttab:1 data=luks,tpm2-device=auto",
        |own| own.put("etc/crypttab", "data UUID=1 none luks,tpm2-device=auto\n"),
    ),
    seed(
        "linux.boot.root-device-name",
        debian,
        "/boot/grub/grub.cfg root=/dev/vda2",
        |own| own.replace(MENU, &format!("root=UUID={ROOT}"), "root=/dev/vda2"),
    ),
    seed(
        "linux.boot.root-device-name-in-other-entry",
        debian,
        "/boot/grub/grub.cfg root=/dev/vda2",
        |own| {
            let older = "/boot/vmlinuz-6.1.0-27-amd64 root=";
            own.replace(
                MENU,
                &format!("{older}UUID={ROOT}"),
                &format!("{older}/dev/vda2"),
            );
        },
    ),
    seed(
        "linux.boot.fips-device-name",
        with_fips,
        "/boot/grub/grub.cfg boot=/dev/vda2",
        |own| own.replace(MENU, &format!("boot=UUID={ROOT}"), "boot=/dev/vda2"),
    ),
    seed(
        "linux.boot.resume-device-name",
        debian,
        "/boot/grub/grub.cfg resume=/dev/vda3",
        |own| own.argument("resume=/dev/vda3"),
    ),
    seed(
        "linux.grub.device-name",
        debian,
        "/etc/default/grub:2 GRUB_CMDLINE_LINUX=root=/dev/vda2 console=ttyS0,115200 console=tty0",
        |own| {
            own.replace(
                "etc/default/grub",
                "console=ttyS0",
                "root=/dev/vda2 console=ttyS0",
            )
        },
    ),
    seed(
        "linux.kdump.device-name",
        rhel,
        "/etc/kdump.conf:1 ext4=/dev/vdb1",
        |own| own.put("etc/kdump.conf", "ext4 /dev/vdb1\npath /var/crash\n"),
    ),
    seed(
        "linux.mdadm.device-name",
        debian,
        "/etc/mdadm/mdadm.conf:1 DEVICE=/dev/vda1 /dev/vdb1",
        |own| own.put("etc/mdadm/mdadm.conf", "DEVICE /dev/vda1 /dev/vdb1\n"),
    ),
    seed(
        "linux.udev.storage-rule",
        debian,
        "/etc/udev/rules.d/60-data.rules:2 …",
        |own| {
            let rule = "# Ours.\nKERNEL==\"vd*\", SYMLINK+=\"data\"\n";
            own.put("etc/udev/rules.d/60-data.rules", rule);
        },
    ),
    seed(
        "linux.swap.device-name",
        debian,
        "/etc/systemd/system/dev-vda3.swap:2 …",
        |own| {
            own.put(
                "etc/systemd/system/dev-vda3.swap",
                "[Swap]\nWhat=/dev/vda3\n",
            )
        },
    ),
    // No disk of this image has that name, so that the root is not found here either.
    // No disk here has that name, so that the root is not found here either.
    seed(
        "linux.multipath.root-name",
        debian,
        "/boot/grub/grub.cfg root=/dev/mapper/mpatha2",
        |own| {
            own.replace(
                MENU,
                &format!("root=UUID={ROOT}"),
                "root=/dev/mapper/mpatha2",
            )
        },
    )
    .also(&["linux.boot.chain-broken"]),
    seed(
        "linux.multipath.mount-name",
        debian,
        "/etc/fstab:3 /srv=/dev/mapper/mpathb1",
        |own| own.append("etc/fstab", "/dev/mapper/mpathb1 /srv ext4 defaults 0 2\n"),
    ),
];

fn with_two_disks() -> Machine {
    let mut own = debian();
    own.second = Second::Empty;
    own
}

fn with_fips() -> Machine {
    let mut own = debian();
    own.argument(&format!("fips=1 boot=UUID={ROOT}"));
    own
}
