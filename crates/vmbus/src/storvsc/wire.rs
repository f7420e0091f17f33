//! Packets of the protocol: a header of operation, flags and status, and 52 bytes that follow.

use super::outcome::Outcome;
use super::place::Address;
use super::sense::SENSE_BYTES;

/// Bytes in a packet since Windows 8.
pub(super) const PACKET_BYTES: usize = 64;

/// Bytes in its header.
const HEADER_BYTES: usize = 12;

/// Bytes up to the end of what an SRB always has: its command, or sense data.
const SRB_BYTES: usize = 48;

/// The whole of the SRB, as its length field says it.
const SRB_LENGTH: u16 = 52;

/// The operation that answers.
const COMPLETE_IO: u32 = 1;

/// The operation by which we make the guest look for units that came or went.
const ENUMERATE_BUS: u32 = 11;

/// Statuses of packets (NTSTATUS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NtStatus {
    /// STATUS_SUCCESS
    Success,
    /// STATUS_INVALID_PARAMETER
    InvalidParameter,
    /// STATUS_INVALID_DEVICE_REQUEST
    InvalidDeviceRequest,
    /// STATUS_REVISION_MISMATCH
    RevisionMismatch,
    /// STATUS_DEVICE_DOES_NOT_EXIST
    DeviceDoesNotExist,
    /// STATUS_INVALID_DEVICE_STATE
    InvalidDeviceState,
    /// STATUS_IO_DEVICE_ERROR
    IoDeviceError,
}

impl NtStatus {
    /// Its number.
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::InvalidParameter => 0xc000_000d,
            Self::InvalidDeviceRequest => 0xc000_0010,
            Self::RevisionMismatch => 0xc000_0059,
            Self::DeviceDoesNotExist => 0xc000_00c0,
            Self::InvalidDeviceState => 0xc000_0184,
            Self::IoDeviceError => 0xc000_0185,
        }
    }
}

/// What the guest asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// 3
    ExecuteSrb(Srb),
    /// 4, 5, 6: of a unit, of the adapter, of the bus.
    Reset,
    /// 7
    BeginInitialization,
    /// 8
    EndInitialization,
    /// 9: major and minor number in a byte each.
    QueryVersion(u16),
    /// 10
    QueryProperties,
    /// 13
    CreateSubChannels,
    /// Another number.
    Unknown(u32),
    /// Too short for what it asks.
    Short,
}

/// A SCSI request, as the guest sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Srb {
    /// To whom.
    pub(super) address: Address,
    /// The command.
    pub(super) cdb: [u8; 16],
    /// How many bytes of it count.
    pub(super) cdb_bytes: u8,
    /// Which way the data goes.
    pub(super) direction: Direction,
    /// How many bytes are to be moved.
    pub(super) transfer_bytes: u32,
}

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// 0: to the disk.
    ToDisk,
    /// 1: to the guest.
    ToGuest,
    /// 2, or another number.
    Unknown,
}

/// A packet of the guest, copied and padded with zeros.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    bytes: [u8; PACKET_BYTES],
    len: usize,
}

impl Request {
    /// Takes as much as a packet has; the ring pads, and Linux sends the longest that it knows.
    pub(super) fn new(payload: &[u8]) -> Self {
        let mut bytes = [0; PACKET_BYTES];
        let mut len = 0;
        for (to, from) in bytes.iter_mut().zip(payload) {
            *to = *from;
            len = PACKET_BYTES.min(payload.len());
        }
        Self { bytes, len }
    }

    /// What is asked.
    pub(super) fn operation(&self) -> Operation {
        let [a, b, c, d, ..] = self.bytes;
        if self.len < HEADER_BYTES {
            return Operation::Short;
        }
        match u32::from_le_bytes([a, b, c, d]) {
            3 if self.len < SRB_BYTES => Operation::Short,
            3 => Operation::ExecuteSrb(self.srb()),
            4..=6 => Operation::Reset,
            7 => Operation::BeginInitialization,
            8 => Operation::EndInitialization,
            9 => Operation::QueryVersion(u16::from_le_bytes([self.bytes[12], self.bytes[13]])),
            10 => Operation::QueryProperties,
            13 => Operation::CreateSubChannels,
            other => Operation::Unknown(other),
        }
    }

    fn srb(&self) -> Srb {
        let bytes = &self.bytes;
        let mut cdb = [0; 16];
        cdb.copy_from_slice(&bytes[28..44]);
        Srb {
            address: Address {
                path: bytes[17],
                target: bytes[18],
                lun: bytes[19],
            },
            cdb,
            cdb_bytes: bytes[20],
            direction: match bytes[22] {
                0 => Direction::ToDisk,
                1 => Direction::ToGuest,
                _ => Direction::Unknown,
            },
            transfer_bytes: u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]),
        }
    }
}

/// A packet for the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    bytes: [u8; PACKET_BYTES],
    len: usize,
}

impl Reply {
    /// The answer to `request`, which says how long it is: Windows wants its own length back.
    pub(super) fn new(request: &Request, status: NtStatus) -> Self {
        let mut bytes = [0; PACKET_BYTES];
        bytes[..4].copy_from_slice(&COMPLETE_IO.to_le_bytes());
        bytes[8..12].copy_from_slice(&status.code().to_le_bytes());
        let len = request.len.max(SRB_BYTES);
        Self { bytes, len }
    }

    /// The same with other bytes behind the header.
    pub(super) fn with<const N: usize>(mut self, content: [u8; N]) -> Self {
        for (to, from) in self.bytes.iter_mut().skip(HEADER_BYTES).zip(content) {
            *to = from;
        }
        self
    }

    /// The answer to an SRB.
    pub(super) fn to_srb(request: &Request, outcome: Outcome) -> Self {
        let mut reply = Self::new(request, outcome.nt_status());
        let bytes = &mut reply.bytes;
        // Addresses, the command's length and the tag come back as they were.
        bytes[12..].copy_from_slice(&request.bytes[12..]);
        bytes[12..14].copy_from_slice(&SRB_LENGTH.to_le_bytes());
        let (srb_status, scsi_status) = outcome.statuses();
        bytes[14] = srb_status;
        bytes[15] = scsi_status;
        bytes[21] = 0;
        bytes[24..28].copy_from_slice(&outcome.moved().to_le_bytes());
        bytes[28..48].fill(0);
        if let Some(sense) = outcome.sense() {
            // 18 bytes in a field of 20.
            bytes[21] = 18;
            bytes[28..28 + SENSE_BYTES].copy_from_slice(&sense.to_bytes());
        }
        reply
    }

    /// Makes the guest look for units that came, went or changed.
    pub(super) fn enumerate_bus() -> Self {
        let mut bytes = [0; PACKET_BYTES];
        bytes[..4].copy_from_slice(&ENUMERATE_BUS.to_le_bytes());
        let len = PACKET_BYTES;
        Self { bytes, len }
    }

    /// The bytes to be sent.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }
}
