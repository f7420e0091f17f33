//! READ CAPACITY: how long the disk is.

use super::medium::Access;
use super::unit::Unit;

/// Logical block provisioning is managed, and unmapped blocks read as zero.
const PROVISIONED: u8 = 0xc0;

/// READ CAPACITY (10): a disk that is longer than it can say has the last block 0xffffffff.
pub(super) fn ten(unit: &Unit) -> [u8; 8] {
    let last = u32::try_from(last_block(unit)).unwrap_or(u32::MAX);
    let [a, b, c, d] = last.to_be_bytes();
    let [e, f, g, h] = unit.sector.bytes().to_be_bytes();
    [a, b, c, d, e, f, g, h]
}

/// READ CAPACITY (16).
pub(super) fn sixteen(unit: &Unit) -> [u8; 32] {
    let mut data = [0; 32];
    data[..8].copy_from_slice(&last_block(unit).to_be_bytes());
    data[8..12].copy_from_slice(&unit.sector.bytes().to_be_bytes());
    data[13] = unit.sector.physical_exponent();
    data[14] = match unit.access {
        Access::ReadWrite => PROVISIONED,
        Access::ReadOnly => 0,
    };
    data
}

fn last_block(unit: &Unit) -> u64 {
    unit.blocks().saturating_sub(1)
}
