//! Sample images, and disks built by hand.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend, Window};
use detente_volume::{FileSystem, FsError, Volume, open, scan};

/// A sample of `tests/images`, unpacked.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    let packed = std::fs::read(folder.join(format!("{name}.img.zst"))).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

pub(crate) fn disk(bytes: Vec<u8>) -> Arc<dyn BlockRead> {
    Arc::new(MemoryBackend::new(bytes))
}

pub(crate) fn window(bytes: Vec<u8>) -> Window {
    let len = bytes.len() as u64;
    Window::new(disk(bytes), 0, len).unwrap()
}

/// The only volume of a disk.
pub(crate) fn only_volume(bytes: Vec<u8>) -> Volume {
    let (_, mut volumes) = scan(&disk(bytes)).unwrap();
    assert_eq!(volumes.len(), 1);
    volumes.remove(0)
}

pub(crate) fn open_bytes(bytes: Vec<u8>) -> Result<Box<dyn FileSystem>, FsError> {
    open(&only_volume(bytes))
}

/// Whether `tool` can be run; says so when a test is skipped for it.
pub(crate) fn has_tool(test: &str, tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("skipped: {test}: {tool} is not installed");
        }
    }
    found
}

/// Makes the CRC-32C of each tree block and superblock of a btrfs right again. Blocks have 4 KiB.
pub(crate) fn seal_btrfs(bytes: &mut [u8]) {
    let Some(fsid) = bytes.get(65_536 + 32..65_536 + 48).map(<[u8]>::to_vec) else {
        return;
    };
    for block in bytes.chunks_exact_mut(4096) {
        seal_btrfs_block(block, &fsid);
    }
}

/// Of one block of 4 KiB, if it is of that file system.
pub(crate) fn seal_btrfs_block(block: &mut [u8], fsid: &[u8]) -> bool {
    let is_own = &block[32..48] == fsid;
    if is_own {
        let sum = crc32c::crc32c(&block[32..]);
        block[..4].copy_from_slice(&sum.to_le_bytes());
    }
    is_own
}

/// The pieces of metadata of an XFS of version 5 with blocks of `block` bytes (those of directories
/// have 4 KiB, which is the least that mkfs makes), without the trees
/// of its allocation groups: where each starts, how long it is, and where in it its sum stands.
pub(crate) fn xfs_pieces(bytes: &[u8], block: usize) -> Vec<(usize, usize, usize)> {
    let starts = (0..bytes.len() / 512 * 512).step_by(512);
    let found = starts.filter_map(|at| {
        let (len, sum) = xfs_piece(bytes, at, block)?;
        Some((at, len, sum))
    });
    found.collect()
}

/// The one that starts at `at`, if all of it is inside.
fn xfs_piece(bytes: &[u8], at: usize, block: usize) -> Option<(usize, usize)> {
    let be32 = |at: usize| {
        bytes[at..at + 4]
            .iter()
            .fold(0, |n, &b| n << 8 | usize::from(b))
    };
    let (len, sum) = match (&bytes[at..at + 4], &bytes[at + 8..at + 10]) {
        (b"XFSB", _) if at == 0 => (512, 224),
        ([b'I', b'N', _, _], _) if bytes[at + 4] == 3 => (512, 100),
        // Records that were only marked as empty have no length.
        ([0xfe, 0xed, 0xba, 0xbe], _) if be32(at + 12) > 0 => {
            let headers = be32(at + 320).div_ceil(32 << 10).clamp(1, 16);
            (headers * 512 + be32(at + 12).min(1 << 20), 32)
        }
        _ if !at.is_multiple_of(block) => return None,
        (b"XDB3" | b"XDD3", _) => (4096, 4),
        (b"BMA3", _) => (block, 64),
        (b"XSLM", _) => (block, 12),
        (_, [0x3d, 0xf1 | 0xff] | [0x3e, 0xbe]) => (4096, 12),
        _ => return None,
    };
    (at + len <= bytes.len()).then_some((len, sum))
}

/// Makes their sums right again.
pub(crate) fn seal_xfs(bytes: &mut [u8], block: usize) {
    for (at, _, _) in xfs_pieces(bytes, block) {
        seal_xfs_piece(bytes, at, block);
    }
}

/// Makes the sum of the piece that starts at `at` right again, and says where it stands.
pub(crate) fn seal_xfs_piece(bytes: &mut [u8], at: usize, block: usize) -> Option<usize> {
    let (len, sum_at) = xfs_piece(bytes, at, block)?;
    let piece = &mut bytes[at..at + len];
    piece[sum_at..sum_at + 4].fill(0);
    let is_record = sum_at == 32;
    let sum = if is_record {
        sum_of_record(piece)
    } else {
        crc32c::crc32c(piece)
    };
    piece[sum_at..sum_at + 4].copy_from_slice(&sum.to_le_bytes());
    Some(at + sum_at)
}

/// Of a record of an XFS log the start of each header counts, and the data.
fn sum_of_record(piece: &[u8]) -> u32 {
    let be32 = |at: usize| {
        piece[at..at + 4]
            .iter()
            .fold(0, |n, &b| n << 8 | usize::from(b))
    };
    let (data_len, size) = (be32(12), be32(320));
    let headers = size.div_ceil(32 << 10).clamp(1, 16);
    let more = data_len.div_ceil(32 << 10).min(headers);
    let sum = crc32c::crc32c(&piece[..328]);
    let sum = (1..more).fold(sum, |sum, header| {
        crc32c::crc32c_append(sum, &piece[header * 512..][..260])
    });
    crc32c::crc32c_append(sum, &piece[headers * 512..])
}

/// Overwrites bytes of an image.
pub(crate) fn poke(bytes: &mut [u8], at: usize, new: &[u8]) {
    bytes[at..at + new.len()].copy_from_slice(new);
}

/// A disk with a partition table, made field by field from the specifications.
pub(crate) struct ImageBuilder {
    pub(crate) bytes: Vec<u8>,
    sector: usize,
}

impl ImageBuilder {
    pub(crate) fn new(len: usize, sector: usize) -> Self {
        Self {
            bytes: vec![0; len],
            sector,
        }
    }

    pub(crate) fn poke(mut self, at: usize, new: &[u8]) -> Self {
        poke(&mut self.bytes, at, new);
        self
    }

    /// An MBR entry; `index` 0..4, in the sector at byte `at`.
    pub(crate) fn mbr_entry(
        self,
        at: usize,
        index: usize,
        kind: u8,
        (first, count): (u32, u32),
    ) -> Self {
        let entry = at + 446 + index * 16;
        self.poke(at + 510, &[0x55, 0xaa])
            .poke(entry + 4, &[kind])
            .poke(entry + 8, &first.to_le_bytes())
            .poke(entry + 12, &count.to_le_bytes())
    }

    /// Protective MBR, both headers and tables of 128 entries. Each partition is `(first, last)`.
    pub(crate) fn gpt(mut self, partitions: &[(u64, u64)]) -> Self {
        self = self.mbr_entry(0, 0, 0xee, (1, u32::MAX));
        let mut table = vec![0; 128 * 128];
        for (index, (first, last)) in partitions.iter().enumerate() {
            let entry = &mut table[index * 128..][..128];
            poke(entry, 0, &LINUX_TYPE);
            entry[16..32].fill(u8::try_from(index).unwrap() + 1);
            poke(entry, 32, &first.to_le_bytes());
            poke(entry, 40, &last.to_le_bytes());
            for (place, unit) in "wurzel é".encode_utf16().enumerate() {
                poke(entry, 56 + place * 2, &unit.to_le_bytes());
            }
        }
        let last = self.bytes.len() / self.sector - 1;
        let table_sectors = table.len() / self.sector;
        for (header, entries) in [(1, 2), (last, last - table_sectors)] {
            let at = entries * self.sector;
            poke(&mut self.bytes, at, &table);
            let place = (header as u64, (last + 1 - header) as u64, entries as u64);
            self = self.gpt_header(place, crc32fast::hash(&table));
        }
        self
    }

    fn gpt_header(self, (own, other, entries): (u64, u64, u64), table_crc: u32) -> Self {
        let at = usize::try_from(own).unwrap() * self.sector;
        self.poke(at, b"EFI PART")
            .poke(at + 8, &0x1_0000_u32.to_le_bytes())
            .poke(at + 12, &92_u32.to_le_bytes())
            .poke(at + 24, &own.to_le_bytes())
            .poke(at + 32, &other.to_le_bytes())
            .poke(at + 72, &entries.to_le_bytes())
            .poke(at + 80, &128_u32.to_le_bytes())
            .poke(at + 84, &128_u32.to_le_bytes())
            .poke(at + 88, &table_crc.to_le_bytes())
            .seal(at)
    }

    /// Puts the right checksum into the GPT header at byte `at`.
    pub(crate) fn seal(self, at: usize) -> Self {
        let mut header = self.bytes[at..at + 92].to_vec();
        header[16..20].fill(0);
        self.poke(at + 16, &crc32fast::hash(&header).to_le_bytes())
    }
}

/// 0fc63daf-8483-4772-8e79-3d69d8477de4 as it stands on disk.
pub(crate) const LINUX_TYPE: [u8; 16] = [
    0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4,
];
