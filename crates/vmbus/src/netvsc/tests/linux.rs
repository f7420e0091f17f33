//! A driver as Linux 6.1's: `netvsc.c` and `rndis_filter.c`, in the order of the trial's log.

use crate::bus::{BusEvent, ChannelId};
use crate::fake_guest::{FakeGuest, GuestChannel, GuestPacket, HostPacket};
use crate::guid::Guid;
use crate::netvsc::{Handle, Mac, NvspVersion, Options};

pub(super) const MAC: Mac = Mac::of_guest([0xde, 0x7e, 0x17]);
pub(super) const CLASS: Guid = Guid::new(0xf861_5163_df3e_46c5_913f_f2d2_f965_ed0e);

/// The versions that it asks for, newest first.
const VERSIONS: [u32; 6] = [0x6_0001, 0x6_0000, 0x5_0000, 0x4_0000, 0x3_0002, 2];
/// The numbers that it gives its buffers.
const RECEIVE_ID: u32 = 0xcafe;
/// The pages of its buffers; those of the real driver are 4096 and 255.
const RECEIVE_PAGES: usize = 64;
const SEND_PAGES: usize = 16;

/// The driver, and the machine around it.
pub(super) struct Linux {
    pub(super) guest: FakeGuest,
    pub(super) id: ChannelId,
    pub(super) handle: Handle,
    pub(super) channel: GuestChannel,
    pub(super) receive: (u32, Vec<u64>),
    pub(super) send: (u32, Vec<u64>),
    pub(super) requests: u32,
}

/// What came in the receive buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) transaction: u64,
    /// 0 is data, 1 is control.
    pub(super) content: u32,
    pub(super) ranges: Vec<(u32, u32)>,
    /// The RNDIS messages in the ranges.
    pub(super) messages: Vec<Vec<u8>>,
}

pub(super) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A message of NVSP, as long as the longest.
pub(super) fn nvsp(message: &[u32]) -> Vec<u8> {
    let mut bytes = words(message);
    bytes.resize(40, 0);
    bytes
}

impl Linux {
    /// A driver that has opened the channel and said nothing.
    pub(super) fn opened(newest: NvspVersion, ring_pages: usize) -> Self {
        Self::opened_on(FakeGuest::new(), newest, ring_pages)
    }

    /// The same, on a bus that may be older.
    pub(super) fn opened_on(mut guest: FakeGuest, newest: NvspVersion, ring_pages: usize) -> Self {
        let options = Options {
            newest,
            ..Options::new(Guid::new(0x1234), MAC)
        };
        let (device, handle) = crate::netvsc::new(options);
        let id = guest.offer(Box::new(device));
        guest.connect();
        let channel = guest.open(CLASS, ring_pages);
        let none = (0, Vec::new());
        Self {
            guest,
            id,
            handle,
            channel,
            receive: none.clone(),
            send: none,
            requests: 0,
        }
    }

    /// A driver that has agreed upon a version and lent its buffers.
    pub(super) fn connected(newest: NvspVersion) -> Self {
        let mut linux = Self::opened(newest, 16);
        linux.negotiate().expect("a version is accepted");
        linux.lend_buffers();
        linux
    }

    /// A driver whose interface is up.
    pub(super) fn running(newest: NvspVersion) -> Self {
        let mut linux = Self::connected(newest);
        linux.initialize();
        linux.set_filter(0xd);
        linux
    }

    /// Asks for one version after the other: the one that was accepted.
    pub(super) fn negotiate(&mut self) -> Option<u32> {
        let accepted = VERSIONS.into_iter().find(|version| {
            let answer = self
                .guest
                .request(self.channel, &nvsp(&[1, *version, *version]));
            (word(&answer, 0), word(&answer, 12)) == (2, 1)
        })?;
        // The NDIS configuration is for versions from 3.2 on; neither has an answer.
        if accepted > 2 {
            self.tell(&nvsp(&[125, 1514, 0, 0x8, 0]));
        }
        let minor = if accepted <= 0x4_0000 { 1 } else { 30 };
        self.tell(&nvsp(&[100, 6, minor]));
        Some(accepted)
    }

    pub(super) fn lend_buffers(&mut self) {
        self.receive = self.guest.lend(self.channel, RECEIVE_PAGES);
        let answer = self
            .guest
            .request(self.channel, &nvsp(&[101, self.receive.0, RECEIVE_ID]));
        assert_eq!((word(&answer, 0), word(&answer, 4)), (102, 1));
        self.send = self.guest.lend(self.channel, SEND_PAGES);
        let answer = self
            .guest
            .request(self.channel, &nvsp(&[104, self.send.0, 0]));
        assert_eq!((word(&answer, 0), word(&answer, 4)), (105, 1));
    }

    /// RNDIS_MSG_INIT.
    pub(super) fn initialize(&mut self) {
        let answer = self.control(2, &[1, 0, 0x4000]);
        // Status, version 1.0, connectionless, Ethernet.
        assert_eq!(word(&answer, 12), 0);
        assert_eq!([16, 20, 24, 28].map(|at| word(&answer, at)), [1, 0, 1, 0]);
    }

    pub(super) fn set_filter(&mut self, filter: u32) {
        let answer = self.set(0x0001_010e, &filter.to_le_bytes());
        assert_eq!(answer, 0);
    }

    /// The status and the information that answer a query.
    pub(super) fn query(&mut self, oid: u32, input: &[u8]) -> (u32, Vec<u8>) {
        let len = u32::try_from(input.len()).unwrap();
        let mut fields = vec![oid, len, 20, 0];
        fields.extend(input.chunks(4).map(|chunk| word(chunk, 0)));
        let answer = self.control(4, &fields);
        let (len, offset) = (word(&answer, 16), word(&answer, 20));
        let start = usize::try_from(offset).unwrap() + 8;
        let information = &answer[start..start + usize::try_from(len).unwrap()];
        (word(&answer, 12), information.to_vec())
    }

    /// The status that answers a change.
    pub(super) fn set(&mut self, oid: u32, value: &[u8]) -> u32 {
        let len = u32::try_from(value.len()).unwrap();
        let mut fields = vec![oid, len, 20, 0];
        fields.extend(value.chunks(4).map(|chunk| word(chunk, 0)));
        word(&self.control(5, &fields), 12)
    }

    /// Sends a request of RNDIS with the next number: its answer.
    pub(super) fn control(&mut self, kind: u32, fields: &[u32]) -> Vec<u8> {
        self.requests += 1;
        let len = u32::try_from(12 + 4 * fields.len()).unwrap();
        let message = [words(&[kind, len, self.requests]), words(fields)].concat();
        assert_eq!(self.send_control(&message), 1, "the request is taken");
        let [answer] = self.take().try_into().expect("one delivery");
        self.done(&answer);
        assert_eq!(answer.content, 1);
        let [message] = answer.messages.try_into().expect("one answer");
        assert_eq!(word(&message, 0), kind | 0x8000_0000);
        assert_eq!(usize::try_from(word(&message, 4)).unwrap(), message.len());
        assert_eq!(word(&message, 8), self.requests);
        message
    }

    /// Sends RNDIS messages of control by the pages that they are on: the status.
    pub(super) fn send_control(&mut self, message: &[u8]) -> u32 {
        self.send_pages(1, &[message])
    }

    /// Sends RNDIS messages by pages, each piece on its own: the status.
    pub(super) fn send_pages(&mut self, content: u32, pieces: &[&[u8]]) -> u32 {
        let ranges: Vec<_> = pieces.iter().map(|piece| self.guest.place(piece)).collect();
        self.send_ranges(&nvsp(&[107, content, u32::MAX, 0]), &ranges)
    }

    pub(super) fn send_ranges(&mut self, nvsp: &[u8], ranges: &[(u32, u32, Vec<u64>)]) -> u32 {
        let transaction = self.guest.write_data(self.channel, ranges, nvsp);
        self.sent(transaction)
    }

    /// Sends RNDIS messages in a section of the send buffer: the status.
    pub(super) fn send_section(&mut self, content: u32, index: u32, messages: &[u8]) -> u32 {
        let len = u32::try_from(messages.len()).unwrap();
        self.fill_section(index, messages);
        let message = nvsp(&[107, content, index, len]);
        let transaction = self.guest.write(self.channel, &message);
        self.sent(transaction)
    }

    pub(super) fn fill_section(&mut self, index: u32, bytes: &[u8]) {
        let start = u64::from(index) * 6144;
        for (at, byte) in (start..).zip(bytes) {
            let page = self.send.1[usize::try_from(at / 4096).unwrap()];
            self.guest.memory().put(page * 4096 + at % 4096, &[*byte]);
        }
    }

    /// Puts bytes on the page that is for that: the last one of the send buffer, which no section
    /// covers.
    pub(super) fn place_again(&mut self, bytes: &[u8]) -> (u32, u32, Vec<u64>) {
        let page = *self.send.1.last().expect("the buffer has pages");
        self.guest.memory().put(page * 4096, bytes);
        (u32::try_from(bytes.len()).unwrap(), 0, vec![page])
    }

    /// The status that completes RNDIS messages.
    fn sent(&mut self, transaction: u64) -> u32 {
        let answer = self.guest.completion(self.channel, transaction);
        assert_eq!(word(&answer, 0), 108);
        word(&answer, 4)
    }

    /// Sends a message that has no answer.
    pub(super) fn tell(&mut self, message: &[u8]) {
        let transaction = self.guest.transaction();
        let packet = GuestPacket::in_band(transaction, message).unanswered();
        self.guest.write_packet(self.channel, &packet);
        // What asks for no completion gets none: Linux has forgotten its number.
        assert_eq!(self.guest.try_completion(self.channel, transaction), None);
    }

    /// What has come in the receive buffer, not yet given back.
    pub(super) fn take(&mut self) -> Vec<Delivered> {
        let packets = self.guest.packets(self.channel);
        packets.iter().map(|packet| self.read(packet)).collect()
    }

    fn read(&self, packet: &HostPacket) -> Delivered {
        // Transfer pages, with a completion wanted, of the buffer's own number.
        assert_eq!((packet.kind, packet.flags), (7, 1));
        let (set, ranges) = packet.transfer_pages();
        assert_eq!(u32::from(set), RECEIVE_ID);
        assert_eq!(word(&packet.payload, 0), 107);
        assert_eq!(word(&packet.payload, 8), u32::MAX);
        Delivered {
            transaction: packet.transaction,
            content: word(&packet.payload, 4),
            messages: ranges.iter().map(|range| self.received(*range)).collect(),
            ranges,
        }
    }

    /// Bytes of the receive buffer.
    pub(super) fn received(&self, (offset, len): (u32, u32)) -> Vec<u8> {
        let places = (u64::from(offset)..).take(usize::try_from(len).unwrap());
        places
            .flat_map(|at| {
                let page = self.receive.1[usize::try_from(at / 4096).unwrap()];
                self.guest.memory().bytes(page * 4096 + at % 4096, 1)
            })
            .collect()
    }

    /// Gives the pieces of a delivery back.
    pub(super) fn done(&mut self, delivered: &Delivered) {
        let answer = words(&[108, 1]);
        self.guest
            .complete(self.channel, delivered.transaction, &answer);
    }

    /// The frames that have come, their pieces given back.
    pub(super) fn frames(&mut self) -> Vec<Vec<u8>> {
        let deliveries = self.take();
        let mut frames = Vec::new();
        for delivered in &deliveries {
            assert_eq!(delivered.content, 0);
            frames.extend(delivered.messages.iter().map(|message| frame_in(message)));
            self.done(delivered);
        }
        frames
    }

    /// The owner has a frame for the guest.
    pub(super) fn push(&mut self, frame: &[u8]) {
        self.handle
            .push_frame(frame.to_vec())
            .expect("the frame is taken");
        self.guest.poke(self.id);
    }

    /// Why the channel rests, if it does.
    pub(super) fn why_it_rests(&mut self) -> Option<String> {
        self.guest
            .events()
            .into_iter()
            .find_map(|event| match event {
                BusEvent::Rested { why, .. } => Some(why),
                _ => None,
            })
    }
}

/// An RNDIS message with a frame, as Linux builds it.
pub(super) fn packet(frame: &[u8]) -> Vec<u8> {
    packet_saying(frame, &[])
}

/// The same, with more said of it: between header and frame, as Linux does it.
pub(super) fn packet_saying(frame: &[u8], said: &[u32]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).unwrap();
    let said_len = u32::try_from(4 * said.len()).unwrap();
    let said_at = if said.is_empty() { 0 } else { 36 };
    let head = words(&[
        1,
        44 + said_len + len,
        36 + said_len,
        len,
        0,
        0,
        0,
        said_at,
        said_len,
        0,
        0,
    ]);
    [head, words(said), frame.to_vec()].concat()
}

/// The frame in an RNDIS message of the host.
fn frame_in(message: &[u8]) -> Vec<u8> {
    assert_eq!(word(message, 0), 1);
    assert_eq!(usize::try_from(word(message, 4)).unwrap(), message.len());
    let start = usize::try_from(word(message, 8)).unwrap() + 8;
    let len = usize::try_from(word(message, 12)).unwrap();
    message[start..start + len].to_vec()
}

/// A frame to this address, of this type.
pub(super) fn frame(to: [u8; 6], content: &[u8]) -> Vec<u8> {
    let from = [0x02, 0, 0, 0, 0, 1];
    [to.as_slice(), &from, &[0x88, 0xb5], content].concat()
}
