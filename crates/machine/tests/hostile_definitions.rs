//! Spoiled definitions of other systems: errors, never a panic, and never for long.

use detente_block::MemoryBackend;
use detente_machine::hyperv_inventory::Inventory;
use detente_machine::kit::{self, Kit, Switches};
use detente_machine::ovf::{self, Archive, Manifest};
use detente_machine::{MachineSpec, hyperv_xml, vmcx};

/// The same numbers each time (Knuth's multiplier).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let high = usize::try_from(self.0 >> 33).expect("31 bits");
        high % below.max(1)
    }

    /// Bytes changed, left out, doubled, exchanged, or cut off.
    fn spoil(&mut self, sample: &[u8]) -> Vec<u8> {
        let mut bytes = sample.to_vec();
        for _ in 0..=self.next(4) {
            let at = self.next(bytes.len());
            let len = self.next(40).min(bytes.len() - at);
            match self.next(6) {
                0 => bytes[at] = u8::try_from(self.next(256)).expect("a byte"),
                1 => drop(bytes.drain(at..at + len)),
                2 => {
                    let piece = bytes[at..at + len].to_vec();
                    bytes.splice(at..at, piece);
                }
                3 => bytes.truncate(at.max(1)),
                4 => {
                    let words: [&[u8]; 7] = [
                        b"<",
                        b"]]>",
                        b"&#0;",
                        b"18446744073709551616",
                        b"-1",
                        b"null",
                        b"[[[[",
                    ];
                    let word = words[self.next(words.len())];
                    bytes.splice(at..at, word.iter().copied());
                }
                _ => {
                    let other = self.next(bytes.len());
                    bytes.swap(at, other);
                }
            }
        }
        bytes
    }
}

/// Everything that a reader does with such bytes.
fn exercise(bytes: &[u8]) {
    if let Ok(inventory) = Inventory::from_json(bytes) {
        let _ = inventory.machine(None).map(drop);
        for machine in &inventory.machines {
            if let Ok((spec, _)) = machine.to_spec() {
                let _ = kit::definition(&spec, &Switches::default()).map(drop);
            }
        }
    }
    if let Ok(machine) = hyperv_xml::parse(bytes) {
        let _ = machine.to_spec().map(drop);
    }
    if let Ok(kit) = Kit::from_json(bytes) {
        let _ = kit.machine.to_spec().map(drop);
    }
    if let Ok(envelope) = ovf::parse(bytes) {
        for system in &envelope.systems {
            let spec = envelope.to_spec(system, None);
            let _ = spec.map(|(spec, _)| spec.validate().is_ok());
        }
    }
    let _ = Manifest::parse(bytes).map(drop);
    let _ = Archive::read(&MemoryBackend::new(bytes.to_vec())).map(drop);
    let _ = MachineSpec::from_json(bytes).map(drop);
    let _ = vmcx::is_vmcx(bytes);
}

#[test]
fn spoiled_definitions_are_errors() {
    let golden = include_str!("golden/kit.txt");
    let kit = golden
        .split("\n}\n")
        .next()
        .expect("the document comes first");
    let kit = format!("{kit}\n}}\n");
    assert!(Kit::from_json(kit.as_bytes()).is_ok());
    let archive = include_bytes!("samples/shop.ova");
    let samples: [&[u8]; 5] = [
        include_bytes!("hyperv/traps.json"),
        include_bytes!("hyperv/legacy.xml"),
        kit.as_bytes(),
        // The envelope in the sample, and the headers around it.
        &archive[512..512 + 3569],
        &archive[..8192],
    ];
    let mut numbers = Numbers(7);
    for sample in samples {
        exercise(sample);
        for _ in 0..1500 {
            exercise(&numbers.spoil(sample));
        }
    }
}
