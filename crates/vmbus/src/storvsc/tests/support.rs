//! A guest that sends one request after the other, and reads the answers.

use std::sync::Arc;

use detente_block::{BlockWrite, MemoryDisk};

use crate::device::Device;
use crate::guid::Guid;
use crate::packet::{Packet, PacketKind};
use crate::pages::PageRange;
use crate::storvsc::exercise::{START, Script, SentPacket, beginning, in_band};
use crate::storvsc::{Access, Handle, Medium, SectorSize, Storvsc, scsi};

pub(super) const SECTORS: usize = 2048;

/// Where the guest's data is: not at the start of a page.
const OFFSET: u32 = 100;
const FIRST_PAGE: u64 = 3;

/// A guest, the device, and the channel between them.
pub(super) struct Guest {
    pub(super) device: Storvsc,
    pub(super) script: Script,
    next: u64,
}

/// The answer to an SRB, taken apart at the offsets that Linux has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) nt_status: u32,
    pub(super) srb_status: u8,
    pub(super) scsi_status: u8,
    pub(super) moved: u32,
    pub(super) sense: Vec<u8>,
    pub(super) data: Vec<u8>,
}

impl Answer {
    /// Sense key and both codes.
    pub(super) fn codes(&self) -> (u8, u8, u8) {
        assert_eq!((self.srb_status, self.scsi_status), (0x84, 2), "{self:?}");
        assert_eq!(self.sense.len(), 18);
        (self.sense[2], self.sense[12], self.sense[13])
    }

    pub(super) fn good(self) -> Vec<u8> {
        assert_eq!((self.srb_status, self.scsi_status), (1, 0), "{self:?}");
        assert_eq!(self.nt_status, 0);
        self.data
    }
}

pub(super) fn pattern() -> Vec<u8> {
    (0..SECTORS * 512)
        .map(|at| u8::try_from((at / 512 * 31 % 251) ^ (at % 4)).unwrap())
        .collect()
}

pub(super) fn disk() -> Arc<MemoryDisk> {
    Arc::new(MemoryDisk::new(pattern()))
}

pub(super) fn medium(lun: u8, disk: Arc<dyn BlockWrite>) -> Medium {
    Medium {
        lun,
        disk,
        sector: SectorSize::B512,
        access: Access::ReadWrite,
        serial: "QM-00001".parse().unwrap(),
    }
}

/// A controller with one disk as unit 0.
pub(super) fn one(medium: Medium) -> (Guest, Handle) {
    let (device, handle) = scsi(Guid::new(7), vec![medium]).unwrap();
    (Guest::ready(device), handle)
}

impl Guest {
    /// A guest that has said nothing yet.
    pub(super) fn silent(device: Storvsc) -> Self {
        Self {
            device,
            script: Script::new(256),
            next: 100,
        }
    }

    /// A guest that has begun.
    pub(super) fn ready(device: Storvsc) -> Self {
        let mut guest = Self::silent(device);
        guest.script.incoming.extend(beginning());
        guest.device.opened(&mut guest.script, START).unwrap();
        assert_eq!(guest.script.sent.len(), 4);
        for sent in guest.script.sent.drain(..) {
            assert_eq!(sent.payload[..12], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        guest
    }

    /// Sends a packet, and gives what came.
    pub(super) fn send(&mut self, packet: Packet) -> Vec<SentPacket> {
        self.script.incoming.push_back(packet);
        self.device.service(&mut self.script, START).unwrap();
        std::mem::take(&mut self.script.sent)
    }

    /// Sends an operation without data, and gives the status and what follows it.
    pub(super) fn operate(&mut self, start: &[u8]) -> (u32, Vec<u8>) {
        self.next += 1;
        let sent = self.send(in_band(self.next, start));
        assert_eq!(sent.len(), 1);
        assert!(sent[0].is_completion && sent[0].transaction == self.next);
        let payload = &sent[0].payload;
        assert_eq!((payload.len(), &payload[..4]), (64, &[1, 0, 0, 0][..]));
        let status = u32::from_le_bytes(payload[8..12].try_into().unwrap());
        (status, payload[12..].to_vec())
    }

    /// A request to unit 0 that brings data in.
    pub(super) fn ask(&mut self, cdb: &[u8], room: u32) -> Answer {
        self.request([0, 0, 0], cdb, 1, &vec![0xa5; room as usize])
    }

    /// A request to unit 0 that takes data out, or has none.
    pub(super) fn tell(&mut self, cdb: &[u8], data: &[u8]) -> Answer {
        self.request([0, 0, 0], cdb, 0, data)
    }

    /// A request to path, target and unit.
    pub(super) fn request(
        &mut self,
        address: [u8; 3],
        cdb: &[u8],
        direction: u8,
        data: &[u8],
    ) -> Answer {
        let payload = srb(address, cdb, direction, u32::try_from(data.len()).unwrap());
        self.request_packet(payload, data)
    }

    /// A request with this packet, whose data is in the guest's memory.
    pub(super) fn request_packet(&mut self, payload: Vec<u8>, data: &[u8]) -> Answer {
        let gpa = FIRST_PAGE * 4096 + u64::from(OFFSET);
        self.script.memory.put(gpa, data);
        let pfns = (FIRST_PAGE..FIRST_PAGE + 70).collect();
        let len = u32::try_from(data.len()).unwrap();
        let kind = if data.is_empty() {
            PacketKind::InBand
        } else {
            PacketKind::GpaDirect(vec![PageRange::new(len, OFFSET, pfns).unwrap()])
        };
        let mut answer = self.request_kind(payload, kind);
        answer.data = self.script.memory.bytes(gpa, data.len());
        answer
    }

    /// A request in a packet of this kind; the answer has no data.
    pub(super) fn request_kind(&mut self, payload: Vec<u8>, kind: PacketKind) -> Answer {
        self.next += 1;
        let sent = self.send(Packet {
            kind,
            transaction: self.next,
            wants_completion: true,
            payload,
        });
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].is_completion && sent[0].transaction == self.next);
        parse(&sent[0].payload)
    }
}

/// An SRB as Linux fills it in (storvsc_drv.c, storvsc_queuecommand).
pub(super) fn srb(address: [u8; 3], cdb: &[u8], direction: u8, len: u32) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 3;
    bytes[4] = 1;
    bytes[12] = 52;
    bytes[17..20].copy_from_slice(&address);
    bytes[20] = u8::try_from(cdb.len()).unwrap();
    bytes[21] = 20;
    bytes[22] = direction;
    bytes[24..28].copy_from_slice(&len.to_le_bytes());
    bytes[28..28 + cdb.len()].copy_from_slice(cdb);
    bytes
}

fn parse(payload: &[u8]) -> Answer {
    assert_eq!((payload.len(), payload[0]), (64, 1));
    let number = |at: usize| u32::from_le_bytes(payload[at..at + 4].try_into().unwrap());
    Answer {
        nt_status: number(8),
        srb_status: payload[14],
        scsi_status: payload[15],
        moved: number(24),
        sense: payload[28..28 + usize::from(payload[21])].to_vec(),
        data: Vec::new(),
    }
}

/// READ (10)
pub(super) fn read(first: u32, count: u16) -> [u8; 10] {
    transfer(0x28, first, count)
}

/// WRITE (10)
pub(super) fn write(first: u32, count: u16) -> [u8; 10] {
    transfer(0x2a, first, count)
}

/// A command of ten bytes with a first block and a count.
pub(super) fn transfer(opcode: u8, first: u32, count: u16) -> [u8; 10] {
    let ([a, b, c, d], [e, f]) = (first.to_be_bytes(), count.to_be_bytes());
    [opcode, 0, a, b, c, d, 0, e, f, 0]
}
