//! A channel that is a script, and an exerciser that makes scripts of arbitrary bytes.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use detente_block::{BlockRead, BlockWrite, MemoryDisk, Overlay, ReadError, WriteError};

use super::{Access, Handle, Medium, SectorSize, Storvsc};
use crate::device::{Channel, Device, Now, Sent};
use crate::fake_guest::Memory;
use crate::guid::Guid;
use crate::memory::GuestMemory;
use crate::packet::{Outgoing, OutgoingKind, Packet, PacketKind};
use crate::pages::PageRange;
use crate::ring::RingError;

/// A channel whose packets were written beforehand, and that keeps what was sent.
pub(super) struct Script {
    pub(super) memory: Memory,
    pub(super) incoming: VecDeque<Packet>,
    pub(super) sent: Vec<SentPacket>,
    /// How many more packets the ring has room for.
    pub(super) room: usize,
}

/// A packet that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SentPacket {
    pub(super) is_completion: bool,
    pub(super) transaction: u64,
    pub(super) payload: Vec<u8>,
}

impl Script {
    pub(super) fn new(pages: usize) -> Self {
        Self {
            memory: Memory::new(pages),
            incoming: VecDeque::new(),
            sent: Vec::new(),
            room: usize::MAX,
        }
    }
}

impl Channel for Script {
    fn receive(&mut self) -> Result<Option<Packet>, RingError> {
        Ok(self.incoming.pop_front())
    }

    fn send(&mut self, packet: &Outgoing<'_>) -> Result<Sent, RingError> {
        let Some(room) = self.room.checked_sub(1) else {
            return Ok(Sent::Full);
        };
        self.room = room;
        self.sent.push(SentPacket {
            is_completion: packet.kind == OutgoingKind::Completion,
            transaction: packet.transaction,
            payload: packet.payload.to_vec(),
        });
        Ok(Sent::Done)
    }

    fn lent(&self, _gpadl: u32) -> Option<&[PageRange]> {
        None
    }

    fn memory(&self) -> &dyn GuestMemory {
        &self.memory
    }
}

/// The beginning of time.
pub(super) const START: Now = Now {
    elapsed: Duration::ZERO,
    wall: Duration::ZERO,
    reference: 0,
};

/// A packet in band whose first bytes these are.
pub(super) fn in_band(transaction: u64, start: &[u8]) -> Packet {
    let mut payload = start.to_vec();
    payload.resize(64, 0);
    Packet {
        kind: PacketKind::InBand,
        transaction,
        wants_completion: true,
        payload,
    }
}

/// What Linux sends before anything else.
pub(super) fn beginning() -> [Packet; 4] {
    [
        in_band(1, &[7]),
        in_band(2, &[9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x06]),
        in_band(3, &[10]),
        in_band(4, &[8]),
    ]
}

/// A disk of which every operation fails.
pub(super) struct Broken(pub(super) io::ErrorKind);

impl Broken {
    fn failed(&self, offset: u64) -> WriteError {
        let source = self.0.into();
        WriteError::Io { offset, source }
    }
}

impl BlockRead for Broken {
    fn len_bytes(&self) -> u64 {
        1 << 20
    }

    fn read_exact_at(&self, offset: u64, _buf: &mut [u8]) -> Result<(), ReadError> {
        let source = self.0.into();
        Err(ReadError::Io { offset, source })
    }
}

impl BlockWrite for Broken {
    fn write_all_at(&self, offset: u64, _bytes: &[u8]) -> Result<(), WriteError> {
        Err(self.failed(offset))
    }

    fn flush(&self) -> Result<(), WriteError> {
        Err(self.failed(0))
    }

    fn zero_at(&self, offset: u64, _len: u64) -> Result<(), WriteError> {
        Err(self.failed(offset))
    }

    fn grow(&self, len: u64) -> Result<(), WriteError> {
        Err(self.failed(len))
    }
}

/// Bytes of each exercised disk, and pages of the exercised guest.
const DISK_BYTES: usize = 64 * 1024;
const PAGES: usize = 96;

/// Bytes of the script that make one step: what to do, a packet, and two ranges of memory.
const STEP_BYTES: usize = 2 + 64 + 2 * RANGE_BYTES;
const RANGE_BYTES: usize = 8;

/// How many steps are taken at most.
const STEPS: usize = 64;

/// Drives a controller by arbitrary bytes: requests, and what its owner does meanwhile.
///
/// The first byte says whether the guest begins as it should; each step is two bytes that say what
/// kind of packet it is, 64 bytes of packet, and two ranges. Gives how many requests succeeded.
pub fn exercise(bytes: &[u8]) -> usize {
    let Some((first, steps)) = bytes.split_first() else {
        return 0;
    };
    let media = vec![
        medium(0, SectorSize::B512, Access::ReadWrite),
        medium(1, SectorSize::B4096, Access::ReadWrite),
        medium(2, SectorSize::B512, Access::ReadOnly),
        Medium {
            disk: Arc::new(Broken(io::ErrorKind::Other)),
            ..medium(3, SectorSize::B512, Access::ReadWrite)
        },
    ];
    let (mut device, handle) =
        super::scsi(Guid::new(1), media).expect("each has a number of its own");
    let mut script = Script::new(PAGES);
    if first & 1 == 0 {
        script.incoming.extend(beginning());
    }
    let mut succeeded = 0_usize;
    for (number, step) in (0..).zip(steps.chunks(STEP_BYTES).take(STEPS)) {
        take_step(&mut device, &handle, &mut script, number, step);
        let good = script.sent.drain(..).filter(is_success).count();
        succeeded = succeeded.saturating_add(good);
    }
    script.room = usize::MAX;
    let _ = device.service(&mut script, START);
    drop(handle.take_faults());
    device.closed();
    succeeded
}

/// SRB_STATUS_SUCCESS, in the answer to an SRB: those have their length.
fn is_success(sent: &SentPacket) -> bool {
    sent.payload.get(12..15) == Some(&[52, 0, 1])
}

fn medium(lun: u8, sector: SectorSize, access: Access) -> Medium {
    let base = Arc::new(MemoryDisk::new(vec![lun; DISK_BYTES]));
    let overlay = Overlay::new(base, Arc::new(MemoryDisk::default()));
    Medium {
        lun,
        disk: Arc::new(overlay.expect("a store in memory grows")),
        sector,
        access,
        serial: format!("disk-{lun}")
            .parse()
            .expect("it is short and visible"),
    }
}

fn take_step(device: &mut Storvsc, handle: &Handle, script: &mut Script, number: u64, step: &[u8]) {
    let mut bytes = [0; STEP_BYTES];
    for (to, from) in bytes.iter_mut().zip(step) {
        *to = *from;
    }
    let [what, owner, rest @ ..] = bytes;
    script.incoming.push_back(packet(what, number, &rest));
    act(handle, owner);
    // Sometimes the guest does not read what it is sent.
    script.room = if what & 0x80 == 0 { usize::MAX } else { 1 };
    if what & 0x40 != 0 {
        let _ = device.opened(script, START);
    }
    let _ = device.service(script, START);
}

fn packet(what: u8, number: u64, rest: &[u8; STEP_BYTES - 2]) -> Packet {
    let (content, ranges) = rest.split_at(64);
    let ranges = ranges.chunks_exact(RANGE_BYTES).filter_map(range);
    let mut payload = content.to_vec();
    if what & 0x10 != 0 {
        payload.truncate(usize::from(what & 0x0f).saturating_mul(4));
    } else if what & 0x20 == 0 {
        // Most requests are SRBs.
        payload.splice(..4, [3, 0, 0, 0]);
    }
    Packet {
        kind: match what & 3 {
            0 => PacketKind::InBand,
            1 => PacketKind::Completion,
            2 => PacketKind::GpaDirect(ranges.take(1).collect()),
            _ => PacketKind::GpaDirect(ranges.collect()),
        },
        transaction: number,
        wants_completion: what & 4 == 0,
        payload,
    }
}

/// Length, offset and first page; the pages follow each other, and some are not memory.
fn range(bytes: &[u8]) -> Option<PageRange> {
    let &[a, b, c, d, e, first, step, _] = bytes.first_chunk::<RANGE_BYTES>()?;
    let len = u32::from_le_bytes([a, b, c & 7, 0]);
    let offset = u32::from(u16::from_le_bytes([d, e & 0x0f]));
    let pages = u64::from(len).div_ceil(4096).saturating_add(1);
    let pfns = (0..pages).map(|page| {
        u64::from(first)
            .saturating_add(page.saturating_mul(u64::from(step)))
            .rem_euclid(128)
    });
    PageRange::new(len, offset, pfns.collect()).ok()
}

/// What the owner does meanwhile; mostly nothing.
fn act(handle: &Handle, owner: u8) {
    let lun = owner & 3;
    match owner >> 4 {
        1 => drop(handle.remove(lun)),
        2 => drop(handle.attach(medium(lun, SectorSize::B512, Access::ReadWrite))),
        3 => drop(handle.resize(lun, 128 * 1024)),
        4 => drop(handle.resized(lun)),
        _ => {}
    }
}
