//! Tells bytes that do not compress from others, in a fraction of the time that trying would take.
//!
//! Encrypted, compressed and random bytes have two marks: every value is about as frequent, and hardly
//! anything repeats within what a compressor looks back at. Both are asked for: a flat histogram alone
//! may hide repetitions.

/// The window of qcow2's zlib is 4 KiB: what repeats further back is nothing to it.
const WINDOW: usize = 4096;
/// Less is not worth the question, nor enough for an answer.
const SMALLEST: usize = 16 << 10;
/// Four bytes repeat within the window by chance once in a million positions; so often is no chance.
const MOST_REPEATS: usize = 8;
const SLOT_BITS: u32 = 13;

/// Whether it is hopeless to compress `bytes` with a window of 4 KiB. A mistake costs room and nothing
/// else: bytes are then stored as they are.
pub(crate) fn is_noise(bytes: &[u8]) -> bool {
    // What compresses shows it in its beginning almost always: that costs little.
    let begins_flat = bytes.get(..SMALLEST).is_some_and(is_flat);
    begins_flat && is_flat(bytes) && repeats(bytes) <= MOST_REPEATS
}

/// Whether all values are about as frequent: Pearson's chi-squared over 256 values has the mean 255
/// for random bytes, and a deviation of 22.6. What compresses by a hundredth through its frequencies
/// alone lies at more than a thousand in 64 KiB.
fn is_flat(bytes: &[u8]) -> bool {
    // Four tables, so that equal neighbours do not wait for each other.
    let mut counts = [[0_u32; 256]; 4];
    for four in bytes.chunks_exact(4) {
        for (table, byte) in counts.iter_mut().zip(four) {
            if let Some(count) = table.get_mut(usize::from(*byte)) {
                *count += 1;
            }
        }
    }
    let [a, b, c, d] = &counts;
    let squares: u64 = a
        .iter()
        .zip(b)
        .zip(c.iter().zip(d))
        .map(|((a, b), (c, d))| u64::from(a + b + c + d).pow(2))
        .sum();
    let len = (bytes.len() - bytes.len() % 4) as u64;
    // The sum of (count - mean)² / mean, all times `len`.
    (256 * squares).saturating_sub(len * len) < 700 * len
}

/// How many positions have four bytes that stood not further back than the window. It stops counting
/// once that is too many.
fn repeats(bytes: &[u8]) -> usize {
    let mut last = [0_u32; 1 << SLOT_BITS];
    let mut found = 0;
    for (at, four) in bytes.windows(4).enumerate() {
        let Ok(four): Result<[u8; 4], _> = four.try_into() else {
            continue;
        };
        let value = u32::from_le_bytes(four);
        let slot = value.wrapping_mul(0x9e37_79b1) >> (32 - SLOT_BITS);
        let Some(slot) = last.get_mut(slot as usize) else {
            continue;
        };
        let before = std::mem::replace(slot, u32::try_from(at).unwrap_or(u32::MAX)) as usize;
        let close = before < at && at - before < WINDOW;
        if close && bytes.get(before..before + 4) == Some(&four) {
            found += 1;
            if found > MOST_REPEATS {
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: usize = 65536;

    fn random() -> Vec<u8> {
        let mut bytes = vec![0; CLUSTER];
        getrandom::fill(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn random_bytes_are_noise() {
        // One in many millions is not.
        assert!((0..50).all(|_| is_noise(&random())));
    }

    #[test]
    fn what_repeats_within_the_window_is_not() {
        let mut bytes = random();
        bytes.copy_within(20_000..20_064, 23_000);
        assert!(!is_noise(&bytes));
        // Too far back for the compressor.
        let mut bytes = random();
        bytes.copy_within(20_000..20_064, 40_000);
        assert!(is_noise(&bytes));
    }

    #[test]
    fn what_has_frequent_values_is_not() {
        let mut bytes = random();
        for byte in bytes.iter_mut().step_by(20) {
            *byte = b' ';
        }
        assert!(!is_noise(&bytes));
        let digits: Vec<u8> = random().iter().map(|byte| byte % 250).collect();
        assert!(!is_noise(&digits));
        assert!(!is_noise(&[0; CLUSTER]));
    }

    #[test]
    fn short_clusters_are_always_tried() {
        assert!(!is_noise(&random()[..SMALLEST - 1]));
    }
}
