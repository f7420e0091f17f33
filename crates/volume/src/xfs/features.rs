//! Feature bits: which we know, and what the unknown ones are called.

use super::unsupported;
use crate::FsError;

/// `sb_versionnum`.
pub(super) const VERSION_MASK: u16 = 0xf;
pub(super) const VERSION_DIR_V2: u16 = 0x2000;
pub(super) const VERSION_CASE_BLIND: u16 = 0x4000;
pub(super) const VERSION_MORE_BITS: u16 = 0x8000;
/// `sb_features2`, of version 4.
pub(super) const FEATURES2_FTYPE: u32 = 0x200;

/// `sb_features_incompat`.
pub(super) const FTYPE: u32 = 0x1;
pub(super) const META_UUID: u32 = 0x4;
pub(super) const NEEDS_REPAIR: u32 = 0x10;
const ZONED: u32 = 0x200;

/// Incompatible features by bit. Those up to `METADIR` change nothing that a reader of files on the
/// data device has to know, or are read here.
const INCOMPAT: [(u32, &str, bool); 11] = [
    (FTYPE, "FTYPE", true),
    (0x2, "SPINODES", true),
    (META_UUID, "META_UUID", true),
    (0x8, "BIGTIME", true),
    (NEEDS_REPAIR, "NEEDSREPAIR", true),
    (0x20, "NREXT64", true),
    (0x40, "EXCHRANGE", true),
    (0x80, "PARENT", true),
    (0x100, "METADIR", true),
    (ZONED, "ZONED", false),
    (0x400, "ZONE_GAPS", false),
];

/// Refuses incompatible features that we do not know, by bit and by name.
pub(super) fn check(incompat: u32) -> Result<(), FsError> {
    let known = |bit: u32| INCOMPAT.iter().find(|(known, _, _)| *known == bit);
    let is_read = |bit: u32| known(bit).is_some_and(|(_, _, is_read)| *is_read);
    let bits = (0..u32::BITS).filter_map(|shift| 1_u32.checked_shl(shift));
    let mut refused = bits.filter(|bit| incompat & bit != 0 && !is_read(*bit));
    match refused.next() {
        None => Ok(()),
        Some(bit) => Err(unsupported(match known(bit) {
            Some((_, name, _)) => format!("incompatible feature {bit:#x} ({name})"),
            None => format!("incompatible feature {bit:#x}, which we do not know"),
        })),
    }
}
