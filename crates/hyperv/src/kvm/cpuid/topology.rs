//! Each processor is a core of its own, all in one package.

use kvm_bindings::{KVM_CPUID_FLAG_SIGNIFCANT_INDEX, kvm_cpuid_entry2};

/// Leaf 1, EDX: EBX counts processors.
const HYPER_THREADING: u32 = 1 << 28;

/// Leaf 0Bh: what a level counts.
const LEVEL_THREAD: u32 = 1;
const LEVEL_CORE: u32 = 2;

/// Writes who `processor` is among `processors` into every leaf that says so.
pub(super) fn set(leaves: &mut Vec<kvm_cpuid_entry2>, processors: u32, processor: u32) {
    // KVM lists the levels of the host's processor; the machine has its own.
    leaves.retain(|leaf| !matches!(leaf.function, 0xB | 0x1F | 0x8000_0026));
    for leaf in leaves.iter_mut() {
        set_one(leaf, processors, processor);
    }
    leaves.extend(levels(processors, processor));
}

fn set_one(leaf: &mut kvm_cpuid_entry2, processors: u32, processor: u32) {
    let others = processors.saturating_sub(1);
    match leaf.function {
        1 => {
            leaf.ebx =
                (leaf.ebx & 0xFFFF) | ((processors & 0xFF) << 16) | ((processor & 0xFF) << 24);
            if processors > 1 {
                leaf.edx |= HYPER_THREADING;
            } else {
                leaf.edx &= !HYPER_THREADING;
            }
        }
        // Intel: cores in the package. No cache is shared, so that level stays at one.
        4 => leaf.eax = (leaf.eax & 0x3FFF) | ((others & 0x3F) << 26),
        // AMD: cores in the package and the bits of their number.
        0x8000_0008 => leaf.ecx = (leaf.ecx & !0xF0FF) | (bits(processors) << 12) | (others & 0xFF),
        // AMD: who this is; one thread a core, one node.
        0x8000_001E => {
            leaf.eax = processor;
            leaf.ebx = processor & 0xFF;
            leaf.ecx = 0;
        }
        _ => {}
    }
}

/// Leaf 0Bh: threads in a core, cores in the package, and the end of the list.
fn levels(processors: u32, processor: u32) -> [kvm_cpuid_entry2; 3] {
    let level = |index, kind: u32, shift, count| kvm_cpuid_entry2 {
        function: 0xB,
        index,
        flags: KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
        eax: shift,
        ebx: count,
        ecx: (kind << 8) | index,
        edx: processor,
        ..Default::default()
    };
    [
        level(0, LEVEL_THREAD, 0, 1),
        level(1, LEVEL_CORE, bits(processors), processors),
        level(2, 0, 0, 0),
    ]
}

/// How many bits number so many processors.
fn bits(processors: u32) -> u32 {
    u32::BITS - processors.saturating_sub(1).leading_zeros()
}
