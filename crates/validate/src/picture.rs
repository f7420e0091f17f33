//! Looking at a picture of a screen: as much of PNG (W3C Recommendation, third edition) as machines
//! write.

use std::io::Read as _;

use detente_plan::judge::Screen;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A screen of 4096 by 4096 points: beyond what a VGA card shows.
const MAX_POINTS: u64 = 4096 * 4096;

/// The bytes of IHDR.
const HEADER_BYTES: usize = 13;

/// Why a picture cannot be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PictureError {
    /// The structure is not PNG's.
    #[error("the picture is no PNG")]
    NotPng,
    /// A kind of picture that no machine writes.
    #[error("the picture is of a kind that machines do not write")]
    Unusual,
    /// The points are not what the header says.
    #[error("the picture's points are not as many as it says")]
    Torn,
}

/// What is seen of a screen.
pub(crate) fn look(png: &[u8]) -> Result<Screen, PictureError> {
    let mut rest = png.strip_prefix(SIGNATURE).ok_or(PictureError::NotPng)?;
    let mut header = None;
    let mut packed = Vec::new();
    while let Some((kind, data, behind)) = chunk(rest) {
        match kind {
            b"IHDR" => header = Some(Header::read(data)?),
            b"IDAT" => packed.extend_from_slice(data),
            b"IEND" => break,
            _ => {}
        }
        rest = behind;
    }
    let header = header.ok_or(PictureError::NotPng)?;
    let row_bytes = header.row_bytes().ok_or(PictureError::Unusual)?;
    let wanted = row_bytes.saturating_add(1).saturating_mul(header.rows());
    let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    flate2::read::ZlibDecoder::new(packed.as_slice())
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|_| PictureError::Torn)?;
    if bytes.len() != wanted {
        return Err(PictureError::Torn);
    }
    let differing = differing(&mut bytes, row_bytes, header.point_bytes)?;
    Ok(Screen {
        width: header.width,
        height: header.height,
        differing,
    })
}

/// The first chunk: its kind, its data, and what is behind it. Sums are not looked at: what was
/// torn shows in the points.
fn chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (data, rest) = rest.split_at_checked(length)?;
    Some((kind, data, rest.get(4..)?))
}

/// What the header says.
struct Header {
    width: u32,
    height: u32,
    point_bytes: usize,
}

impl Header {
    fn read(data: &[u8]) -> Result<Self, PictureError> {
        let data: &[u8; HEADER_BYTES] = data.try_into().map_err(|_| PictureError::NotPng)?;
        let [
            w0,
            w1,
            w2,
            w3,
            h0,
            h1,
            h2,
            h3,
            depth,
            colour,
            0,
            0,
            interlace,
        ] = *data
        else {
            return Err(PictureError::Unusual);
        };
        let (width, height) = (
            u32::from_be_bytes([w0, w1, w2, w3]),
            u32::from_be_bytes([h0, h1, h2, h3]),
        );
        let points = u64::from(width) * u64::from(height);
        // Grey, colours, a palette, and colours with transparency.
        let point_bytes = match colour {
            0 | 3 => 1,
            2 => 3,
            6 => 4,
            _ => return Err(PictureError::Unusual),
        };
        if depth != 8 || interlace != 0 || points == 0 || points > MAX_POINTS {
            return Err(PictureError::Unusual);
        }
        Ok(Self {
            width,
            height,
            point_bytes,
        })
    }

    fn row_bytes(&self) -> Option<usize> {
        usize::try_from(self.width)
            .ok()?
            .checked_mul(self.point_bytes)
    }

    fn rows(&self) -> usize {
        usize::try_from(self.height).unwrap_or(usize::MAX)
    }
}

/// How many points have another colour than the first.
fn differing(bytes: &mut [u8], row_bytes: usize, point_bytes: usize) -> Result<u64, PictureError> {
    let mut above = vec![0; row_bytes];
    let mut first: Option<Vec<u8>> = None;
    let mut count = 0_u64;
    for line in bytes.chunks_exact_mut(row_bytes.saturating_add(1)) {
        let (filter, row) = line.split_first_mut().ok_or(PictureError::Torn)?;
        unfilter(*filter, row, &above, point_bytes)?;
        let first =
            first.get_or_insert_with(|| row.get(..point_bytes).unwrap_or_default().to_vec());
        let others = row
            .chunks_exact(point_bytes)
            .filter(|point| *point != first.as_slice());
        count = count.saturating_add(others.count() as u64);
        above.copy_from_slice(row);
    }
    Ok(count)
}

/// Undoes a row's filter (section 9.2).
fn unfilter(
    filter: u8,
    row: &mut [u8],
    above: &[u8],
    point_bytes: usize,
) -> Result<(), PictureError> {
    for at in 0..row.len() {
        let before = |list: &[u8]| {
            let place = at.checked_sub(point_bytes);
            place
                .and_then(|place| list.get(place).copied())
                .unwrap_or(0)
        };
        let (left, corner) = (before(row), before(above));
        let up = above.get(at).copied().unwrap_or(0);
        let predicted = match filter {
            0 => 0,
            1 => left,
            2 => up,
            3 => left.midpoint(up),
            4 => paeth(left, up, corner),
            _ => return Err(PictureError::Torn),
        };
        if let Some(byte) = row.get_mut(at) {
            *byte = byte.wrapping_add(predicted);
        }
    }
    Ok(())
}

/// Section 9.4.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |byte: u8| (estimate - i16::from(byte)).abs();
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A picture with colours, of rows with their filters.
    fn png(width: u32, rows: &[&[u8]]) -> Vec<u8> {
        let mut header = [width.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        header[4..8].copy_from_slice(&u32::try_from(rows.len()).unwrap().to_be_bytes());
        header.extend([8, 2, 0, 0, 0]);
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&rows.concat()).unwrap();
        let mut bytes = SIGNATURE.to_vec();
        for (kind, data) in [
            (b"IHDR", header),
            (b"IDAT", packed.finish().unwrap()),
            (b"IEND", Vec::new()),
        ] {
            bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(kind);
            bytes.extend(data);
            bytes.extend([0; 4]);
        }
        bytes
    }

    #[test]
    fn points_of_another_colour_are_counted_through_every_filter() {
        // Two points a row: black and (1, 2, 3), in five rows that all come to the same.
        let rows: [&[u8]; 5] = [
            &[0, 0, 0, 0, 1, 2, 3],
            &[1, 0, 0, 0, 1, 2, 3],
            &[2, 0, 0, 0, 0, 0, 0],
            // Half of what is above: 0, 1, 1.
            &[3, 0, 0, 0, 1, 1, 2],
            &[4, 0, 0, 0, 0, 0, 0],
        ];
        let seen = look(&png(2, &rows)).unwrap();
        let expected = Screen {
            width: 2,
            height: 5,
            differing: 5,
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_blank_screen_has_none() {
        let rows: [&[u8]; 2] = [&[0; 7], &[0; 7]];
        assert_eq!(look(&png(2, &rows)).unwrap().differing, 0);
    }

    #[test]
    fn what_is_no_such_picture_is_refused() {
        let rows: [&[u8]; 1] = [&[0; 7]];
        let sound = png(2, &rows);
        assert_eq!(look(b"GIF89a"), Err(PictureError::NotPng));
        assert_eq!(look(SIGNATURE), Err(PictureError::NotPng));
        assert_eq!(look(&png(3, &rows)), Err(PictureError::Torn));
        let unknown: [&[u8]; 1] = [&[5, 0, 0, 0, 0, 0, 0]];
        assert_eq!(look(&png(2, &unknown)), Err(PictureError::Torn));
        for (at, byte) in [(24, 16), (25, 5), (28, 1), (16, 0xff)] {
            let mut other = sound.clone();
            other[at] = byte;
            assert_eq!(look(&other), Err(PictureError::Unusual), "byte {at}");
        }
    }

    #[test]
    fn a_picture_that_is_cut_never_panics() {
        let rows: [&[u8]; 2] = [&[1; 7], &[4; 7]];
        let sound = png(2, &rows);
        for len in 0..sound.len() {
            let _ = look(&sound[..len]);
        }
    }
}
