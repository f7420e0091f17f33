//! How much room a file system has left, as its first blocks say.
//!
//! A file system that was not unmounted may have other figures in its journal: what is said here
//! is then a little old.

use detente_block::BlockRead;

use crate::volumes::Held;

/// The room that is left; `None` where the format does not say, or is not read.
pub(crate) fn bytes(held: &Held) -> Option<u64> {
    match held.kind() {
        "ext2" | "ext3" | "ext4" => ext4(&held.volume.window),
        "xfs" => xfs(&held.volume.window),
        "btrfs" => btrfs(&held.volume.window),
        _ => None,
    }
}

fn field<const N: usize>(volume: &dyn BlockRead, at: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    volume.read_exact_at(at, &mut bytes).ok()?;
    Some(bytes)
}

/// [ext4 on-disk layout] The superblock is at 1024; the upper half counts with INCOMPAT_64BIT.
fn ext4(volume: &dyn BlockRead) -> Option<u64> {
    let low = u32::from_le_bytes(field(volume, 1024 + 0x0c)?);
    let log = u32::from_le_bytes(field(volume, 1024 + 0x18)?);
    let features = u32::from_le_bytes(field(volume, 1024 + 0x60)?);
    let high = match features & 0x80 {
        0 => 0,
        _ => u32::from_le_bytes(field(volume, 1024 + 0x158)?),
    };
    let blocks = u64::from(high).checked_shl(32)? | u64::from(low);
    let block_bytes = 1024_u64.checked_shl(log).filter(|_| log <= 6)?;
    blocks.checked_mul(block_bytes)
}

/// [XFS Algorithms & Data Structures] sb_blocksize, sb_fdblocks.
fn xfs(volume: &dyn BlockRead) -> Option<u64> {
    let block_bytes = u32::from_be_bytes(field(volume, 4)?);
    let blocks = u64::from_be_bytes(field(volume, 144)?);
    blocks.checked_mul(u64::from(block_bytes))
}

/// [btrfs on-disk format] total_bytes, bytes_used; what is kept for metadata is counted as free.
fn btrfs(volume: &dyn BlockRead) -> Option<u64> {
    let total = u64::from_le_bytes(field(volume, 0x1_0000 + 0x70)?);
    let used = u64::from_le_bytes(field(volume, 0x1_0000 + 0x78)?);
    total.checked_sub(used)
}
