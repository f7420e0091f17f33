//! Drivers that the kernel itself does not have, in whatever form.

use super::lookups::no_driver;
use super::{BOTH_KVM, HYPERV, KVM, LEGACY, SYNTHETIC};
use crate::check::{Aspect, Basis, By, Looked, Rule, Severity, View};

const OTHER_KERNEL: &str = "Install a kernel with these drivers (the distribution's ordinary \
                            one: not `-cloud`, `-kvm`, `-virtual` or a custom one) and start it.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.kernel.hyperv-storage-missing",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: HYPERV,
        title: "the kernel has no driver for Hyper-V's disks",
        consequence: "The kernel sees no disk, and no rebuilt initramfs would change that.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/hv and drivers/scsi/storvsc_drv.c; Microsoft, Supported Linux and \
                 FreeBSD virtual machines for Hyper-V",
        look: |view| no_driver(view, &["hv_vmbus", "hv_storvsc"]),
    },
    Rule {
        id: "linux.kernel.virtio-storage-missing",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: KVM,
        title: "the kernel has no driver for virtio disks",
        consequence: "The kernel sees no disk, and no rebuilt initramfs would change that.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/virtio/virtio_pci_common.c and drivers/block/virtio_blk.c",
        look: |view| no_driver(view, &["virtio_pci", "virtio_blk"]),
    },
    Rule {
        id: "linux.kernel.ahci-missing",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: LEGACY,
        title: "the kernel has no driver for SATA disks",
        consequence: "The kernel sees no disk on emulated SATA, and no rebuilt initramfs would \
                      change that.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/ata/ahci.c; Debian's -cloud kernels leave it out",
        look: |view| no_driver(view, &["ahci"]),
    },
    Rule {
        id: "linux.kernel.netvsc-missing",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: HYPERV,
        title: "the kernel has no driver for Hyper-V's network card",
        consequence: "The guest boots and has no network card.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/net/hyperv",
        look: |view| no_driver(view, &["hv_netvsc"]),
    },
    Rule {
        id: "linux.kernel.virtio-net-missing",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: KVM,
        title: "the kernel has no driver for virtio network cards",
        consequence: "The guest boots and has no network card.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/net/virtio_net.c",
        look: |view| no_driver(view, &["virtio_net"]),
    },
    Rule {
        id: "linux.kernel.e1000e-missing",
        aspect: Aspect::Network,
        severity: Severity::LosesNetwork,
        profiles: LEGACY,
        title: "the kernel has no driver for the emulated network card",
        consequence: "The guest boots and has no network card.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/net/ethernet/intel/e1000e",
        look: |view| no_driver(view, &["e1000e"]),
    },
    Rule {
        id: "linux.kernel.hyperv-utils-missing",
        aspect: Aspect::Agents,
        severity: Severity::Degrades,
        profiles: HYPERV,
        title: "the kernel has no driver for Hyper-V's services",
        consequence: "The host cannot shut the guest down, set its time, see that it is alive or \
                      freeze it for a backup.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/hv/hv_util.c",
        look: |view| no_driver(view, &["hv_utils"]),
    },
    Rule {
        id: "linux.kernel.hyperv-keyboard-missing",
        aspect: Aspect::Console,
        severity: Severity::Degrades,
        profiles: SYNTHETIC,
        title: "the kernel has no driver for Hyper-V's keyboard",
        consequence: "Nobody can type in the machine's window: generation 2 has no other keyboard.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/input/serio/hyperv-keyboard.c; generation 2 has no i8042",
        look: |view| no_driver(view, &["hyperv_keyboard"]),
    },
    Rule {
        id: "linux.kernel.virtio-console-missing",
        aspect: Aspect::Agents,
        severity: Severity::Note,
        profiles: BOTH_KVM,
        title: "the kernel has no driver for virtio ports",
        consequence: "The QEMU guest agent cannot talk to its host.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/char/virtio_console.c; qemu-guest-agent.service is bound to its port",
        look: |view| no_driver(view, &["virtio_console"]),
    },
    Rule {
        id: "linux.kernel.hyperv-screen-missing",
        aspect: Aspect::Console,
        severity: Severity::Note,
        profiles: SYNTHETIC,
        title: "the kernel has no driver for Hyper-V's screen",
        consequence: "The machine's window stays at what the firmware set up, or black.",
        remedy: OTHER_KERNEL,
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/video/fbdev/hyperv_fb.c, drivers/gpu/drm/hyperv",
        look: hyperv_screen,
    },
];

/// One of two drivers is enough.
fn hyperv_screen(view: &View<'_>) -> Looked {
    let (old, new) = (
        no_driver(view, &["hyperv_fb"]),
        no_driver(view, &["hyperv_drm"]),
    );
    if old == Looked::fine() || new == Looked::fine() {
        return Looked::fine();
    }
    old.and(new)
}
