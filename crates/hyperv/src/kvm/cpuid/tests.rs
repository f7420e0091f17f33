//! The leaves that KVM of Debian's 6.1 listed in the feasibility trial, and what profiles make of
//! them.

use super::*;

/// Function, EAX, EBX, ECX, EDX, as the facts note them. What they do not note is zero.
const KVMS: [(u32, [u32; 4]); 10] = [
    (
        0x4000_0000,
        [0x4000_0082, 0x756E_694C, 0x564B_2078, 0x7648_204D],
    ),
    (0x4000_0001, [0x3123_7648, 0, 0, 0]),
    (0x4000_0002, [0x3839, 0x000A_0000, 0, 0]),
    (0x4000_0003, [0x2AFF, 0x830, 0, 0x8_0D12]),
    (0x4000_0004, [0x4_0E2C, 0xFFF, 0, 0]),
    (0x4000_0005, [0x400, 0x40, 0, 0]),
    (0x4000_000A, [0x8_0000, 0, 0, 0]),
    (0x4000_0080, [0x4000_0082, 0, 0, 0]),
    (0x4000_0081, [0x5653_2331, 0, 0, 0]),
    (0x4000_0082, [2, 0, 0, 0]),
];

fn entry((function, [eax, ebx, ecx, edx]): (u32, [u32; 4])) -> kvm_cpuid_entry2 {
    kvm_cpuid_entry2 {
        function,
        eax,
        ebx,
        ecx,
        edx,
        ..Default::default()
    }
}

/// A host with the leaves that matter, and KVM's own range, which must not be seen.
fn host() -> Vec<kvm_cpuid_entry2> {
    [
        (0, [0x10, 0, 0, 0]),
        (1, [0x66, 0x0510_0800, 0x3C00_1020, 0x1000_0000]),
        (7, [0, u32::MAX, u32::MAX, u32::MAX]),
        (0xB, [1, 2, 0x100, 5]),
        (0xD, [7, 0x340, 0x340, 0]),
        (0x4000_0000, [0x4000_0001, 0x4B4D_564B, 0x564B_4D56, 0x4D]),
        (0x4000_0001, [0x0100_7EFB, 0, 0, 0]),
        (0x8000_0001, [0, 0, u32::MAX, 0]),
        (0x8000_0008, [0, 0, 0x5007, 0]),
        (0x8000_000A, [1, 16, 0, 0x4B]),
        (0x8000_001E, [5, 0x0102, 1, 0]),
    ]
    .map(entry)
    .to_vec()
}

fn shape() -> Shape {
    Shape {
        profile: CpuidProfile::Ws2022,
        processors: 4,
        crash_registers: true,
        hide_xsave: false,
    }
}

fn made(shape: Shape, processor: u32) -> Vec<kvm_cpuid_entry2> {
    leaves(&host(), &KVMS.map(entry), shape, processor)
}

fn leaf(leaves: &[kvm_cpuid_entry2], function: u32) -> [u32; 4] {
    let mut found = leaves.iter().filter(|leaf| leaf.function == function);
    let leaf = found.next().unwrap();
    assert!(found.next().is_none(), "{function:#x} is there twice");
    [leaf.eax, leaf.ebx, leaf.ecx, leaf.edx]
}

#[test]
fn the_vendor_is_the_one_that_linux_looks_for() {
    let [max, ebx, ecx, edx] = leaf(&made(shape(), 0), 0x4000_0000);
    let text: Vec<u8> = [ebx, ecx, edx]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    assert_eq!(text, b"Microsoft Hv");
    assert_eq!(max, 0x4000_0005);
    assert_eq!(
        leaf(&made(shape(), 0), 0x4000_0001),
        [u32::from_le_bytes(*b"Hv#1"), 0, 0, 0]
    );
}

#[test]
fn kvms_own_leaves_and_the_debuggers_are_gone() {
    let made = made(shape(), 0);
    let hypervisors = made.iter().filter(|leaf| leaf.function >> 28 == 4);
    let functions: Vec<u32> = hypervisors.map(|leaf| leaf.function).collect();
    let expected: Vec<u32> = (0x4000_0000..=0x4000_0005).collect();
    assert_eq!(functions, expected);
}

#[test]
fn what_real_machines_lack_is_not_announced() {
    let [eax, ebx, _, edx] = leaf(&made(shape(), 0), 0x4000_0003);
    assert_eq!(eax & (1 << 7), 0, "reset");
    assert_eq!(eax & (1 << 13), 0, "re-enlightenment");
    assert_eq!(ebx & (1 << 11), 0, "debugging");
    assert_eq!(edx & (1 << 1 | 1 << 11), 0, "debugging");
}

#[test]
fn what_linux_and_the_bus_need_is_announced() {
    let made = made(shape(), 0);
    let [eax, ebx, _, edx] = leaf(&made, 0x4000_0003);
    // Reference counter, SynIC, timers, hypercall, processor index, reference TSC, frequencies.
    for bit in [1, 2, 3, 5, 6, 9, 11] {
        assert_ne!(eax & (1 << bit), 0, "EAX bit {bit}");
    }
    assert_eq!(ebx, 1 << 4 | 1 << 5);
    for bit in [8, 10, 19] {
        assert_ne!(edx & (1 << bit), 0, "EDX bit {bit}");
    }
    assert_eq!(leaf(&made, 0x4000_0004), [0xE2C, 0xFFF, 0, 0]);
    assert_ne!(leaf(&made, 1)[2] & (1 << 31), 0, "there is a hypervisor");
}

#[test]
fn each_profile_names_its_build() {
    let builds =
        CpuidProfile::ALL.map(|profile| leaf(&made(Shape { profile, ..shape() }, 0), 0x4000_0002));
    let expected = [14393, 17763, 20348, 26100].map(|build| [build, 0x000A_0000, 0, 0]);
    assert_eq!(builds, expected);
}

#[test]
fn each_processor_knows_who_it_is() {
    let made = made(shape(), 3);
    assert_eq!(leaf(&made, 1)[1], 0x0304_0800);
    assert_eq!(leaf(&made, 0x8000_0008)[2], 0x2003);
    assert_eq!(leaf(&made, 0x8000_001E)[..3], [3, 3, 0]);
    let levels: Vec<[u32; 4]> = made
        .iter()
        .filter(|leaf| leaf.function == 0xB)
        .map(|leaf| [leaf.eax, leaf.ebx, leaf.ecx, leaf.edx])
        .collect();
    assert_eq!(levels, [[0, 1, 0x100, 3], [2, 4, 0x201, 3], [0, 0, 2, 3]]);
}

#[test]
fn xsave_is_hidden_only_where_it_is_asked_for() {
    let hidden = made(
        Shape {
            hide_xsave: true,
            ..shape()
        },
        0,
    );
    assert!(hidden.iter().all(|leaf| leaf.function != 0xD));
    assert_eq!(leaf(&hidden, 1)[2] & 0x3C00_1000, 0);
    assert_eq!(leaf(&hidden, 7)[1] & (1 << 5), 0, "AVX2");
    let shown = made(shape(), 0);
    assert_eq!(leaf(&shown, 0xD), [7, 0x340, 0x340, 0]);
    assert_eq!(leaf(&shown, 7)[1], u32::MAX);
}

#[test]
fn crash_registers_are_announced_unless_they_are_not_wanted() {
    let without = Shape {
        crash_registers: false,
        ..shape()
    };
    let features = |shape| leaf(&made(shape, 0), 0x4000_0003)[3];
    assert_eq!(features(shape()) & !features(without), 1 << 10);
}

#[test]
fn virtualization_is_not_shown() {
    let made = made(shape(), 0);
    assert_eq!(leaf(&made, 1)[2] & (1 << 5), 0, "VMX");
    assert_eq!(leaf(&made, 0x8000_0001)[2] & (1 << 2), 0, "SVM");
    assert!(made.iter().all(|leaf| leaf.function != 0x8000_000A));
}
