//! LVM, and what else volumes can have.

use detente_samples::luks;

use crate::machine::{Machine, On, Part, Second};
use crate::seed::{Seed, seed};
use crate::shapes::{debian, rebuild, rhel_on_lvm};

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.lvm.devices-file",
        rhel_on_lvm,
        "/etc/lvm/devices/system.devices:2 sys_wwid=naa.6002248",
        |own| {
            let device = "IDTYPE=sys_wwid IDNAME=naa.6002248 DEVNAME=/dev/sda2 PVID=none PART=2";
            let file = format!("VERSION=1.1.1\n{device}\n");
            own.put("etc/lvm/devices/system.devices", file);
        },
    ),
    seed(
        "linux.lvm.filter",
        rhel_on_lvm,
        "/etc/lvm/lvm.conf:2 …",
        |own| {
            let filter = "global_filter = [ \"a|^/dev/vd.*|\", \"r|.*|\" ]";
            own.put("etc/lvm/lvm.conf", format!("devices {{\n\t{filter}\n}}\n"));
        },
    ),
    seed(
        "linux.initramfs.device-mapper-missing",
        rhel_on_lvm,
        "/boot/initramfs-5.14.0-427.el9.x86_64.img dm_mod",
        |own| rebuild(own, 0, "dm_mod"),
    ),
    seed("linux.disk.part-missing", with_home, "rhel/home", |own| {
        own.second = Second::Away;
    }),
    seed(
        "linux.disk.root-part-missing",
        on_two_disks,
        "volume rhel/root",
        |own| own.second = Second::Away,
    ),
    seed(
        "linux.disk.not-unmounted",
        debian,
        "disk 0 partition 2",
        |own| {
            own.in_use = true;
        },
    ),
    seed("linux.disk.boot-full", debian, "free_bytes=…", |own| {
        own.root_mib = 24;
    }),
    seed(
        "linux.disk.encrypted",
        debian,
        "disk 0 partition 3 is encrypted by LUKS",
        |own| {
            own.behind.push(Part {
                kind: "linux",
                content: luks(),
            });
        },
    ),
    seed(
        "linux.storage.iscsi",
        debian,
        "/etc/iscsi/iscsid.conf:1 node.startup=automatic",
        |own| own.put("etc/iscsi/iscsid.conf", "node.startup = automatic\n"),
    ),
];

fn with_home() -> Machine {
    let mut own = rhel_on_lvm();
    own.on = On::LvmWithHome;
    own
}

/// The root is on two disks.
fn on_two_disks() -> Machine {
    let mut own = rhel_on_lvm();
    own.on = On::LvmSplit;
    own
}
