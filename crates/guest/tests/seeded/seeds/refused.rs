//! Drivers that are there and are refused.

use crate::machine::Machine;
use crate::seed::{Seed, seed};
use crate::shapes::debian;

pub(crate) const SEEDS: &[Seed] = &[
    seed(
        "linux.modprobe.storage-blacklisted",
        debian,
        "/etc/modprobe.d/local.conf:2 hv_storvsc=blacklist hv_storvsc",
        |own| modprobe(own, "blacklist hv_storvsc"),
    ),
    seed(
        "linux.modprobe.storage-disabled",
        debian,
        "/etc/modprobe.d/local.conf:2 virtio_blk=install virtio_blk /bin/true",
        |own| modprobe(own, "install virtio_blk /bin/true"),
    ),
    seed(
        "linux.modprobe.network-blacklisted",
        debian,
        "/etc/modprobe.d/local.conf:2 hv_netvsc=blacklist hv-netvsc",
        |own| modprobe(own, "blacklist hv-netvsc"),
    ),
    seed(
        "linux.modprobe.network-disabled",
        debian,
        "/etc/modprobe.d/local.conf:2 virtio_net=install virtio_net /bin/false",
        |own| modprobe(own, "install virtio_net /bin/false"),
    ),
    seed(
        "linux.arguments.storage-driver-refused",
        debian,
        "/boot/grub/grub.cfg modprobe.blacklist=floppy,hv-storvsc",
        |own| own.argument("modprobe.blacklist=floppy,hv-storvsc"),
    ),
    seed(
        "linux.arguments.network-driver-refused",
        debian,
        "/boot/grub/grub.cfg module_blacklist=virtio_net",
        |own| own.argument("module_blacklist=virtio_net"),
    ),
];

fn modprobe(own: &mut Machine, line: &str) {
    own.put("etc/modprobe.d/local.conf", format!("# Ours.\n{line}\n"));
}
