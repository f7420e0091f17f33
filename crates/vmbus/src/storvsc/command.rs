//! Commands, parsed from their blocks (SPC-4, SBC-3).

use super::fields::{be16, be32, be64};
use super::sense::Sense;

/// A command that this device knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// TEST UNIT READY
    TestUnitReady,
    /// REQUEST SENSE
    RequestSense { descriptors: bool, room: u32 },
    /// INQUIRY
    Inquiry { page: InquiryPage, room: u32 },
    /// MODE SENSE
    ModeSense(ModeSense),
    /// START STOP UNIT
    StartStop { start: bool },
    /// READ CAPACITY (10)
    ReadCapacity10,
    /// READ CAPACITY (16)
    ReadCapacity16 { room: u32 },
    /// REPORT LUNS
    ReportLuns { select: u8, room: u32 },
    /// READ
    Read(Blocks),
    /// WRITE; `force`: to stable storage.
    Write { blocks: Blocks, force: bool },
    /// SYNCHRONIZE CACHE
    Synchronize(Blocks),
    /// UNMAP
    Unmap { parameter_bytes: u32 },
    /// WRITE SAME
    WriteSame { blocks: Blocks, source: SameSource },
}

/// Blocks of the disk, as the guest names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    /// The first one.
    pub(super) first: u64,
    /// How many.
    pub(super) count: u32,
}

/// What is asked about the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InquiryPage {
    /// Standard data.
    Standard,
    /// A page of vital product data.
    Vital(u8),
}

/// Where the block comes from that is written everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SameSource {
    /// The guest sends it.
    Guest,
    /// It is zero, and not sent.
    Zero,
}

/// What MODE SENSE asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ModeSense {
    /// Six or ten bytes: they have other headers.
    pub(super) form: ModeForm,
    /// Which page, or 0x3f for all.
    pub(super) page: u8,
    /// Which part of it.
    pub(super) subpage: u8,
    /// Current, changeable, default or saved values.
    pub(super) control: u8,
    /// Whether block descriptors are wanted.
    pub(super) descriptors: bool,
    /// How many bytes are wanted.
    pub(super) room: u32,
}

/// The two forms of MODE SENSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModeForm {
    /// MODE SENSE (6)
    Six,
    /// MODE SENSE (10)
    Ten,
}

/// Parses a command of which `len` bytes count.
pub(super) fn parse(cdb: &[u8; 16], len: u8) -> Result<Command, Sense> {
    // The upper three bits of the operation code say how long a command is.
    let needed = match cdb[0] >> 5 {
        0 => 6,
        1 | 2 => 10,
        4 => 16,
        5 => 12,
        _ => return Err(Sense::InvalidOpcode),
    };
    if len < needed || len > 16 {
        return Err(Sense::InvalidField);
    }
    match cdb[0] >> 5 {
        0 => six(cdb),
        1 | 2 => ten(cdb),
        4 => sixteen(cdb),
        _ => twelve(cdb),
    }
}

fn six(cdb: &[u8; 16]) -> Result<Command, Sense> {
    let room = u32::from(cdb[4]);
    // A short transfer of 0 blocks is one of 256.
    let blocks = Blocks {
        first: u64::from(u32::from_be_bytes([0, cdb[1] & 0x1f, cdb[2], cdb[3]])),
        count: if room == 0 { 256 } else { room },
    };
    Ok(match cdb[0] {
        0x00 => Command::TestUnitReady,
        0x03 => Command::RequestSense {
            descriptors: cdb[1] & 1 != 0,
            room,
        },
        0x08 => Command::Read(blocks),
        0x0a => Command::Write {
            blocks,
            force: false,
        },
        0x12 => Command::Inquiry {
            page: inquiry_page(cdb)?,
            room: number16(cdb, 3),
        },
        0x1a => Command::ModeSense(mode_sense(cdb, ModeForm::Six, room)),
        0x1b => Command::StartStop {
            start: cdb[4] & 1 != 0,
        },
        _ => return Err(Sense::InvalidOpcode),
    })
}

fn ten(cdb: &[u8; 16]) -> Result<Command, Sense> {
    let blocks = Blocks {
        first: u64::from(number32(cdb, 2)),
        count: number16(cdb, 7),
    };
    Ok(match cdb[0] {
        0x25 => Command::ReadCapacity10,
        0x28 => unprotected(cdb, Command::Read(blocks))?,
        0x2a => unprotected(cdb, write(cdb, blocks))?,
        0x35 => Command::Synchronize(blocks),
        0x41 if cdb[1] & 1 != 0 => return Err(Sense::InvalidField),
        0x41 => write_same(cdb, blocks)?,
        0x42 if cdb[1] & 1 != 0 => return Err(Sense::InvalidField),
        0x42 => Command::Unmap {
            parameter_bytes: number16(cdb, 7),
        },
        0x5a => Command::ModeSense(mode_sense(cdb, ModeForm::Ten, number16(cdb, 7))),
        _ => return Err(Sense::InvalidOpcode),
    })
}

fn twelve(cdb: &[u8; 16]) -> Result<Command, Sense> {
    let blocks = Blocks {
        first: u64::from(number32(cdb, 2)),
        count: number32(cdb, 6),
    };
    Ok(match cdb[0] {
        0xa0 => Command::ReportLuns {
            select: cdb[2],
            room: number32(cdb, 6),
        },
        0xa8 => unprotected(cdb, Command::Read(blocks))?,
        0xaa => unprotected(cdb, write(cdb, blocks))?,
        _ => return Err(Sense::InvalidOpcode),
    })
}

fn sixteen(cdb: &[u8; 16]) -> Result<Command, Sense> {
    let blocks = Blocks {
        first: be64(cdb, 2).unwrap_or(0),
        count: number32(cdb, 10),
    };
    Ok(match cdb[0] {
        0x88 => unprotected(cdb, Command::Read(blocks))?,
        0x8a => unprotected(cdb, write(cdb, blocks))?,
        0x91 => Command::Synchronize(blocks),
        0x93 => write_same(cdb, blocks)?,
        0x9e if cdb[1] & 0x1f == 0x10 => Command::ReadCapacity16 {
            room: number32(cdb, 10),
        },
        0x9e => return Err(Sense::InvalidField),
        _ => return Err(Sense::InvalidOpcode),
    })
}

/// Lets a transfer pass that asks for no protection information: there is none on these disks.
fn unprotected(cdb: &[u8; 16], command: Command) -> Result<Command, Sense> {
    if cdb[1] >> 5 == 0 {
        Ok(command)
    } else {
        Err(Sense::InvalidField)
    }
}

fn write(cdb: &[u8; 16], blocks: Blocks) -> Command {
    let force = cdb[1] & 0x08 != 0;
    Command::Write { blocks, force }
}

/// Neither anchors nor protection nor numbered blocks; whether it may unmap changes nothing that
/// could be read.
fn write_same(cdb: &[u8; 16], blocks: Blocks) -> Result<Command, Sense> {
    if cdb[1] & 0xf6 != 0 {
        return Err(Sense::InvalidField);
    }
    let source = if cdb[1] & 1 == 0 {
        SameSource::Guest
    } else {
        SameSource::Zero
    };
    Ok(Command::WriteSame { blocks, source })
}

fn inquiry_page(cdb: &[u8; 16]) -> Result<InquiryPage, Sense> {
    match (cdb[1] & 3, cdb[2]) {
        (0, 0) => Ok(InquiryPage::Standard),
        (1, page) => Ok(InquiryPage::Vital(page)),
        _ => Err(Sense::InvalidField),
    }
}

fn mode_sense(cdb: &[u8; 16], form: ModeForm, room: u32) -> ModeSense {
    ModeSense {
        form,
        page: cdb[2] & 0x3f,
        subpage: cdb[3],
        control: cdb[2] >> 6,
        descriptors: cdb[1] & 0x08 == 0,
        room,
    }
}

fn number16(cdb: &[u8; 16], at: usize) -> u32 {
    be16(cdb, at).map_or(0, u32::from)
}

fn number32(cdb: &[u8; 16], at: usize) -> u32 {
    be32(cdb, at).unwrap_or(0)
}
