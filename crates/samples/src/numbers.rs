//! Numbers that look like noise and are the same wherever a seed is replayed.

/// Endless numbers from a seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, of all that 64 bits hold.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One below `end`; zero where nothing is.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    /// One of these.
    ///
    /// # Panics
    /// Where there are none.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Cuts the end off, one time in eight.
    pub fn cut_sometimes(&mut self, bytes: &mut Vec<u8>) {
        if self.below(8) == 0 {
            bytes.truncate(self.below(bytes.len()));
        }
    }
}

/// Overwrites the field at `at`, where all of it is inside.
pub fn spoil(bytes: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_splitmix64() {
        // From Vigna's reference implementation (splitmix64.c), seed 1234567.
        let mut numbers = Numbers::new(1_234_567);
        assert_eq!(numbers.next(), 6_457_827_717_110_365_317);
        assert_eq!(numbers.next(), 3_203_168_211_198_807_973);
        assert_eq!(numbers.next(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn nothing_is_below_nothing() {
        assert_eq!(Numbers::new(0).below(0), 0);
        assert!((0..99).all(|seed| Numbers::new(seed).below(3) < 3));
    }

    #[test]
    fn a_field_that_does_not_fit_is_left() {
        let mut bytes = [0; 4];
        spoil(&mut bytes, 3, &[1, 1]);
        spoil(&mut bytes, 0, &[2]);
        assert_eq!(bytes, [2, 0, 0, 0]);
    }
}
