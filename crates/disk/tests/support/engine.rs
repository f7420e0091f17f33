//! The smallest engine that writes an image by its [`Layout`]: in memory, one granule after the
//! other where it has to look at bytes. For tests of layouts; what ships is `detente-copy`.

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};
use detente_disk::{Compression, Finish, Layout, Patch, Stamp, Target};

/// What tests stamp their images with.
pub(crate) fn stamp() -> Stamp {
    Stamp {
        ids: [[0x11; 16], [0x22; 16], [0x33; 16], [0x44; 16]],
        unix_seconds: 1_700_000_000,
    }
}

/// The bytes of an image of this kind with this content. Granules of zeroes get no place; where the
/// content says that a range is zero without being read, the layout is told so.
pub(crate) fn write_image(target: &Target, content: &dyn BlockRead) -> Vec<u8> {
    let mut image = NewImage::new(target, content.len_bytes());
    image.copy(content);
    image.finish()
}

/// An image that is being written.
pub(crate) struct NewImage {
    pub(crate) layout: Box<dyn Layout>,
    compression: Option<Compression>,
    bytes: Vec<u8>,
}

impl NewImage {
    pub(crate) fn new(target: &Target, virtual_size: u64) -> Self {
        let compression = match target {
            Target::Qcow2(spec) => spec.compression,
            Target::Raw | Target::Vhdx(_) | Target::Vhd(_) => None,
        };
        let layout = target.layout(virtual_size, &stamp()).unwrap();
        assert!(layout.virtual_size() >= virtual_size, "it was cut off");
        Self {
            layout,
            compression,
            bytes: Vec::new(),
        }
    }

    /// Copies all of it, in pieces of up to 64 granules.
    pub(crate) fn copy(&mut self, content: &dyn BlockRead) {
        let granule = self.layout.granule().max(512);
        let (mut offset, size) = (0, content.len_bytes());
        while offset < size {
            let extent = content.next_extent(offset).unwrap();
            let extent_end = extent.offset + extent.len;
            // Granules are all zero or they are data.
            let zero_end = match extent.kind {
                ExtentKind::Zero if extent_end == size => size,
                ExtentKind::Zero => extent_end / granule * granule,
                ExtentKind::Data => offset,
            };
            if zero_end > offset {
                self.layout.zero(offset, zero_end - offset).unwrap();
                offset = zero_end;
                continue;
            }
            let end = extent_end
                .next_multiple_of(granule)
                .min(size)
                .min(offset + 64 * granule);
            let mut piece = vec![0; usize::try_from(end - offset).unwrap()];
            content.read_exact_at(offset, &mut piece).unwrap();
            self.write(offset, &piece);
            offset = end;
        }
    }

    /// Writes `piece`, which starts at a granule; runs of granules that are not zero go together.
    pub(crate) fn write(&mut self, offset: u64, piece: &[u8]) {
        let granule = usize::try_from(self.layout.granule().max(512)).unwrap();
        let mut at = 0;
        for run in piece
            .chunks(granule)
            .collect::<Vec<_>>()
            .chunk_by(|a, b| is_zero(a) == is_zero(b))
        {
            let len = run.iter().map(|granule| granule.len()).sum::<usize>();
            let start = offset + at as u64;
            if is_zero(run[0]) {
                self.layout.zero(start, len as u64).unwrap();
            } else if let Some(compression) = self.compression {
                for (index, part) in run.iter().enumerate() {
                    self.write_packed(start + (index * granule) as u64, part, granule, compression);
                }
            } else {
                self.write_data(start, &piece[at..][..len]);
            }
            at += len;
        }
        let patches = self.layout.take_patches();
        self.patch(patches);
    }

    pub(crate) fn write_data(&mut self, mut offset: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let placed = self.layout.place(offset, data.len() as u64).unwrap();
            let len = usize::try_from(placed.len).unwrap();
            assert!(len > 0 && len <= data.len(), "{placed:?}");
            self.put(placed.offset, &data[..len]);
            offset += placed.len;
            data = &data[len..];
        }
    }

    /// One granule; as it is where it does not become smaller.
    fn write_packed(&mut self, offset: u64, part: &[u8], granule: usize, kind: Compression) {
        let mut whole = part.to_vec();
        whole.resize(granule, 0);
        let packed = pack(&whole, kind);
        if packed.len() >= granule {
            return self.write_data(offset, part);
        }
        let placed = self
            .layout
            .place_compressed(offset, packed.len() as u64)
            .unwrap();
        assert_eq!(placed.len, packed.len() as u64);
        self.put(placed.offset, &packed);
    }

    pub(crate) fn patch(&mut self, patches: Vec<Patch>) {
        for patch in patches {
            self.room(patch.offset, patch.bytes.len())
                .copy_from_slice(&patch.bytes);
        }
    }

    /// Data is never put where something is.
    fn put(&mut self, offset: u64, bytes: &[u8]) {
        let room = self.room(offset, bytes.len());
        assert!(is_zero(room), "bytes are placed twice at {offset:#x}");
        room.copy_from_slice(bytes);
    }

    fn room(&mut self, offset: u64, len: usize) -> &mut [u8] {
        let start = usize::try_from(offset).unwrap();
        if self.bytes.len() < start + len {
            self.bytes.resize(start + len, 0);
        }
        &mut self.bytes[start..][..len]
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let Self {
            layout, mut bytes, ..
        } = self;
        let Finish { patches, file_len } = layout.finish().unwrap();
        let file_len = usize::try_from(file_len).unwrap();
        assert!(bytes.len() <= file_len, "bytes lie past the end");
        bytes.resize(file_len, 0);
        for patch in patches {
            let start = usize::try_from(patch.offset).unwrap();
            bytes[start..][..patch.bytes.len()].copy_from_slice(&patch.bytes);
        }
        bytes
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// As QEMU wants it: raw deflate with a window of 12 bits, or a zstd frame.
fn pack(bytes: &[u8], kind: Compression) -> Vec<u8> {
    match kind {
        Compression::Zlib => {
            let level = flate2::Compression::new(6);
            let mut deflate = flate2::Compress::new_with_window_bits(level, false, 12);
            let mut packed = Vec::with_capacity(bytes.len() * 2 + 64);
            let finish = flate2::FlushCompress::Finish;
            let status = deflate.compress_vec(bytes, &mut packed, finish).unwrap();
            assert_eq!(status, flate2::Status::StreamEnd);
            packed
        }
        Compression::Zstd => zstd::bulk::compress(bytes, 3).unwrap(),
    }
}

/// A disk in memory that knows which of its blocks of 4 KiB are zero.
pub(crate) struct SparseDisk(pub(crate) Vec<u8>);

impl BlockRead for SparseDisk {
    fn len_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let start = usize::try_from(offset).unwrap();
        buf.copy_from_slice(&self.0[start..][..buf.len()]);
        Ok(())
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let start = usize::try_from(offset).unwrap();
        let to_block_end = 4096 - start % 4096;
        let (head, rest) = self.0[start..].split_at(to_block_end.min(self.0.len() - start));
        let zero = is_zero(head);
        let more = rest.chunks(4096).take_while(|block| is_zero(block) == zero);
        let len = head.len() + more.map(<[u8]>::len).sum::<usize>();
        let kind = if zero {
            ExtentKind::Zero
        } else {
            ExtentKind::Data
        };
        Ok(Extent {
            offset,
            len: len as u64,
            kind,
        })
    }
}

/// A disk of `size` bytes with noise, text, lone bytes and long stretches of zeroes, from a seed.
pub(crate) fn mixed_disk(size: usize, seed: u64) -> SparseDisk {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut disk = vec![0; size];
    let mut at = 0;
    while at < size {
        let len = 1 + usize::try_from(next() % 150_000).unwrap();
        let end = size.min(at + len);
        match next() % 5 {
            0 => disk[at..end].fill_with(|| next().to_le_bytes()[3]),
            1 => {
                for (index, byte) in disk[at..end].iter_mut().enumerate() {
                    *byte = b"a line of text that compresses\n"[index % 31];
                }
            }
            2 => disk[at] = 1,
            _ => {}
        }
        at = end;
    }
    SparseDisk(disk)
}
