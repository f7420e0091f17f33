//! Mutations that a seed decides.

use detente_samples::{Numbers, spoil};

/// Values that limits are made of.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    7,
    8,
    16,
    24,
    0xff8,
    0x1000,
    0xffff,
    0x8000_0000,
    0xffff_fff8,
    1 << 52,
    u64::MAX,
];

/// Spoils one to six places, and sometimes cuts the end off or repeats a piece.
pub(crate) fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len());
        let value = match numbers.below(4) {
            0 => numbers.one_of(&EDGES),
            1 => numbers.next(),
            2 => numbers.next() & 0xff8,
            // A little more or less than what is there.
            _ => u64::from(bytes.get(at).copied().unwrap_or(0))
                .wrapping_add(numbers.next() % 17)
                .wrapping_sub(8),
        };
        let len = [1, 1, 2, 4, 8][numbers.below(5)];
        spoil(bytes, at, &value.to_le_bytes()[..len]);
    }
    match numbers.below(8) {
        0 => bytes.truncate(numbers.below(bytes.len())),
        1 => {
            let from = numbers.below(bytes.len());
            let len = numbers.below(64).min(bytes.len() - from);
            let piece = bytes[from..from + len].to_vec();
            let at = numbers.below(bytes.len());
            bytes.splice(at..at, piece);
        }
        _ => (),
    }
}
