//! MODE SENSE: the write cache, and whether the disk may be written.

use super::command::{ModeForm, ModeSense};
use super::medium::Access;
use super::sense::Sense;
use super::unit::Unit;

/// Page codes (SPC-4, 7.5; SBC-3, 6.4).
const CACHING: u8 = 0x08;
const CONTROL: u8 = 0x0a;
const ALL: u8 = 0x3f;

/// All subpages.
const ALL_SUBPAGES: u8 = 0xff;

/// Values of the page control field.
const CHANGEABLE: u8 = 1;
const SAVED: u8 = 3;

/// Device-specific parameter: write-protected; FUA and DPO are understood.
const WRITE_PROTECTED: u8 = 0x80;
const FUA_UNDERSTOOD: u8 = 0x10;

/// What is answered.
pub(super) fn data(unit: &Unit, asked: ModeSense) -> Result<Vec<u8>, Sense> {
    if asked.control == SAVED {
        return Err(Sense::SavingUnsupported);
    }
    let pages = pages(asked)?;
    let descriptor = descriptor(unit, asked);
    let specific = match unit.access {
        Access::ReadWrite => FUA_UNDERSTOOD,
        Access::ReadOnly => FUA_UNDERSTOOD | WRITE_PROTECTED,
    };
    // Headers say how much follows their own length field; all of it is far below 255 bytes.
    let following = descriptor.len().saturating_add(pages.len());
    let following = u8::try_from(following).unwrap_or(u8::MAX);
    let described = u8::try_from(descriptor.len()).unwrap_or(u8::MAX);
    let mut data = match asked.form {
        ModeForm::Six => vec![following.saturating_add(3), 0, specific, described],
        ModeForm::Ten => {
            let len = following.saturating_add(6);
            vec![0, len, 0, specific, 0, 0, 0, described]
        }
    };
    data.extend(descriptor);
    data.extend(pages);
    Ok(data)
}

/// The block descriptor: how many blocks, how long.
fn descriptor(unit: &Unit, asked: ModeSense) -> Vec<u8> {
    if !asked.descriptors {
        return Vec::new();
    }
    // Four bytes hold the number of blocks of a direct-access device, or all ones.
    let blocks = u32::try_from(unit.blocks()).unwrap_or(u32::MAX);
    let mut descriptor = blocks.to_be_bytes().to_vec();
    descriptor.extend(unit.sector.bytes().to_be_bytes());
    descriptor
}

fn pages(asked: ModeSense) -> Result<Vec<u8>, Sense> {
    if asked.subpage != 0 && asked.subpage != ALL_SUBPAGES {
        return Err(Sense::InvalidField);
    }
    let mut caching = [0; 20];
    (caching[0], caching[1]) = (CACHING, 18);
    let mut control = [0; 12];
    (control[0], control[1]) = (CONTROL, 10);
    if asked.control != CHANGEABLE {
        // The write cache is on: what was not flushed can be lost.
        caching[2] = 0x04;
        // Commands may be reordered; a busy device may stay so for ever.
        control[3] = 0x10;
        control[8..10].fill(0xff);
    }
    match asked.page {
        CACHING => Ok(caching.to_vec()),
        CONTROL => Ok(control.to_vec()),
        ALL => Ok([&caching[..], &control[..]].concat()),
        _ => Err(Sense::InvalidField),
    }
}
