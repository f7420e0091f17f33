//! The table of all rules, a family a file.

mod agents;
mod arguments;
mod chain;
mod console;
mod drivers;
mod firmware;
mod initramfs;
mod initramfs_setup;
mod interfaces;
mod kernel_names;
mod lookups;
mod lvm;
mod machine;
mod modprobe;
mod mounts;
mod multipath;
mod network;
mod old_names;
mod secure_boot;
mod space;
mod time;

use super::{Profile, Rule};

/// Every profile.
const ALL: &[Profile] = &Profile::ALL;
/// Those with virtio devices.
const KVM: &[Profile] = &[Profile::Kvm];
/// Those with devices that QEMU emulates.
const LEGACY: &[Profile] = &[Profile::KvmLegacy];
/// Both of KVM.
const BOTH_KVM: &[Profile] = &[Profile::Kvm, Profile::KvmLegacy];
/// Those with Hyper-V's devices.
const HYPERV: &[Profile] = &[
    Profile::HypervGen1,
    Profile::HypervGen2,
    Profile::HypervVmbus,
];
/// Those of Hyper-V without emulated devices.
const SYNTHETIC: &[Profile] = &[Profile::HypervGen2, Profile::HypervVmbus];
/// Generation 1.
const GEN1: &[Profile] = &[Profile::HypervGen1];
/// Generation 2.
const GEN2: &[Profile] = &[Profile::HypervGen2];

/// The families, in the order of the table.
const FAMILIES: &[&[Rule]] = &[
    chain::RULES,
    drivers::RULES,
    initramfs::RULES,
    initramfs_setup::RULES,
    modprobe::RULES,
    mounts::RULES,
    kernel_names::RULES,
    old_names::RULES,
    lvm::RULES,
    multipath::RULES,
    network::RULES,
    interfaces::RULES,
    firmware::RULES,
    secure_boot::RULES,
    console::RULES,
    arguments::RULES,
    time::RULES,
    agents::RULES,
    machine::RULES,
    space::RULES,
];

/// Every rule.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().copied().flatten()
}

/// The rule of this name.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}
