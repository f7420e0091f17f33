//! The devices that a profile is made of.

use crate::Profile;

/// The devices of a profile's machine, by the names of QEMU's `-device`, sorted. What
/// the machine type brings by itself (the SATA controller of q35) is not among them.
#[must_use]
pub fn devices(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Kvm => &[
            "VGA",
            "isa-serial",
            "pvpanic",
            "virtio-blk-pci",
            "virtio-net-pci",
            "virtio-rng-pci",
            "virtio-serial-pci",
            "virtserialport",
        ],
        Profile::KvmLegacy => &["VGA", "e1000e", "ide-hd", "isa-serial", "pvpanic"],
        // It is no machine of QEMU's.
        Profile::HypervVmbus => &[],
    }
}
