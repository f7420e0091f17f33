//! Mutations that a seed decides.

/// Numbers from a seed (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

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
            0 => EDGES[numbers.below(EDGES.len())],
            1 => numbers.next(),
            2 => numbers.next() & 0xff8,
            // A little more or less than what is there.
            _ => u64::from(bytes.get(at).copied().unwrap_or(0))
                .wrapping_add(numbers.next() % 17)
                .wrapping_sub(8),
        };
        let len = [1, 1, 2, 4, 8][numbers.below(5)];
        if let Some(place) = bytes.get_mut(at..at + len) {
            place.copy_from_slice(&value.to_le_bytes()[..len]);
        }
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
