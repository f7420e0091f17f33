//! A guest's storvsc driver, on the fake guest's channel.

use std::sync::Arc;

use detente_block::{BlockRead, MemoryDisk, Overlay};
use detente_vmbus::fake_guest::{FakeGuest, GuestChannel, GuestPacket};
use detente_vmbus::storvsc::{self, Access, Handle, Medium, SectorSize};
use detente_vmbus::{ChannelId, Guid};

pub(crate) const SCSI: Guid = Guid::new(0xba61_63d9_04a1_4d29_b605_72e2_ffb1_dc7f);
pub(crate) const IDE: Guid = Guid::new(0x3241_2632_86cb_44a2_9b5c_50d1_4173_54f5);

/// Pages of each ring: three of data, so that it wraps every hundred requests.
const RING_PAGES: usize = 4;

/// Pages of the data buffer.
const DATA_PAGES: usize = 65;

/// Sectors of each disk.
pub(crate) const SECTORS: usize = 4096;

/// A driver whose channel is open.
pub(crate) struct Driver {
    pub(crate) guest: FakeGuest,
    pub(crate) channel: GuestChannel,
    data: Vec<u64>,
}

/// SRB status, bytes moved, data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) srb_status: u8,
    pub(crate) moved: usize,
    pub(crate) data: Vec<u8>,
}

/// Each sector says its unit and its number.
pub(crate) fn content(lun: u8) -> Vec<u8> {
    let mut bytes = vec![0; SECTORS * 512];
    for (number, sector) in bytes.chunks_mut(512).enumerate() {
        sector.fill(lun ^ u8::try_from(number % 251).unwrap());
        sector[..8].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// An overlay over a disk that can only be read.
pub(crate) fn medium(lun: u8) -> Medium {
    let base: Arc<dyn BlockRead> = Arc::new(MemoryDisk::new(content(lun)));
    Medium {
        lun,
        disk: Arc::new(Overlay::new(base, Arc::new(MemoryDisk::default())).unwrap()),
        sector: SectorSize::B512,
        access: Access::ReadWrite,
        serial: format!("disk-{lun}").parse().unwrap(),
    }
}

/// A controller with these units on the bus, and a guest that drives it.
pub(crate) fn controller(luns: &[u8]) -> (Driver, Handle, ChannelId) {
    let media = luns.iter().map(|lun| medium(*lun)).collect();
    let (device, handle) = storvsc::scsi(Guid::new(0x5c51), media).unwrap();
    let mut guest = FakeGuest::new();
    let id = guest.offer(Box::new(device));
    guest.connect();
    (Driver::open(guest, SCSI), handle, id)
}

impl Driver {
    /// Opens the channel and begins, as Linux does.
    pub(crate) fn open(mut guest: FakeGuest, class: Guid) -> Self {
        let channel = guest.open(class, RING_PAGES);
        let data = guest.pages(DATA_PAGES);
        let mut driver = Self {
            guest,
            channel,
            data,
        };
        driver.begin();
        driver
    }

    /// Opens the channel once more.
    pub(crate) fn open_again(&mut self, class: Guid) {
        self.channel = self.guest.open(class, RING_PAGES);
        self.begin();
    }

    fn begin(&mut self) {
        for (operation, version) in [(7, 0), (9, 0x0602_u16), (10, 0), (8, 0)] {
            let mut packet = [0; 64];
            packet[0] = operation;
            packet[4] = 1;
            packet[12..14].copy_from_slice(&version.to_le_bytes());
            let answer = self.guest.request(self.channel, &packet);
            assert_eq!(answer[..12], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
    }

    /// A request that brings data in.
    pub(crate) fn ask(&mut self, address: [u8; 3], cdb: &[u8], len: usize) -> Answer {
        self.request(&srb(address, cdb, 1, len), len, 0)
    }

    /// A request that takes data out; `offset` is where in the first page it is.
    pub(crate) fn tell(
        &mut self,
        address: [u8; 3],
        cdb: &[u8],
        bytes: &[u8],
        offset: usize,
    ) -> Answer {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.len().min(4096 - at % 4096));
            let gpa = self.data[at / 4096] * 4096 + (at % 4096) as u64;
            self.guest.memory().put(gpa, piece);
            (at, rest) = (at + piece.len(), left);
        }
        self.request(&srb(address, cdb, 0, bytes.len()), bytes.len(), offset)
    }

    fn request(&mut self, packet: &[u8], len: usize, offset: usize) -> Answer {
        let range = self.range(len, offset);
        let transaction = if len == 0 {
            self.guest.write(self.channel, packet)
        } else {
            let ranges = std::slice::from_ref(&range);
            self.guest.write_data(self.channel, ranges, packet)
        };
        let answer = self.guest.completion(self.channel, transaction);
        let moved = u32::from_le_bytes(answer[24..28].try_into().unwrap());
        Answer {
            srb_status: answer[14],
            moved: usize::try_from(moved).unwrap(),
            data: self.guest.fetch(&range),
        }
    }

    fn range(&self, len: usize, offset: usize) -> (u32, u32, Vec<u64>) {
        let pages = (offset + len).div_ceil(4096);
        let (len, offset) = (u32::try_from(len), u32::try_from(offset));
        (len.unwrap(), offset.unwrap(), self.data[..pages].to_vec())
    }

    /// The page in which the buffer starts.
    pub(crate) fn first_page(&self) -> u64 {
        self.data[0]
    }

    /// A packet that reads a sector into the buffer, and its number.
    pub(crate) fn one_sector(&mut self, sector: usize) -> (u64, GuestPacket) {
        let transaction = self.guest.transaction();
        let packet = srb([0; 3], &read(sector, 1), 1, 512);
        let range = self.range(512, 0);
        let packet = GuestPacket::gpa_direct(transaction, &[range], &packet);
        (transaction, packet)
    }
}

/// An SRB to path, target and unit, as Linux fills it in.
pub(crate) fn srb(address: [u8; 3], cdb: &[u8], direction: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    (bytes[0], bytes[4], bytes[12]) = (3, 1, 52);
    bytes[17..20].copy_from_slice(&address);
    (bytes[20], bytes[21], bytes[22]) = (u8::try_from(cdb.len()).unwrap(), 20, direction);
    bytes[24..28].copy_from_slice(&u32::try_from(len).unwrap().to_le_bytes());
    bytes[28..28 + cdb.len()].copy_from_slice(cdb);
    bytes
}

/// READ (10)
pub(crate) fn read(first: usize, count: usize) -> [u8; 10] {
    transfer(0x28, first, count)
}

/// WRITE (10)
pub(crate) fn write(first: usize, count: usize) -> [u8; 10] {
    transfer(0x2a, first, count)
}

pub(crate) fn transfer(opcode: u8, first: usize, count: usize) -> [u8; 10] {
    let [a, b, c, d] = u32::try_from(first).unwrap().to_be_bytes();
    let [e, f] = u16::try_from(count).unwrap().to_be_bytes();
    [opcode, 0, a, b, c, d, 0, e, f, 0]
}
