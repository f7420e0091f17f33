//! An exerciser that makes a hostile guest of arbitrary bytes.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a rig for tests: it may break on its own mistakes"
)]

use std::collections::VecDeque;
use std::time::Duration;

use super::fields::words;
use super::{Handle, Link, Mac, Netvsc, Options};
use crate::device::{Channel, Device, Now, Sent};
use crate::fake_guest::Memory;
use crate::guid::Guid;
use crate::memory::{GuestMemory, PAGE_BYTES};
use crate::packet::{Outgoing, OutgoingKind, Packet, PacketKind};
use crate::pages::PageRange;
use crate::ring::RingError;

/// The buffers: 64 KiB to receive into, 32 KiB to send from, at these pages.
const RECEIVE: (u32, u64, u64) = (1, 16, 16);
const SEND: (u32, u64, u64) = (2, 40, 8);
/// Where messages are put that go by their pages.
const MESSAGE_PAGE: u64 = 60;
/// The memory ends here, so some page frames name none.
const PAGES: usize = 64;
/// More steps are not taken.
const STEPS: usize = 512;

const NOW: Now = Now {
    elapsed: Duration::ZERO,
    wall: Duration::ZERO,
    reference: 0,
};

/// Drives an adapter through what the bytes say: messages as they are, RNDIS messages in memory,
/// completions, frames, cables, reopened channels. Says how many packets it sent.
///
/// The first byte says how far the guest comes before it turns hostile; then each step takes a
/// byte for its kind and what the kind needs.
pub fn exercise(bytes: &[u8]) -> usize {
    let (mut device, handle) = super::new(Options::new(Guid::new(1), Mac::of_guest([1, 2, 3])));
    let mut guest = Hostile::new();
    let mut bytes = Taker(bytes);
    let _ = device.opened(&mut guest, NOW);
    guest.behave(bytes.u8());
    for _ in 0..STEPS {
        if bytes.0.is_empty() {
            break;
        }
        guest.step(&mut bytes, &handle);
        if device.service(&mut guest, NOW).is_err() {
            reopen(&mut device, &mut guest);
        }
    }
    guest.sent
}

fn reopen(device: &mut Netvsc, guest: &mut Hostile) {
    device.closed();
    guest.incoming.clear();
    guest.unread.clear();
    let _ = device.opened(guest, NOW);
}

struct Hostile {
    memory: Memory,
    receive: [PageRange; 1],
    send: [PageRange; 1],
    incoming: VecDeque<Packet>,
    /// Deliveries that the guest has not completed.
    unread: VecDeque<u64>,
    room: usize,
    sent: usize,
}

impl Hostile {
    fn new() -> Self {
        let range = |(_, first, pages): (u32, u64, u64)| {
            let len = u32::try_from(pages * PAGE_BYTES).expect("some pages");
            PageRange::new(len, 0, (first..first + pages).collect()).expect("whole pages")
        };
        Self {
            memory: Memory::new(PAGES),
            receive: [range(RECEIVE)],
            send: [range(SEND)],
            incoming: VecDeque::new(),
            unread: VecDeque::new(),
            room: usize::MAX,
            sent: 0,
        }
    }

    /// Comes so far as a sound guest does.
    fn behave(&mut self, stages: u8) {
        let nvsp = [
            words(&[1, 0x6_0001, 0x6_0001]),
            words(&[101, RECEIVE.0, 0xcafe]),
            words(&[104, SEND.0, 0]),
        ];
        for message in nvsp.iter().take(usize::from(stages % 8)) {
            self.push(PacketKind::InBand, message);
        }
        let rndis = [
            words(&[2, 24, 1, 1, 0, 0x4000]),
            words(&[5, 32, 2, 0x0001_010e, 4, 20, 0, 0xf]),
        ];
        for message in rndis.iter().take(usize::from(stages % 8).saturating_sub(3)) {
            self.push_rndis(1, message, usize::MAX);
        }
    }

    fn step(&mut self, bytes: &mut Taker<'_>, handle: &Handle) {
        match bytes.u8() % 10 {
            0 => {
                let message: Vec<u32> = (0..10).map(|_| bytes.small()).collect();
                self.push(PacketKind::InBand, &words(&message));
            }
            1 => {
                let len = usize::from(bytes.u8());
                let message = bytes.up_to(len).to_vec();
                self.push(PacketKind::InBand, &message);
            }
            2 | 3 => {
                let message: Vec<u32> = (0..12).map(|_| bytes.small()).collect();
                let cut = usize::from(bytes.u8());
                self.push_rndis(u32::from(bytes.u8() % 3), &words(&message), cut);
            }
            4 => self.push_frame(bytes),
            5 => self.push_section(bytes),
            6 => {
                let transaction = match bytes.u8() {
                    0 => u64::from(bytes.u32()),
                    _ => self.unread.pop_front().unwrap_or(0),
                };
                self.push(PacketKind::Completion, &words(&[108, 1]));
                if let Some(packet) = self.incoming.back_mut() {
                    packet.transaction = transaction;
                }
            }
            7 => {
                let mut frame = vec![0xff; 6];
                let len = usize::from(bytes.u8()) * 8;
                frame.resize(len, bytes.u8());
                let _ = handle.push_frame(frame);
                let _ = handle.pop_frame();
            }
            8 => handle.set_link(match bytes.u8() % 2 {
                0 => Link::Up,
                _ => Link::Down,
            }),
            _ => self.room = usize::from(bytes.u8()),
        }
    }

    /// A message that carries a frame, its header as the bytes say.
    fn push_frame(&mut self, bytes: &mut Taker<'_>) {
        let len = u32::from(bytes.u8()) * 8;
        let mut message = words(&[1, 44 + len, 36, len, 0, 0, 0, 0, 0, 0, 0]);
        for _ in 0..bytes.u8() % 4 {
            let at = usize::from(bytes.u8()) % message.len();
            message[at] = bytes.u8();
        }
        message.resize(44 + usize::try_from(len).unwrap_or(0), 0x55);
        self.push_rndis(0, &message, usize::MAX);
    }

    /// Messages in the send buffer.
    fn push_section(&mut self, bytes: &mut Taker<'_>) {
        let (index, size) = (bytes.small(), bytes.small());
        let content = bytes.up_to(64).to_vec();
        let at = u64::from(index % 5) * 6144 + SEND.1 * PAGE_BYTES;
        self.memory.put(at, &content);
        let message = words(&[107, u32::from(bytes.u8() % 2), index, size]);
        self.push(PacketKind::InBand, &message);
    }

    /// An RNDIS message on a page of its own, of which the packet names so much.
    fn push_rndis(&mut self, content: u32, message: &[u8], cut: usize) {
        let turn = u64::try_from(self.incoming.len() % 4).unwrap_or(0);
        // One length stands for pages that are not memory.
        let page = if cut == 255 {
            1 << 40
        } else {
            MESSAGE_PAGE + turn
        };
        let _ = self.memory.write(page * PAGE_BYTES, message);
        let len = u32::try_from(message.len().min(cut)).unwrap_or(0);
        if let Ok(range) = PageRange::new(len, 0, vec![page]) {
            let nvsp = words(&[107, content, u32::MAX, 0]);
            self.push(PacketKind::GpaDirect(vec![range]), &nvsp);
        }
    }

    fn push(&mut self, kind: PacketKind, payload: &[u8]) {
        let mut payload = payload.to_vec();
        payload.resize(payload.len().next_multiple_of(8), 0);
        self.incoming.push_back(Packet {
            kind,
            transaction: 7,
            wants_completion: true,
            payload,
        });
    }
}

impl Channel for Hostile {
    fn receive(&mut self) -> Result<Option<Packet>, RingError> {
        Ok(self.incoming.pop_front())
    }

    fn send(&mut self, packet: &Outgoing<'_>) -> Result<Sent, RingError> {
        let Some(room) = self.room.checked_sub(1) else {
            return Ok(Sent::Full);
        };
        self.room = room;
        self.sent += 1;
        if let OutgoingKind::TransferPages { ranges, .. } = packet.kind {
            for (offset, len) in ranges {
                assert!(*len <= 1728 && offset + len <= 16 * 4096, "{offset} {len}");
            }
            self.unread.push_back(packet.transaction);
        }
        Ok(Sent::Done)
    }

    fn lent(&self, gpadl: u32) -> Option<&[PageRange]> {
        match gpadl {
            1 => Some(&self.receive),
            2 => Some(&self.send),
            _ => None,
        }
    }

    fn memory(&self) -> &dyn GuestMemory {
        &self.memory
    }
}

/// Takes from bytes; at their end, zeros come.
struct Taker<'a>(&'a [u8]);

impl<'a> Taker<'a> {
    fn u8(&mut self) -> u8 {
        self.up_to(1).first().copied().unwrap_or(0)
    }

    fn u32(&mut self) -> u32 {
        let mut word = [0; 4];
        let bytes = self.up_to(4);
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from_le_bytes(word)
    }

    /// A number of the kind that messages have: mostly small, or of those that mean something.
    fn small(&mut self) -> u32 {
        const KNOWN: [u32; 12] = [
            0x6_0001,
            0xcafe,
            107,
            101,
            103,
            104,
            0x0001_010e,
            0xfc01_020d,
            0x0101_0101,
            1728,
            6144,
            u32::MAX,
        ];
        match self.u8() {
            byte @ 0..200 => u32::from(byte),
            byte @ 200..240 => KNOWN[usize::from(byte) % KNOWN.len()],
            240..=255 => self.u32(),
        }
    }

    fn up_to(&mut self, len: usize) -> &'a [u8] {
        let (now, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        now
    }
}
