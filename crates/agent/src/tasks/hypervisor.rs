//! Who the hypervisor is, as processor and kernel say.

use std::arch::x86_64::__cpuid;
use std::path::Path;

use detente_plan::protocol::Hypervisor;

use super::log_lines;
use crate::sysfs;

/// Intel SDM, volume 2, CPUID leaf 1: ECX bit 31 is kept for hypervisors.
const PRESENT: u32 = 1 << 31;

/// Hypervisor Top Level Functional Specification, section 2.4: the first leaf.
const VENDOR_LEAF: u32 = 0x4000_0000;
const INTERFACE_LEAF: u32 = 0x4000_0001;

/// Asks both.
pub(super) fn run(root: &Path) -> Hypervisor {
    let present = __cpuid(1).ecx & PRESENT != 0;
    let first = __cpuid(VENDOR_LEAF);
    let vendor = [first.ebx, first.ecx, first.edx];
    let identity = root.join("sys/class/dmi/id");
    let system = [
        sysfs::text(identity.join("sys_vendor")),
        sysfs::text(identity.join("product_name")),
    ];
    Hypervisor {
        present,
        vendor: text(&vendor),
        max_leaf: first.eax,
        interface: text(&[__cpuid(INTERFACE_LEAF).eax]),
        detected: log_lines::behind("Hypervisor detected: "),
        system: system.join(" ").trim().to_owned(),
    }
}

/// Registers as the text that they spell.
fn text(registers: &[u32]) -> String {
    let bytes: Vec<u8> = registers
        .iter()
        .flat_map(|register| register.to_le_bytes())
        .collect();
    String::from_utf8_lossy(&bytes)
        .trim_end_matches('\0')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn registers_spell_the_vendor() {
        // "Microsoft Hv", as the specification gives it for EBX, ECX and EDX.
        assert_eq!(
            text(&[0x7263_694d, 0x666f_736f, 0x7648_2074]),
            "Microsoft Hv"
        );
        assert_eq!(text(&[0x3123_7648]), "Hv#1");
        assert_eq!(text(&[0x4b4d_564b, 0x564b_4d56, 0x4d]), "KVMKVMKVM");
    }
}
