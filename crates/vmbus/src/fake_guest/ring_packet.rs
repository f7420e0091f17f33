//! Packets as a guest's driver writes and reads them.

/// A packet that a guest writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestPacket {
    /// Its type: 6, 9 or 11.
    pub kind: u16,
    /// Its flags: 1 asks for a completion.
    pub flags: u16,
    /// Its number.
    pub transaction: u64,
    /// What its header has beyond 16 bytes.
    pub extra: Vec<u8>,
    /// What follows the header, not yet padded.
    pub payload: Vec<u8>,
}

impl GuestPacket {
    /// A packet that needs no memory, and asks for a completion (`vmbus_sendpacket`).
    #[must_use]
    pub fn in_band(transaction: u64, payload: &[u8]) -> Self {
        Self {
            kind: 6,
            flags: 1,
            transaction,
            extra: Vec::new(),
            payload: payload.to_vec(),
        }
    }

    /// The answer to a packet of the host.
    #[must_use]
    pub fn completion(transaction: u64, payload: &[u8]) -> Self {
        Self {
            kind: 11,
            flags: 0,
            ..Self::in_band(transaction, payload)
        }
    }

    /// A packet with ranges of memory: length, offset in the first page, page frames.
    ///
    /// storvsc sends one range of many pages, netvsc many ranges of one page each.
    #[must_use]
    pub fn gpa_direct(transaction: u64, ranges: &[(u32, u32, Vec<u64>)], payload: &[u8]) -> Self {
        let mut extra = vec![0; 4];
        extra.extend_from_slice(&(ranges.len() as u32).to_le_bytes());
        for (len, offset, pfns) in ranges {
            extra.extend_from_slice(&len.to_le_bytes());
            extra.extend_from_slice(&offset.to_le_bytes());
            pfns.iter()
                .for_each(|pfn| extra.extend_from_slice(&pfn.to_le_bytes()));
        }
        Self {
            kind: 9,
            extra,
            ..Self::in_band(transaction, payload)
        }
    }

    /// The same, without asking for a completion.
    #[must_use]
    pub fn unanswered(self) -> Self {
        Self { flags: 0, ..self }
    }

    /// The packet as it lies in the ring, padded, without the trailer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = 16 + self.extra.len();
        let len = (header + self.payload.len()).next_multiple_of(8);
        let mut bytes = Vec::with_capacity(len + 8);
        for field in [self.kind, (header / 8) as u16, (len / 8) as u16, self.flags] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&self.transaction.to_le_bytes());
        bytes.extend_from_slice(&self.extra);
        bytes.extend_from_slice(&self.payload);
        bytes.resize(len, 0);
        bytes
    }
}

/// A packet that the host wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPacket {
    /// Its type: 6, 7 or 11.
    pub kind: u16,
    /// Its flags: 1 asks for a completion.
    pub flags: u16,
    /// Its number.
    pub transaction: u64,
    /// What its header has beyond 16 bytes.
    pub extra: Vec<u8>,
    /// What follows the header, padding included.
    pub payload: Vec<u8>,
}

impl HostPacket {
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let header = usize::from(word(2)) * 8;
        let transaction = bytes[8..16].try_into().expect("eight bytes are eight");
        Self {
            kind: word(0),
            flags: word(6),
            transaction: u64::from_le_bytes(transaction),
            extra: bytes[16..header].to_vec(),
            payload: bytes[header..].to_vec(),
        }
    }

    /// Of a transfer page packet: the buffer's number, and offset and length of each range in it.
    #[must_use]
    pub fn transfer_pages(&self) -> (u16, Vec<(u32, u32)>) {
        let word = |at: usize| {
            let bytes = self.extra[at..at + 4].try_into();
            u32::from_le_bytes(bytes.expect("four bytes are four"))
        };
        let count = word(4) as usize;
        let ranges = (0..count).map(|index| (word(12 + index * 8), word(8 + index * 8)));
        (word(0) as u16, ranges.collect())
    }
}
