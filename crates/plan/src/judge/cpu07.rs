//! CPU-07: what the processor can, as the machine gives it, the guest sees it, and its kernel takes
//! it up.

use std::fmt::Write as _;

use detente_evidence::Check;

use super::finding::{Finding, check, listed, measured, number};
use crate::protocol::{Leaf, Processor};

/// One register of a leaf, as the machine says that it gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenWord {
    /// The leaf.
    pub leaf: Leaf,
    /// The register: 0 is EAX, 3 is EDX.
    pub register: u8,
    /// Its bits.
    pub bits: u32,
}

/// Names of the registers.
const REGISTERS: [&str; 4] = ["EAX", "EBX", "ECX", "EDX"];

/// Bits that say how things are set, or how many processors there are, and not what the processor
/// can: Intel SDM, volume 2, CPUID (MONITOR, OSXSAVE, APIC, HTT, OSPKE), AMD APM, volume 3, appendix E
/// (CmpLegacy).
const CHANGING: &[(u32, u8, u32)] = &[
    (1, 2, 1 << 3 | 1 << 27),
    (1, 3, 1 << 9 | 1 << 28),
    (7, 2, 1 << 4),
    (0x8000_0001, 2, 1 << 1),
    (0x8000_0001, 3, 1 << 9),
];

/// Bits that Linux shows under one name wherever the processor has them: Linux,
/// arch/x86/include/asm/cpufeatures.h. Those that it likes to take back are not among them.
const FLAGS: &[(u32, u8, u32, &str)] = &[
    (1, 3, 0, "fpu"),
    (1, 3, 4, "tsc"),
    (1, 3, 8, "cx8"),
    (1, 3, 15, "cmov"),
    (1, 3, 23, "mmx"),
    (1, 3, 24, "fxsr"),
    (1, 3, 25, "sse"),
    (1, 3, 26, "sse2"),
    (1, 2, 0, "pni"),
    (1, 2, 1, "pclmulqdq"),
    (1, 2, 9, "ssse3"),
    (1, 2, 13, "cx16"),
    (1, 2, 19, "sse4_1"),
    (1, 2, 20, "sse4_2"),
    (1, 2, 22, "movbe"),
    (1, 2, 23, "popcnt"),
    (1, 2, 25, "aes"),
    (7, 1, 3, "bmi1"),
    (7, 1, 8, "bmi2"),
    (7, 1, 19, "adx"),
    (0x8000_0001, 3, 11, "syscall"),
    (0x8000_0001, 3, 20, "nx"),
    (0x8000_0001, 3, 29, "lm"),
    (0x8000_0001, 2, 0, "lahf_lm"),
];

/// Judges the processor.
#[must_use]
pub fn cpu07(given: &[GivenWord], seen: &Processor) -> Finding {
    let words: Vec<&GivenWord> = given.iter().filter(|word| word.bits != 0).collect();
    let missing = differing(&words, seen, |given, has| given & !has);
    let extra = differing(&words, seen, |given, has| has & !given);
    let unused: Vec<String> = unused(seen).collect();
    let checks = vec![
        check(
            "missing",
            missing.is_empty() && !words.is_empty(),
            said(
                "the guest misses nothing that the machine gives",
                "missing",
                &missing,
            ),
        ),
        check(
            "extra",
            extra.is_empty(),
            said(
                "the guest sees nothing that the machine does not give",
                "not given",
                &extra,
            ),
        ),
        check(
            "kernel",
            unused.is_empty() && !seen.flags.is_empty(),
            said(
                "the kernel takes up what it should",
                "not taken up",
                &unused,
            ),
        ),
        alike(seen),
        check(
            "name",
            seen.model == seen.brand && !seen.brand.is_empty(),
            format!(
                "the processor calls itself {:?} and the kernel calls it {:?}",
                seen.brand, seen.model
            ),
        ),
    ];
    let bits = words.iter().map(|word| u64::from(word.bits.count_ones()));
    let measurements = vec![measured("features", number(bits.sum()), "count", None)];
    Finding::of_checks(checks, measurements)
}

fn alike(seen: &Processor) -> Check {
    let message = match seen.differing {
        0 => "all processors have the same flags".to_owned(),
        others => format!("{others} processors have other flags than the first"),
    };
    check("alike", seen.differing == 0, message)
}

fn said(fine: &str, wrong: &str, names: &[String]) -> String {
    if names.is_empty() {
        fine.to_owned()
    } else {
        format!("{wrong}: {}", listed(names))
    }
}

/// What a word of the machine's and the guest's differ in, those bits left out that say something
/// else than what the processor can.
fn differing(words: &[&GivenWord], seen: &Processor, of: fn(u32, u32) -> u32) -> Vec<String> {
    let found = words.iter().filter_map(|word| {
        let has = register(seen, word.leaf, word.register)?;
        let bits = of(word.bits, has) & !changing(word.leaf, word.register);
        (bits != 0).then(|| name(word, bits))
    });
    found.collect()
}

fn changing(leaf: Leaf, register: u8) -> u32 {
    let rows = CHANGING.iter();
    let mut bits = rows.filter(|(number, place, _)| {
        (*number, *place) == (leaf.leaf, register) && leaf.subleaf == 0
    });
    bits.next().map_or(0, |(_, _, bits)| *bits)
}

fn register(seen: &Processor, leaf: Leaf, register: u8) -> Option<u32> {
    let found = seen.registers.iter().find(|said| said.leaf == leaf)?;
    found.registers.get(usize::from(register)).copied()
}

/// `CPUID 1.0 ECX 00800000 (popcnt)`.
fn name(word: &GivenWord, bits: u32) -> String {
    let register = REGISTERS.get(usize::from(word.register)).unwrap_or(&"?");
    let Leaf { leaf, subleaf } = word.leaf;
    let mut text = format!("CPUID {leaf:X}.{subleaf} {register} {bits:08X}");
    let known = FLAGS.iter().filter(|(number, place, bit, _)| {
        (*number, *place) == (leaf, word.register) && subleaf == 0 && bits & (1 << bit) != 0
    });
    let names: Vec<&str> = known.map(|(_, _, _, name)| *name).collect();
    if !names.is_empty() {
        write!(text, " ({})", names.join(" ")).expect("writing to a string cannot fail");
    }
    text
}

/// What the processor has and the kernel does not list.
fn unused(seen: &Processor) -> impl Iterator<Item = String> {
    FLAGS.iter().filter_map(|(number, place, bit, name)| {
        let leaf = Leaf {
            leaf: *number,
            subleaf: 0,
        };
        let has = register(seen, leaf, *place)? & (1 << bit) != 0;
        let listed = seen.flags.iter().any(|flag| flag == name);
        (has && !listed).then(|| (*name).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;
    use crate::protocol::LeafRegisters;

    const FIRST: Leaf = Leaf {
        leaf: 1,
        subleaf: 0,
    };

    /// SSE3 and POPCNT in ECX, SSE2 in EDX.
    const ECX: u32 = 1 | 1 << 23;
    const EDX: u32 = 1 << 26;

    fn given() -> Vec<GivenWord> {
        let word = |register, bits| GivenWord {
            leaf: FIRST,
            register,
            bits,
        };
        vec![word(2, ECX), word(3, EDX), word(1, 0)]
    }

    fn sound() -> Processor {
        Processor {
            model: "QEMU TCG CPU".to_owned(),
            brand: "QEMU TCG CPU".to_owned(),
            flags: ["pni", "popcnt", "sse2"].map(str::to_owned).to_vec(),
            differing: 0,
            registers: vec![LeafRegisters {
                leaf: FIRST,
                // OSXSAVE, the APIC and HTT are how things are set.
                registers: [7, 7, ECX | 1 << 27, EDX | 1 << 9 | 1 << 28],
            }],
        }
    }

    #[track_caller]
    fn verdict(given: &[GivenWord], seen: &Processor, outcome: Outcome, part: &str) {
        let finding = cpu07(given, seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn what_is_given_and_seen_and_taken_up_passes() {
        verdict(&given(), &sound(), Outcome::Passed, "misses nothing");
    }

    #[test]
    fn a_feature_that_does_not_arrive_is_named() {
        let mut seen = sound();
        seen.registers[0].registers[2] = 1;
        seen.flags.remove(1);
        let part = "missing: CPUID 1.0 ECX 00800000 (popcnt)";
        verdict(&given(), &seen, Outcome::Failed, part);
    }

    #[test]
    fn a_feature_that_nobody_gave_is_named() {
        let mut seen = sound();
        seen.registers[0].registers[3] |= 1 << 25;
        seen.flags.push("sse".to_owned());
        let part = "not given: CPUID 1.0 EDX 02000000 (sse)";
        verdict(&given(), &seen, Outcome::Failed, part);
    }

    #[test]
    fn a_kernel_that_does_not_take_a_feature_up_is_named() {
        let mut seen = sound();
        seen.flags.retain(|flag| flag != "popcnt");
        verdict(&given(), &seen, Outcome::Failed, "not taken up: popcnt");
    }

    #[test]
    fn processors_that_differ_and_names_that_differ_fail() {
        let mut seen = sound();
        seen.differing = 1;
        verdict(
            &given(),
            &seen,
            Outcome::Failed,
            "1 processors have other flags",
        );
        let mut seen = sound();
        seen.model = "Celeron".to_owned();
        verdict(&given(), &seen, Outcome::Failed, "\"Celeron\"");
    }

    #[test]
    fn a_machine_that_says_nothing_shows_nothing() {
        verdict(&[], &sound(), Outcome::Failed, "");
    }
}
