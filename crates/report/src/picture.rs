//! Pictures of screens, as part of the page.

use crate::Folder;

/// The largest file that becomes part of a page.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// How many pixels a side may have: decoders of readers are not to be flooded.
const SIDE_LIMIT: u32 = 8_192;

/// How every PNG file begins (PNG, third edition, 5.2), with the header's length and name (11.2.1).
const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";

/// A picture that can stand in a page.
pub(crate) struct Picture {
    /// `data:image/png;base64,…`.
    pub(crate) uri: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) len_bytes: usize,
}

/// The picture in a file of the run; `None` where there is no such file, else why it is left out.
pub(crate) fn read(folder: &Folder, name: &str) -> Option<Result<Picture, String>> {
    folder.has(name).then(|| {
        let bytes = folder
            .read(name, FILE_LIMIT)
            .map_err(|error| error.to_string())?;
        picture(&bytes).ok_or_else(|| "is no picture that a page can show".to_owned())
    })
}

/// Bytes of a PNG file of a size that can be shown.
fn picture(bytes: &[u8]) -> Option<Picture> {
    let rest = bytes.strip_prefix(HEAD)?;
    let (width, rest) = rest.split_first_chunk::<4>()?;
    let (height, _) = rest.split_first_chunk::<4>()?;
    let (width, height) = (u32::from_be_bytes(*width), u32::from_be_bytes(*height));
    let fits = |side: u32| (1..=SIDE_LIMIT).contains(&side);
    (fits(width) && fits(height)).then(|| Picture {
        uri: format!("data:image/png;base64,{}", base64(bytes)),
        width,
        height,
        len_bytes: bytes.len(),
    })
}

/// RFC 4648, section 4, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().saturating_mul(4) / 3);
    for group in bytes.chunks(3) {
        let octet = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for digit in 0..4_usize {
            let shift = [18, 12, 6, 0].get(digit).copied().unwrap_or(0);
            let place = usize::try_from(bits >> shift & 0x3f).unwrap_or(0);
            let letter = ALPHABET.get(place).copied().unwrap_or(b'A');
            text.push(if digit > group.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    fn head(width: u32, height: u32) -> Vec<u8> {
        [HEAD, &width.to_be_bytes(), &height.to_be_bytes(), b"rest"].concat()
    }

    #[test]
    fn only_a_png_of_a_sane_size_is_shown() {
        let shown = picture(&head(1_280, 800)).unwrap();
        assert_eq!((shown.width, shown.height), (1_280, 800));
        for spoiled in [
            head(0, 800),
            head(1_280, SIDE_LIMIT + 1),
            head(u32::MAX, 1),
            b"<svg onload='x'/>".to_vec(),
            HEAD.to_vec(),
            Vec::new(),
        ] {
            assert!(picture(&spoiled).is_none(), "{spoiled:?}");
        }
    }
}
