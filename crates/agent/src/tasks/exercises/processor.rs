//! What the processor can, as it says itself and as the kernel took it up.

use std::arch::x86_64::__cpuid_count;
use std::path::Path;

use detente_plan::protocol::{Leaf, LeafRegisters, MAX_LEAVES, Processor};

use crate::sysfs;

/// Intel SDM, volume 2, CPUID: the brand string is in three leaves.
const BRAND_LEAVES: [u32; 3] = [0x8000_0002, 0x8000_0003, 0x8000_0004];
const MAX_FLAGS: usize = 1024;

/// Asks processor and kernel; `root` has `proc`.
pub(super) fn run(root: &Path, leaves: &[Leaf]) -> Processor {
    let info = sysfs::text(root.join("proc/cpuinfo"));
    let mut flags = values(&info, "flags");
    let first: Vec<&str> = flags
        .next()
        .unwrap_or("")
        .split_ascii_whitespace()
        .collect();
    let differing = flags.filter(|other| !same(&first, other)).count();
    Processor {
        model: values(&info, "model name").next().unwrap_or("").to_owned(),
        brand: brand(),
        flags: first
            .iter()
            .take(MAX_FLAGS)
            .map(|flag| (*flag).to_owned())
            .collect(),
        differing: u32::try_from(differing).unwrap_or(u32::MAX),
        registers: leaves.iter().take(MAX_LEAVES).copied().map(ask).collect(),
    }
}

/// The values of a key, one a processor.
fn values<'a>(info: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let named = info.lines().filter_map(move |line| {
        let (name, value) = line.split_once(':')?;
        (name.trim_end() == key).then_some(value)
    });
    named.map(str::trim)
}

fn same(first: &[&str], other: &str) -> bool {
    first.iter().copied().eq(other.split_ascii_whitespace())
}

fn ask(leaf: Leaf) -> LeafRegisters {
    let said = __cpuid_count(leaf.leaf, leaf.subleaf);
    LeafRegisters {
        leaf,
        registers: [said.eax, said.ebx, said.ecx, said.edx],
    }
}

/// The name that the processor gives itself.
fn brand() -> String {
    let registers = BRAND_LEAVES.map(|leaf| ask(Leaf { leaf, subleaf: 0 }).registers);
    let bytes: Vec<u8> = registers
        .as_flattened()
        .iter()
        .flat_map(|register| register.to_le_bytes())
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_the_first_ones_and_others_are_counted() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("proc")).unwrap();
        let info = "processor\t: 0\nmodel name\t: QEMU: TCG\nflags\t\t: fpu sse2\n\n\
            processor\t: 1\nmodel name\t: x\nflags\t\t: fpu sse2\n\n\
            processor\t: 2\nflags\t\t: fpu\nvmx flags\t: vnmi\n";
        std::fs::write(place.path().join("proc/cpuinfo"), info).unwrap();
        let leaf = Leaf {
            leaf: 1,
            subleaf: 0,
        };
        let seen = run(place.path(), &[leaf; 70]);
        assert_eq!(seen.flags, ["fpu", "sse2"]);
        assert_eq!((seen.model.as_str(), seen.differing), ("QEMU: TCG", 1));
        assert_eq!(seen.registers.len(), MAX_LEAVES);
        // Every 64-bit processor has SSE2: leaf 1, EDX bit 26.
        let [_, _, _, edx] = seen.registers[0].registers;
        assert_ne!(edx & (1 << 26), 0);
    }
}
