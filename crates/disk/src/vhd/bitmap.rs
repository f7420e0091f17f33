//! The bitmap before each block: which sectors a differencing disk holds itself.

use super::field::to_usize;

/// \[VHD\] "Block Bitmap": a bit a sector, the first sector in the highest bit of the first byte.
/// Whether `sector` is set, and how many sectors from there on (at least one, `most` at most) are
/// alike.
pub(super) fn run(bitmap: &[u8], sector: u64, most: u64) -> (bool, u64) {
    let set = bit(bitmap, sector);
    let whole_byte = if set { 0xff } else { 0 };
    let mut count = 1_u64;
    while count < most {
        let next = sector.saturating_add(count);
        let byte = bitmap.get(to_usize(next / 8)).copied();
        if next.is_multiple_of(8) && byte == Some(whole_byte) {
            count = count.saturating_add(8);
        } else if byte.is_some() && bit(bitmap, next) == set {
            count = count.saturating_add(1);
        } else {
            break;
        }
    }
    (set, count.min(most.max(1)))
}

fn bit(bitmap: &[u8], sector: u64) -> bool {
    let byte = bitmap.get(to_usize(sector / 8)).copied().unwrap_or(0);
    0x80_u8.unbounded_shr(u32::try_from(sector % 8).unwrap_or(0)) & byte != 0
}

/// A bitmap of `bytes` that has every sector.
pub(super) fn full(bytes: u64) -> Vec<u8> {
    vec![0xff; to_usize(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sector_is_the_highest_bit() {
        let bitmap = [0b1000_0001, 0xff, 0xff, 0b1100_0000, 0, 0];
        assert_eq!(run(&bitmap, 0, 100), (true, 1));
        assert_eq!(run(&bitmap, 1, 100), (false, 6));
        assert_eq!(run(&bitmap, 7, 100), (true, 19));
        assert_eq!(run(&bitmap, 7, 3), (true, 3));
        assert_eq!(run(&bitmap, 26, 100), (false, 22));
    }
}
