//! A driver inside the fake guest that behaves like Linux's `hv_utils`: it answers in the bytes
//! that it was asked with, and knows offsets by number, not by our code.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests count what they have made themselves, and fail by panicking"
)]

use std::time::Duration;

use crate::bus::ChannelId;
use crate::device::Device;
use crate::fake_guest::{FakeGuest, GuestChannel, GuestPacket};

/// What Linux answers when it cannot.
pub(crate) const E_FAIL: u32 = 0x8000_4005;

/// Its service behind the negotiation: gets the chosen version and the request; fills in the rest.
type Serve = Box<dyn FnMut([u16; 2], &mut [u8])>;

/// One component's driver.
pub(crate) struct Linux {
    kind: u16,
    pub(crate) frameworks: Vec<[u16; 2]>,
    pub(crate) versions: Vec<[u16; 2]>,
    pub(crate) chosen: Option<[u16; 2]>,
    serve: Serve,
}

pub(crate) fn u16_of(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

pub(crate) fn u32_of(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn u64_of(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

pub(crate) fn poke(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

impl Linux {
    pub(crate) fn new(
        kind: u16,
        versions: &[[u16; 2]],
        serve: impl FnMut([u16; 2], &mut [u8]) + 'static,
    ) -> Self {
        Self {
            kind,
            frameworks: vec![[3, 0], [1, 0]],
            versions: versions.to_vec(),
            chosen: None,
            serve: Box::new(serve),
        }
    }

    /// The answer to a packet.
    pub(crate) fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        assert!(request.len() >= 28, "Linux drops what has no headers");
        let mut bytes = request.to_vec();
        match u16_of(&bytes, 12) {
            0 => self.negotiate(&mut bytes),
            kind if kind == self.kind => {
                let chosen = self.chosen.unwrap();
                (self.serve)(chosen, &mut bytes);
            }
            _ => poke(&mut bytes, 20, &E_FAIL.to_le_bytes()),
        }
        bytes[25] = 5;
        bytes
    }

    fn negotiate(&mut self, bytes: &mut [u8]) {
        let counts = [28, 30].map(|at| usize::from(u16_of(bytes, at)));
        let total = counts[0] + counts[1];
        assert!(28 + 8 + 4 * total <= bytes.len(), "Linux drops it");
        let list: Vec<[u16; 2]> = (0..total)
            .map(|index| [36, 38].map(|at| u16_of(bytes, at + 4 * index)))
            .collect();
        let (frameworks, messages) = list.split_at(counts[0]);
        let pick = |known: &[[u16; 2]], offered: &[[u16; 2]]| {
            known.iter().copied().find(|one| offered.contains(one))
        };
        poke(bytes, 18, &16_u16.to_le_bytes());
        let framework = pick(&self.frameworks, frameworks);
        self.chosen = pick(&self.versions, messages);
        match framework.zip(self.chosen) {
            None => poke(bytes, 28, &[0; 4]),
            Some((framework, message)) => {
                poke(bytes, 28, &[1, 0, 1, 0]);
                let fields = [framework, message].concat();
                let fields: Vec<u8> = fields.iter().flat_map(|word| word.to_le_bytes()).collect();
                poke(bytes, 36, &fields);
            }
        }
    }
}

/// A component on the fake guest's bus, open.
pub(crate) struct Rig {
    pub(crate) guest: FakeGuest,
    pub(crate) id: ChannelId,
    pub(crate) channel: GuestChannel,
}

impl Rig {
    /// Linux opens its components with three pages of data each way.
    pub(crate) fn new(device: impl Device + 'static) -> Self {
        let class = device.offer().class;
        let mut guest = FakeGuest::new();
        let id = guest.offer(Box::new(device));
        guest.connect();
        let channel = guest.open(class, 4);
        Self { guest, id, channel }
    }

    pub(crate) fn now(&self) -> Duration {
        self.guest.now().elapsed
    }

    /// The owner pokes; then the driver answers everything, until there is nothing more.
    pub(crate) fn turn(&mut self, linux: &mut Linux) {
        self.guest.poke(self.id);
        self.settle(linux);
    }

    /// Time passes, and the driver answers.
    pub(crate) fn wait(&mut self, linux: &mut Linux, time: Duration) {
        self.guest.advance(time);
        self.settle(linux);
    }

    fn settle(&mut self, linux: &mut Linux) {
        for _ in 0..2000 {
            let packets = self.guest.packets(self.channel);
            if packets.is_empty() {
                return;
            }
            for packet in packets {
                assert_eq!(
                    (packet.kind, packet.flags),
                    (6, 0),
                    "components send in-band"
                );
                let answer = linux.answer(&packet.payload);
                self.reply(packet.transaction, &answer);
            }
        }
        panic!("host and guest talk without end");
    }

    /// What the host has asked, unanswered.
    pub(crate) fn asked(&mut self) -> Vec<(u64, Vec<u8>)> {
        self.guest.poke(self.id);
        let packets = self.guest.packets(self.channel).into_iter();
        packets
            .map(|packet| (packet.transaction, packet.payload))
            .collect()
    }

    pub(crate) fn reply(&mut self, transaction: u64, payload: &[u8]) {
        let packet = GuestPacket::in_band(transaction, payload).unanswered();
        self.guest.write_packet(self.channel, &packet);
    }
}
