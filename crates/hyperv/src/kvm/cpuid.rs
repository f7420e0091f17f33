//! What the processor says of itself and of the hypervisor, by profile.
//!
//! The leaves of Hyper-V's range are what the kernel's KVM can do, cut down to what is listed here:
//! so a profile looks the same on every host that can show it, and nothing is announced that real
//! machines lack (the debugger's leaves, the reset register, re-enlightenment, nesting). Profiles
//! differ in the build that they name; how else the releases differ is not known to us, and is not
//! invented.

use detente_machine::hyperv::CpuidProfile;
use kvm_bindings::kvm_cpuid_entry2;

mod topology;
mod xsave;

/// The first leaf of a hypervisor's range.
const HYPERVISOR: u32 = 0x4000_0000;
/// The last leaf that we show of it.
const LAST: u32 = 0x4000_0005;
/// "Microsoft Hv" in EBX, ECX, EDX: Linux takes no other.
const VENDOR: [u32; 3] = [0x7263_694D, 0x666F_736F, 0x7648_2074];
/// "Hv#1".
const INTERFACE: u32 = 0x3123_7648;

/// Leaf 3, EAX: which registers there are. Run time, reference counter, SynIC, timers, APIC,
/// hypercall, processor index, reference TSC, frequencies. Not: reset (7), re-enlightenment (13).
const PRIVILEGES: u32 = 0x0A7F;
/// Leaf 3, EBX: posting messages (4) and signalling events (5). Not: debugging (11).
const CALLS: u32 = 0x30;
/// Leaf 3, EDX: input in XMM (4), frequencies (8), crash registers (10), direct timers (19).
/// Not: debugging (1, 11).
const FEATURES: u32 = 0x8_0510;
/// Leaf 3, EDX: the crash registers.
const CRASH_REGISTERS: u32 = 1 << 10;
/// Leaf 4, EAX: remote TLB flush (2), APIC by registers (3), relaxed timing (5), no automatic EOI
/// (9), cluster IPI (10), sparse processor sets (11). Not: what depends on the host's own
/// hypervisor (14) or threads (18).
const HINTS: u32 = 0xE2C;

/// Leaf 1, ECX: there is a hypervisor.
const HYPERVISOR_PRESENT: u32 = 1 << 31;

/// Leaf 1, ECX: Intel's virtualization. Hyper-V shows it only where that was asked for.
const VMX: u32 = 1 << 5;
/// Leaf 8000_0001h, ECX: AMD's; leaf 8000_000Ah has its details.
const SVM: u32 = 1 << 2;
const SVM_DETAILS: u32 = 0x8000_000A;

/// What makes a machine's leaves differ from another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The release that is named.
    pub profile: CpuidProfile,
    /// How many processors there are.
    pub processors: u32,
    /// Whether crash registers are announced.
    pub crash_registers: bool,
    /// Whether XSAVE and what needs it is hidden (test rigs only: QEMU's translator shows a nested
    /// guest an XSAVE leaf that does not add up).
    pub hide_xsave: bool,
}

/// The leaves of one processor, from what the host's KVM can show.
#[must_use]
pub fn leaves(
    host: &[kvm_cpuid_entry2],
    hyperv: &[kvm_cpuid_entry2],
    shape: Shape,
    processor: u32,
) -> Vec<kvm_cpuid_entry2> {
    let mut leaves: Vec<kvm_cpuid_entry2> = host
        .iter()
        .filter(|leaf| !is_hypervisors(leaf.function) && leaf.function != SVM_DETAILS)
        .copied()
        .collect();
    for leaf in &mut leaves {
        match leaf.function {
            1 => leaf.ecx = (leaf.ecx | HYPERVISOR_PRESENT) & !VMX,
            0x8000_0001 => leaf.ecx &= !SVM,
            _ => {}
        }
    }
    topology::set(&mut leaves, shape.processors, processor);
    if shape.hide_xsave {
        xsave::hide(&mut leaves);
    }
    let shown = hyperv
        .iter()
        .filter(|leaf| (HYPERVISOR..=LAST).contains(&leaf.function));
    leaves.extend(shown.map(|leaf| of_hyperv(*leaf, shape)));
    leaves
}

fn is_hypervisors(function: u32) -> bool {
    (HYPERVISOR..HYPERVISOR + 0x1000_0000).contains(&function)
}

/// One leaf of Hyper-V's range.
fn of_hyperv(mut leaf: kvm_cpuid_entry2, shape: Shape) -> kvm_cpuid_entry2 {
    match leaf.function {
        HYPERVISOR => {
            leaf.eax = LAST;
            [leaf.ebx, leaf.ecx, leaf.edx] = VENDOR;
        }
        0x4000_0001 => leaf.eax = INTERFACE,
        0x4000_0002 => {
            leaf.eax = build(shape.profile);
            leaf.ebx = 10 << 16;
            [leaf.ecx, leaf.edx] = [0; 2];
        }
        0x4000_0003 => {
            leaf.eax &= PRIVILEGES;
            leaf.ebx &= CALLS;
            leaf.ecx = 0;
            leaf.edx &= FEATURES;
            if !shape.crash_registers {
                leaf.edx &= !CRASH_REGISTERS;
            }
        }
        0x4000_0004 => leaf.eax &= HINTS,
        _ => {}
    }
    leaf
}

/// The build that a release names itself by.
fn build(profile: CpuidProfile) -> u32 {
    match profile {
        CpuidProfile::Ws2016 => 14393,
        CpuidProfile::Ws2019 => 17763,
        CpuidProfile::Ws2022 => 20348,
        CpuidProfile::Ws2025 => 26100,
    }
}

#[cfg(test)]
mod tests;
