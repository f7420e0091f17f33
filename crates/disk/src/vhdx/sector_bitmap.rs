//! The sector bitmap: which sectors of a block are in this file. \[MS-VHDX\] 2.4: bit 0 of byte 0 is
//! the first sector's.

/// Whether the sector `at` is in this file, and how many from there on are alike, up to `end`.
pub(super) fn run(bits: &[u8], at: u64, end: u64) -> (bool, u64) {
    let value = bit(bits, at);
    let whole = if value { 0xff } else { 0 };
    let mut next = at.saturating_add(1);
    while next < end {
        let byte = usize::try_from(next >> 3).ok().and_then(|at| bits.get(at));
        if next.is_multiple_of(8) && byte == Some(&whole) {
            next = next.saturating_add(8);
        } else if bit(bits, next) == value {
            next = next.saturating_add(1);
        } else {
            break;
        }
    }
    (value, next.min(end).saturating_sub(at))
}

fn bit(bits: &[u8], at: u64) -> bool {
    let byte = usize::try_from(at >> 3).ok().and_then(|at| bits.get(at));
    byte.is_some_and(|byte| byte >> (at & 7) & 1 != 0)
}

/// Sets the bits from `start` to `end`.
pub(super) fn set(bits: &mut [u8], start: u64, end: u64) {
    for at in start..end {
        let byte = usize::try_from(at >> 3).ok();
        if let Some(byte) = byte.and_then(|at| bits.get_mut(at)) {
            *byte |= 1 << (at & 7);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_least() {
        // Sectors 0 and 9 to 31 are there.
        let bits = [0x01, 0xfe, 0xff, 0xff];
        assert_eq!(run(&bits, 0, 32), (true, 1));
        assert_eq!(run(&bits, 1, 32), (false, 8));
        assert_eq!(run(&bits, 9, 32), (true, 23));
        assert_eq!(run(&bits, 9, 20), (true, 11));
        assert_eq!(run(&bits, 31, 32), (true, 1));
        let mut made = [0; 4];
        set(&mut made, 0, 1);
        set(&mut made, 9, 32);
        assert_eq!(made, bits);
    }
}
