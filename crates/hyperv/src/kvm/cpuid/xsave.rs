//! Hides XSAVE and whatever needs it.

use kvm_bindings::kvm_cpuid_entry2;

/// Leaf 1, ECX: FMA, XSAVE, OSXSAVE, AVX, F16C.
const LEAF_1_ECX: u32 = 1 << 12 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 29;
/// Leaf 7, EBX: AVX2, MPX, and the AVX-512 family.
const LEAF_7_EBX: u32 = 1 << 5
    | 1 << 14
    | 1 << 16
    | 1 << 17
    | 1 << 21
    | 1 << 26
    | 1 << 27
    | 1 << 28
    | 1 << 30
    | 1 << 31;
/// Leaf 7, ECX: protection keys, shadow stacks, and the vector extensions.
const LEAF_7_ECX: u32 =
    1 << 1 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 14;
/// Leaf 7, EDX: AVX-512 again, indirect branch tracking, and AMX.
const LEAF_7_EDX: u32 = 1 << 2 | 1 << 3 | 1 << 8 | 1 << 20 | 1 << 22 | 1 << 23 | 1 << 24 | 1 << 25;
/// Leaf 80000001h, ECX: XOP, LWP, FMA4.
const EXTENDED_ECX: u32 = 1 << 11 | 1 << 15 | 1 << 16;

/// Hides them.
pub(super) fn hide(leaves: &mut Vec<kvm_cpuid_entry2>) {
    leaves.retain(|leaf| !matches!(leaf.function, 0xD | 0x1D | 0x1E));
    for leaf in leaves {
        match (leaf.function, leaf.index) {
            (1, _) => leaf.ecx &= !LEAF_1_ECX,
            (7, 0) => {
                leaf.ebx &= !LEAF_7_EBX;
                leaf.ecx &= !LEAF_7_ECX;
                leaf.edx &= !LEAF_7_EDX;
            }
            (7, _) => [leaf.eax, leaf.ebx, leaf.ecx, leaf.edx] = [0; 4],
            (0x8000_0001, _) => leaf.ecx &= !EXTENDED_ECX,
            _ => {}
        }
    }
}
