//! CRC-32C as ext4 and jbd2 use it: started by the caller, not inverted at the end.

/// The reflected Castagnoli polynomial. \[RFC 3720\] 12.1.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Row 0 takes a byte on; row n does so with n zero bytes after it. Eight bytes are then taken at
/// once ("slicing by 8", Kounavis and Berry 2005): directories are summed at every look-up.
#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "computed by the compiler: an error would not build"
)]
static TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut index = 0;
    while index < 256 {
        tables[0][index as usize] = byte_by_bits(index);
        index += 1;
    }
    let mut row = 1;
    while row < 8 {
        let mut index = 0;
        while index < 256 {
            let shorter: u32 = tables[row - 1][index];
            tables[row][index] = shorter >> 8 ^ tables[0][(shorter & 0xff) as usize];
            index += 1;
        }
        row += 1;
    }
    tables
};

#[expect(clippy::arithmetic_side_effects, reason = "counts to eight")]
const fn byte_by_bits(byte: u32) -> u32 {
    let mut value = byte;
    let mut bit = 0;
    while bit < 8 {
        value = if value & 1 == 1 {
            value >> 1 ^ POLYNOMIAL
        } else {
            value >> 1
        };
        bit += 1;
    }
    value
}

/// Goes on from `seed` over `bytes`.
pub(super) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &TABLES;
    let (groups, rest) = bytes.as_chunks::<8>();
    let mut sum = seed;
    for &[a, b, c, d, e, f, g, h] in groups {
        let [w, x, y, z] = sum.to_le_bytes();
        sum = row(t7, a ^ w) ^ row(t6, b ^ x) ^ row(t5, c ^ y) ^ row(t4, d ^ z);
        sum ^= row(t3, e) ^ row(t2, f) ^ row(t1, g) ^ row(t0, h);
    }
    rest.iter().fold(sum, |sum, &byte| {
        let [low, ..] = sum.to_le_bytes();
        sum >> 8 ^ row(t0, low ^ byte)
    })
}

#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
fn row(table: &[u32; 256], byte: u8) -> u32 {
    table[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_standard() {
        // [RFC 3720] B.4 and every CRC catalogue: CRC-32C of "123456789".
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
        // [RFC 3720] B.4: 32 bytes of zeros, of ones, and counting up.
        assert_eq!(!crc32c(!0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(!crc32c(!0, &[0xff; 32]), 0x62a8_ab43);
        let up: Vec<u8> = (0..32).collect();
        assert_eq!(!crc32c(!0, &up), 0x46dd_794e);
    }
}
