//! Replays the corpus, then mutates sound samples for a while. Nothing may panic or hang.

mod samples;

use std::fs;
use std::path::Path;

use detente_initramfs::{append, exercise};
use detente_samples::{Seeds, harmless, took_at_most_kib};
use samples::{COMPRESSIONS, archive, compress, noise};

/// The samples are small: what the exerciser may take at its worst.
const MOST_KIB: u64 = 256 * 1024;

#[test]
fn the_corpus_is_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "bin") {
            let bytes = fs::read(&path).unwrap();
            let _ = harmless(&path.display().to_string(), || _ = exercise(&bytes));
            count += 1;
        }
    }
    assert!(count > 0, "the corpus is missing");
    took_at_most_kib(MOST_KIB);
}

#[test]
fn mutations_are_harmless() {
    let samples = sound_samples();
    for (number, sample) in samples.iter().enumerate() {
        assert!(exercise(sample) > 0, "sample {number} is not sound");
    }
    for seed in Seeds::of_environment("initramfs", 1) {
        for (number, sample) in samples.iter().enumerate() {
            let mutated = mutate(sample, seed);
            let what = format!("sample {number} with seed {seed}");
            let _ = harmless(&what, || _ = exercise(&mutated));
        }
    }
    took_at_most_kib(MOST_KIB);
}

fn sound_samples() -> Vec<Vec<u8>> {
    let mut inner = archive("kernel/x86/microcode", &noise(500, 1));
    inner.extend_from_slice(&archive("init", &noise(900, 2)));
    let mut samples = Vec::new();
    for compression in COMPRESSIONS {
        let packed = compress(compression, &inner);
        samples.push(append(packed.clone(), &inner));
        samples.push(append(archive("early", b"1"), &packed));
    }
    samples.push(samples::kernel(
        "6.1.0-25-amd64 (someone) #1 SMP",
        0x020f,
        0x3f,
    ));
    let initrd = compress(samples::GZIP, &inner);
    samples.push(samples::uki(&[
        (".linux", b"kernel"),
        (".initrd", &initrd),
        (".cmdline", b"quiet"),
    ]));
    samples
}

/// Up to eight changes: a byte, a run of bytes, a number at its extreme, a cut, a repeated piece.
fn mutate(sample: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = noise(64, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_iter();
    let mut bytes = sample.to_vec();
    let mut roll = |below: usize| {
        let low = usize::from(dice.next().unwrap_or(1));
        let high = usize::from(dice.next().unwrap_or(1));
        (low | (high << 8)) % below.max(1)
    };
    for _ in 0..=roll(8) {
        if bytes.is_empty() {
            break;
        }
        // Half of the changes hit the first bytes, where headers are.
        let reach = if roll(2) == 0 {
            bytes.len().min(128)
        } else {
            bytes.len()
        };
        let at = roll(reach);
        match roll(6) {
            0 => bytes[at] ^= 1 << roll(8),
            1 => bytes[at] = u8::try_from(roll(256)).unwrap_or(0),
            2 => bytes
                .iter_mut()
                .skip(at)
                .take(4)
                .for_each(|byte| *byte = 0xff),
            3 => bytes
                .iter_mut()
                .skip(at)
                .take(8)
                .for_each(|byte| *byte = b'f'),
            4 => bytes.truncate(at),
            _ => {
                let piece: Vec<u8> = bytes.iter().skip(at).take(64).copied().collect();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}
