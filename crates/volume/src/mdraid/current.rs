//! Superblocks of version 1: at the start (1.1), at 4 KiB (1.2), near the end (1.0).

use detente_block::{BlockRead as _, ReadError, Window};

use super::{Member, uuid};
use crate::fields::{array, has, le16, le32, le64, read_if_inside, text};

const SECTOR: u64 = 512;
const MAGIC: [u8; 4] = 0xa92b_4efc_u32.to_le_bytes();
/// \[md\] The superblock without roles.
const FIXED_BYTES: usize = 256;
/// \[md\] With roles it fills at most 4 KiB.
const MAX_DEVICES: usize = 1920;
/// \[md\] `MD_FEATURE_RECOVERY_OFFSET` and `MD_FEATURE_RESHAPE_ACTIVE`.
const RECOVERING: u32 = 2;
const RESHAPING: u32 = 4;

pub(super) fn read(window: &Window) -> Result<Option<Result<Member, &'static str>>, ReadError> {
    // Version 1.0: at least 8 KiB before the end, on a border of 4 KiB.
    let len = window.len_bytes();
    let near_end = (len & !511).checked_sub(8192).map(|at| at & !4095);
    for at in [Some(0), Some(4096), near_end].into_iter().flatten() {
        let Some(head) = read_if_inside(window, at, FIXED_BYTES)? else {
            continue;
        };
        if !has(&head, 0, &MAGIC) || le32(&head, 4) != Some(1) {
            continue;
        }
        // The superblock says where it is: a copy of another does not.
        if le64(&head, 144).and_then(|sector| sector.checked_mul(SECTOR)) != Some(at) {
            continue;
        }
        let roles = le32(&head, 220).and_then(|count| usize::try_from(count).ok());
        let Some(roles) = roles.filter(|&count| count <= MAX_DEVICES) else {
            return Ok(Some(Err("it has more devices than md allows")));
        };
        let whole = FIXED_BYTES.saturating_add(roles.saturating_mul(2));
        let Some(block) = read_if_inside(window, at, whole)? else {
            return Ok(Some(Err("its superblock lies outside the volume")));
        };
        return Ok(Some(parse(&block)));
    }
    Ok(None)
}

/// \[md\] `struct mdp_superblock_1`.
fn parse(block: &[u8]) -> Result<Member, &'static str> {
    let short = "its superblock is short";
    if le32(block, 216) != Some(checksum(block)) {
        return Err("the checksum of its superblock is wrong");
    }
    let word = |at| le32(block, at).ok_or(short);
    let long = |at| le64(block, at).ok_or(short);
    let sectors = |at| {
        let bytes = long(at).map(|sectors| sectors.checked_mul(SECTOR))?;
        bytes.ok_or("its sizes are impossible")
    };
    let features = word(8)?;
    let name = text(block, 32, 32).unwrap_or_default();
    let name = name.rsplit_once(':').map_or(name.as_str(), |(_, own)| own);
    let index = usize::try_from(word(160)?).map_err(|_| short)?;
    let at = index.saturating_mul(2).saturating_add(FIXED_BYTES);
    let devices = word(92)?;
    // [md] 0xffff: a spare, 0xfffe: it failed, 0xfffd: a journal.
    let role = le16(block, at)
        .map(u32::from)
        .filter(|&role| role < devices);
    let recovering = features & RECOVERING != 0;
    Ok(Member {
        uuid: uuid(array(block, 16).ok_or(short)?),
        name: name.chars().filter(|letter| !letter.is_control()).collect(),
        minor: None,
        level: i32::from_le_bytes(array(block, 72).ok_or(short)?),
        devices,
        size: sectors(80)?,
        chunk: u64::from(word(88)?).saturating_mul(SECTOR),
        data: (sectors(128)?, sectors(136)?),
        role: role.filter(|_| !recovering),
        events: long(200)?,
        clean: long(208)? == u64::MAX,
        reshaping: features & RESHAPING != 0,
    })
}

/// \[md\] `calc_sb_1_csum`: words added up, the sum's own place taken for zero.
fn checksum(block: &[u8]) -> u32 {
    let mut sum = 0_u64;
    for (index, word) in block.chunks(4).enumerate() {
        let value = match word.try_into() {
            Ok(word) => u32::from_le_bytes(word),
            // An odd number of roles ends in half a word.
            Err(_) => le16(word, 0).map_or(0, u32::from),
        };
        let value = if index == 54 { 0 } else { value };
        sum = sum.saturating_add(u64::from(value));
    }
    let folded = (sum & 0xffff_ffff).saturating_add(sum >> 32);
    u32::try_from(folded & 0xffff_ffff).unwrap_or(0)
}
