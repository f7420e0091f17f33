//! CRC-32C as ext4 and jbd2 use it: started by the caller, not inverted at the end.

/// The reflected Castagnoli polynomial. [RFC 3720] 12.1.
const POLYNOMIAL: u32 = 0x82f6_3b78;

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "computed by the compiler: an error would not build"
)]
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ POLYNOMIAL
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

/// Goes on from `seed` over `bytes`.
pub(super) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |sum, &byte| {
        let [low, ..] = sum.to_le_bytes();
        let row = TABLE.get(usize::from(low ^ byte)).copied().unwrap_or(0);
        sum >> 8 ^ row
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_standard() {
        // [RFC 3720] B.4 and every CRC catalogue: CRC-32C of "123456789".
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
    }
}
