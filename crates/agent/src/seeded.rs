//! Content that a seed decides: no two runs write the same, and nobody has to keep it.

use sha2::{Digest as _, Sha256};

/// Endless bytes out of a seed (splitmix64).
pub(crate) struct Seeded {
    state: u64,
}

impl Seeded {
    /// The content of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next bytes. The stream is made of words; only a last, partial one is cut.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
    }

    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The digest as hex.
pub(crate) fn finish_hex(digest: Sha256) -> String {
    hex(&digest.finalize())
}

/// The SHA-256 of `bytes` as hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Seeded, sha256_hex};

    #[test]
    fn the_content_is_splitmix64() {
        // From Vigna's reference implementation (splitmix64.c), seed 1234567.
        let mut bytes = [0; 16];
        Seeded::new(1_234_567).fill(&mut bytes);
        let expected = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973];
        assert_eq!(bytes, *expected.map(u64::to_le_bytes).as_flattened());
    }

    #[test]
    fn digests_are_hex() {
        // FIPS 180-2, B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
    }
}
