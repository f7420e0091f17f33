//! Superblocks of version 0.90: 4 KiB, in the last 64 to 128 KiB.

use detente_block::{BlockRead as _, ReadError, Window};

use super::{Member, uuid};
use crate::fields::{array, has, le32, le64, read_if_inside};

const MAGIC: [u8; 4] = 0xa92b_4efc_u32.to_le_bytes();
const BYTES: usize = 4096;
const RESERVED: u64 = 65_536;
/// \[md\] `MD_DISK_ACTIVE` and `MD_DISK_SYNC`, without `MD_DISK_FAULTY`.
const IN_SYNC: u32 = 0b110;

pub(super) fn read(window: &Window) -> Result<Option<Result<Member, &'static str>>, ReadError> {
    let place = (window.len_bytes() & !65_535).checked_sub(RESERVED);
    let Some(place) = place else { return Ok(None) };
    let Some(block) = read_if_inside(window, place, BYTES)? else {
        return Ok(None);
    };
    if !has(&block, 0, &MAGIC) || le32(&block, 4) != Some(0) {
        return Ok(None);
    }
    Ok(Some(parse(&block, place)))
}

/// \[md\] `mdp_super_t`: words, in groups for the array, its state, its devices, this device.
fn parse(block: &[u8], place: u64) -> Result<Member, &'static str> {
    let short = "its superblock is short";
    if le32(block, 152) != Some(checksum(block)) {
        return Err("the checksum of its superblock is wrong");
    }
    let word = |at| le32(block, at).ok_or(short);
    let mut id = [0; 16];
    for (part, at) in id.chunks_exact_mut(4).zip([20, 52, 56, 60]) {
        // mdadm prints each word as a number.
        part.copy_from_slice(&word(at)?.to_be_bytes());
    }
    // The last 128 bytes describe the device that this is.
    let (role, state) = (word(3968 + 12)?, word(3968 + 16)?);
    let devices = word(40)?;
    let in_sync = state & 0b111 == IN_SYNC && role < devices;
    // [md] A minor version of 91 marks a change of layout.
    let reshaping = word(8)? > 90;
    // Sizes are in KiB.
    let size = u64::from(word(32)?).saturating_mul(1024);
    Ok(Member {
        uuid: uuid(id),
        name: String::new(),
        minor: Some(word(44)?),
        level: i32::from_le_bytes(array(block, 28).ok_or(short)?),
        devices,
        size,
        chunk: u64::from(word(260)?),
        data: (0, place),
        role: Some(role).filter(|_| in_sync),
        events: le64(block, 156).ok_or(short)?,
        clean: word(132)? & 1 != 0,
        reshaping,
    })
}

/// \[md\] `calc_sb_csum`: as in version 1.
fn checksum(block: &[u8]) -> u32 {
    let mut sum = 0_u64;
    for (index, word) in block.chunks_exact(4).enumerate() {
        let value = le32(word, 0).filter(|_| index != 38).unwrap_or(0);
        sum = sum.saturating_add(u64::from(value));
    }
    let folded = (sum & 0xffff_ffff).saturating_add(sum >> 32);
    u32::try_from(folded & 0xffff_ffff).unwrap_or(0)
}
