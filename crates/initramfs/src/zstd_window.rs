//! How large a window a zstd frame asks for (RFC 8878, 3.1.1.1).

use crate::field::{u16_at, u32_at, u64_at};

/// The longest frame header up to the content size: magic, descriptor, dictionary, size.
pub(crate) const FRAME_HEADER_BYTES: usize = 4 + 1 + 4 + 8;

/// The window in bytes; nothing when the header is cut short.
pub(crate) fn window_bytes(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    if descriptor & 0x20 == 0 {
        return frame.get(5).map(|&byte| described_window(byte));
    }
    // A single segment has no window descriptor: its window is the whole content.
    let at = match descriptor & 3 {
        0 => 5,
        1 => 6,
        2 => 7,
        _ => 9,
    };
    match descriptor >> 6 {
        0 => frame.get(at).map(|&byte| u64::from(byte)),
        1 => u16_at(frame, at).map(|size| u64::from(size).saturating_add(256)),
        2 => u32_at(frame, at).map(u64::from),
        _ => u64_at(frame, at),
    }
}

fn described_window(descriptor: u8) -> u64 {
    // At most 2^41 and seven eighths of it.
    let base = 1024_u64.wrapping_shl(u32::from(descriptor >> 3));
    let eighths = u64::from(descriptor & 7);
    base.saturating_add((base >> 3).saturating_mul(eighths))
}

#[cfg(test)]
mod tests {
    use super::window_bytes;

    fn check(after_magic: &[u8], expect: Option<u64>) {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
        frame.extend_from_slice(after_magic);
        assert_eq!(window_bytes(&frame), expect, "{after_magic:02x?}");
    }

    #[test]
    fn windows_are_those_of_rfc_8878() {
        check(&[0x00, 0x00], Some(1024));
        check(&[0x00, 0xff], Some((1 << 41) + 7 * (1 << 38)));
        check(&[0x04, 13 << 3], Some(8 << 20));
        check(&[0x20, 200], Some(200));
        check(&[0x60, 0, 1], Some(512));
        check(&[0xa3, 1, 2, 3, 4, 0, 0, 0, 8], Some(128 << 20));
        check(&[0xe0, 0, 0, 0, 0, 1, 0, 0, 0], Some(1 << 32));
        check(&[0xa0, 0, 0], None);
        check(&[], None);
    }
}
