//! Kernels that do not have a driver at all.

use crate::machine::Machine;
use crate::seed::{Seed, seed};
use crate::shapes::{debian, rebuild};

const fn no(rule: &'static str, proof: &'static str, change: fn(&mut Machine)) -> Seed {
    seed(rule, debian, proof, change)
}

pub(crate) const SEEDS: &[Seed] = &[
    no(
        "linux.kernel.hyperv-storage-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep hv_storvsc",
        |own| without(own, "hv_storvsc"),
    ),
    no(
        "linux.kernel.virtio-storage-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep virtio_blk",
        |own| without(own, "virtio_blk"),
    ),
    no(
        "linux.kernel.ahci-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep ahci",
        |own| without(own, "ahci"),
    ),
    no(
        "linux.kernel.netvsc-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep hv_netvsc",
        |own| without(own, "hv_netvsc"),
    ),
    no(
        "linux.kernel.virtio-net-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep virtio_net",
        |own| without(own, "virtio_net"),
    ),
    no(
        "linux.kernel.e1000e-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep e1000e",
        |own| without(own, "e1000e"),
    ),
    no(
        "linux.kernel.hyperv-utils-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep hv_utils",
        |own| without(own, "hv_utils"),
    ),
    no(
        "linux.kernel.hyperv-keyboard-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep hyperv_keyboard",
        |own| without(own, "hyperv_keyboard"),
    ),
    no(
        "linux.kernel.virtio-console-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep virtio_console",
        |own| without(own, "virtio_console"),
    ),
    // The kernels here never had the older hyperv_fb.
    no(
        "linux.kernel.hyperv-screen-missing",
        "/usr/lib/modules/6.1.0-28-amd64/modules.dep hyperv_drm",
        |own| without(own, "hyperv_drm"),
    ),
];

/// The kernel that starts was built without it, so that its initramfs has none.
fn without(own: &mut Machine, driver: &str) {
    let line = format!("kernel/x/{driver}.ko:\n");
    own.replace("usr/lib/modules/6.1.0-28-amd64/modules.dep", &line, "");
    rebuild(own, 0, driver);
}
