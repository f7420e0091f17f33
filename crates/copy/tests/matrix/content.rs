//! What the disk holds: made by a recipe, so that nobody's reader is asked.

use std::path::Path;

/// Not a multiple of any cluster or block.
pub(crate) const BYTES: usize = (24 << 20) + 3 * 512;

/// Bytes of several kinds, with nothing between them.
pub(crate) fn mixed() -> Vec<u8> {
    let mut content = vec![0; BYTES];
    // Does not compress; starts and ends in the middle of clusters.
    noise(1, &mut content[70_000..1_500_000]);
    // Compresses well.
    for (index, byte) in content[3 << 20..4 << 20].iter_mut().enumerate() {
        *byte = b"detente "[index % 8];
    }
    // A few bytes, far from anything else.
    content[9 << 20..(9 << 20) + 512].fill(0xa5);
    // Noise and zeroes in turn, a page each.
    for page in 0..64 {
        let at = (12 << 20) + page * 8192;
        noise(2 + page as u64, &mut content[at..at + 4096]);
    }
    // Up to the last byte.
    let end = content.len();
    noise(99, &mut content[end - 5 * 512..]);
    content
}

/// Other bytes at other places.
pub(crate) fn other() -> Vec<u8> {
    let mut content = vec![0; BYTES];
    noise(1000, &mut content[1 << 20..2 << 20]);
    content[9 << 20..(9 << 20) + 65536].fill(0x5a);
    content
}

/// Bytes that look random and are the same each time (xorshift64*).
fn noise(seed: u64, bytes: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for chunk in bytes.chunks_mut(8) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let word = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

/// Writes it as a file with holes where pages are zero.
pub(crate) fn write_sparse(path: &Path, content: &[u8]) {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::create(path).unwrap();
    file.set_len(content.len() as u64).unwrap();
    for (index, page) in content.chunks(4096).enumerate() {
        if page.iter().any(|byte| *byte != 0) {
            file.write_all_at(page, (index * 4096) as u64).unwrap();
        }
    }
}
