//! A picture of the screen.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::qmp::QmpError;
use crate::HostError;

const ACTION: &str = "taking a picture of the screen";

/// A screen of 4096 by 4096 in three colours: beyond what a VGA card with 16 MiB shows.
const PIXELS_LIMIT: u64 = 4096 * 4096;

/// What carries out a command of the monitor.
type Ask<'a> = dyn FnMut(&str, Value) -> Result<Value, QmpError> + 'a;

/// Takes a picture, in `work` first, so that `file` is there whole or not at all.
pub(super) fn take(ask: &mut Ask<'_>, work: &Path, file: &Path) -> Result<(), HostError> {
    let part = work.join("screen.part");
    let result = shoot(ask, &part).and_then(|()| deliver(&part, file));
    let _ = fs::remove_file(&part);
    result
}

fn shoot(ask: &mut Ask<'_>, part: &Path) -> Result<(), HostError> {
    let Some(name) = part.to_str() else {
        return Err(failed("the work folder's name is no UTF-8"));
    };
    // QEMU writes PNG since 7.1, where it was built with libpng.
    let png = json!({ "filename": name, "format": "png" });
    if ask("screendump", png).is_ok() {
        return Ok(());
    }
    ask("screendump", json!({ "filename": name })).map_err(|error| error.during(ACTION))?;
    let ppm = fs::read(part).map_err(io_error)?;
    let png = png_of_ppm(&ppm).ok_or_else(|| failed("QEMU wrote no picture"))?;
    fs::write(part, png).map_err(io_error)
}

fn deliver(part: &Path, file: &Path) -> Result<(), HostError> {
    match fs::rename(part, file) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            fs::copy(part, file).map(drop).map_err(io_error)
        }
        result => result.map_err(io_error),
    }
}

fn io_error(source: io::Error) -> HostError {
    HostError::Io {
        action: ACTION,
        source,
    }
}

fn failed(detail: &str) -> HostError {
    HostError::Failed {
        action: ACTION,
        detail: detail.to_owned(),
    }
}

/// A PNG (W3C Recommendation) of a binary PPM with 8 bits a colour, as QEMU writes it.
fn png_of_ppm(ppm: &[u8]) -> Option<Vec<u8>> {
    let (width, height, pixels) = read_ppm(ppm)?;
    let row_bytes = usize::try_from(width).ok()?.checked_mul(3)?;
    let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for row in pixels.chunks_exact(row_bytes) {
        // Filter type 0: the bytes as they are.
        rows.write_all(&[0]).ok()?;
        rows.write_all(row).ok()?;
    }
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // 8 bits, colour, and the only compression, filter set and order without interlacing.
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", header),
        (b"IDAT", rows.finish().ok()?),
        (b"IEND", Vec::new()),
    ] {
        let body = [&kind[..], &data].concat();
        png.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        png.extend_from_slice(&body);
        png.extend(crc32fast::hash(&body).to_be_bytes());
    }
    Some(png)
}

fn read_ppm(ppm: &[u8]) -> Option<(u32, u32, &[u8])> {
    let mut rest = ppm.strip_prefix(b"P6")?;
    let mut numbers = [0_u32; 3];
    for number in &mut numbers {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        *number = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
        rest = rest.get(end..)?;
    }
    let [width, height, maximum] = numbers;
    let pixels = u64::from(width) * u64::from(height);
    if maximum != 255 || pixels == 0 || pixels > PIXELS_LIMIT {
        return None;
    }
    let length = usize::try_from(pixels * 3).ok()?;
    // One byte of white space ends the header.
    Some((width, height, rest.get(1..)?.get(..length)?))
}

#[cfg(test)]
mod tests {
    use super::png_of_ppm;

    #[test]
    fn a_picture_of_two_pixels_is_whole() {
        let png = png_of_ppm(b"P6\n2 1\n255\n\xff\0\0\0\0\xff").unwrap();
        // Signature, IHDR and its checksum as Python's zlib.crc32 has it.
        assert_eq!(&png[..16], b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR");
        assert_eq!(&png[16..29], [0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
        assert_eq!(png[29..33], CRC_OF_HEADER);
        // IEND's checksum is in every PNG file.
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
    }

    const CRC_OF_HEADER: [u8; 4] = [0x7b, 0x40, 0xe8, 0xdd];

    #[test]
    fn what_is_no_picture_is_refused() {
        for spoilt in [
            &b"P5\n2 1\n255\n\xff\0\0\0\0\xff"[..],
            b"P6\n2 1\n65535\n\xff\0\0\0\0\xff",
            b"P6\n2 1\n255\n\xff\0\0\0\0",
            b"P6\n0 1\n255\n",
            b"P6\n99999 99999\n255\n",
            b"P6\n99999999999 1\n255\n",
            b"P6",
            b"",
        ] {
            assert_eq!(png_of_ppm(spoilt), None);
        }
    }
}
