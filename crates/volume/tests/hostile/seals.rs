//! Checksums that are made right again after a mutation, so that it is read on.

use crate::spoiled::Seal;
use crate::support::{seal_btrfs_block, seal_xfs_piece, xfs_pieces};

/// The CRC-32C of tree blocks and superblocks of 4 KiB.
pub(crate) fn btrfs() -> Seal {
    Box::new(|bytes, touched| {
        let fsid = bytes[65_536 + 32..65_536 + 48].to_vec();
        let starts = touched.iter().map(|at| at / 4096 * 4096);
        let sealed = starts.filter(|&start| {
            let block = bytes.get_mut(start..start + 4096);
            block.is_some_and(|block| seal_btrfs_block(block, &fsid))
        });
        sealed.collect()
    })
}

/// The sums of the metadata that was there before the mutation.
pub(crate) fn xfs(sound: &[u8], block: usize) -> Seal {
    let pieces = xfs_pieces(sound, block);
    Box::new(move |bytes, touched| {
        let hit = |(at, len, _): &&(usize, usize, usize)| {
            touched.iter().any(|place| (*at..at + len).contains(place))
        };
        // A record of the log holds pieces of its own, whose sums its own is over.
        let inner_first = pieces.iter().rev().filter(hit);
        let sums = inner_first.filter_map(|&(at, _, _)| seal_xfs_piece(bytes, at, block));
        sums.collect()
    })
}

/// UEFI, "GUID Partition Table Header": the table's CRC-32, then the header's own, of both copies.
pub(crate) fn gpt() -> Seal {
    Box::new(|bytes, _| {
        let headers = [512, bytes.len() / 512 * 512 - 512];
        let sealed = headers.into_iter().filter(|&at| seal_gpt(bytes, at));
        // One page holds all of a header.
        sealed.collect()
    })
}

fn seal_gpt(bytes: &mut [u8], at: usize) -> bool {
    let number = |field: usize, len: usize| {
        let field = bytes[at + field..][..len].iter().rev();
        field.fold(0_usize, |number, &byte| number << 8 | usize::from(byte))
    };
    let (len, start) = (number(12, 4), number(72, 8));
    let table_len = number(80, 4).saturating_mul(number(84, 4));
    let start = start.saturating_mul(512);
    if let Some(table) = bytes.get(start..start.saturating_add(table_len)) {
        let sum = crc32fast::hash(table);
        bytes[at + 88..at + 92].copy_from_slice(&sum.to_le_bytes());
    }
    bytes[at + 16..at + 20].fill(0);
    if let Some(header) = bytes.get(at..at.saturating_add(len)) {
        let sum = crc32fast::hash(header);
        bytes[at + 16..at + 20].copy_from_slice(&sum.to_le_bytes());
    }
    true
}

/// Linux, `calc_sb_1_csum`: the words of the superblock at 4 KiB and of its roles are added up.
pub(crate) fn md() -> Seal {
    Box::new(|bytes, _| {
        let block = &mut bytes[4096..8192];
        block[216..220].fill(0);
        let roles = usize::from(block[220]) | usize::from(block[221]) << 8;
        let whole = (256 + roles * 2).min(4096);
        let words = block[..whole].chunks(4).map(|word| {
            let bytes = word.iter().rev();
            bytes.fold(0_u64, |word, &byte| word << 8 | u64::from(byte))
        });
        let sum: u64 = words.sum();
        let folded = (sum & 0xffff_ffff) + (sum >> 32);
        block[216..220].copy_from_slice(&folded.to_le_bytes()[..4]);
        vec![4096 + 216]
    })
}
