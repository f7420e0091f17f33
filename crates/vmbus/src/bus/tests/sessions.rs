//! Whole sessions of a guest that keeps the rules, whatever it does and in whatever order.

use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;

use super::scripted::{Log, Scripted};
use crate::bus::{BusEvent, BusOptions, ChannelId};
use crate::fake_guest::{FakeGuest, GuestChannel, GuestPacket, message};
use crate::protocol::Version;

/// What the guest, or the machine's owner, does next. Devices are chosen by a number.
#[derive(Debug, Clone)]
enum Step {
    Open { device: usize, pages: usize },
    Close { device: usize },
    Request { device: usize, len: usize },
    Data { device: usize, len: usize },
    Burst { device: usize, lens: Vec<usize> },
    Lend { device: usize, pages: usize },
    TakeBack { device: usize },
    Move { device: usize, vp: u32 },
    Rescind { device: usize },
    Add,
    Rejoin { unload: bool },
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let device = 0..4_usize;
    let len = 0..3000_usize;
    let lens = proptest::collection::vec(0..1500_usize, 1..24);
    prop_oneof![
        4 => (device.clone(), 2..5_usize).prop_map(|(device, pages)| Step::Open { device, pages }),
        2 => device.clone().prop_map(|device| Step::Close { device }),
        4 => (device.clone(), len.clone()).prop_map(|(device, len)| Step::Request { device, len }),
        2 => (device.clone(), len).prop_map(|(device, len)| Step::Data { device, len }),
        4 => (device.clone(), lens).prop_map(|(device, lens)| Step::Burst { device, lens }),
        2 => (device.clone(), 1..90_usize).prop_map(|(device, pages)| Step::Lend { device, pages }),
        1 => device.clone().prop_map(|device| Step::TakeBack { device }),
        1 => (device.clone(), 0..3_u32).prop_map(|(device, vp)| Step::Move { device, vp }),
        1 => device.prop_map(|device| Step::Rescind { device }),
        1 => proptest::strategy::Just(Step::Add),
        1 => any::<bool>().prop_map(|unload| Step::Rejoin { unload }),
        1 => proptest::strategy::Just(Step::Reset),
    ]
}

/// A device of the model.
struct Known {
    id: ChannelId,
    log: Log,
    channel: Option<GuestChannel>,
    lent: Vec<u32>,
}

struct Session {
    guest: FakeGuest,
    version: Version,
    known: Vec<Known>,
    instances: u128,
}

impl Session {
    fn new(version: Version) -> Self {
        let options = BusOptions {
            max_version: version,
            processors: 3,
        };
        let mut session = Self {
            guest: FakeGuest::with(options),
            version,
            known: Vec::new(),
            instances: 0,
        };
        session.add();
        session.join();
        session
    }

    fn join(&mut self) {
        assert_eq!(self.guest.connect(), self.version);
        assert_eq!(self.guest.offers().len(), self.known.len());
    }

    fn add(&mut self) {
        if self.known.len() == 4 {
            return;
        }
        self.instances += 1;
        let device = Scripted::echo(self.instances);
        let log = device.log();
        let id = self.guest.offer(Box::new(device));
        self.known.push(Known {
            id,
            log,
            channel: None,
            lent: Vec::new(),
        });
    }

    fn index(&self, device: usize) -> Option<usize> {
        device.checked_rem(self.known.len())
    }

    fn open_channel(&self, device: usize) -> Option<GuestChannel> {
        self.known[self.index(device)?].channel
    }

    /// The guest has left: every channel that was open was closed, once.
    fn left(&mut self) {
        for known in &mut self.known {
            known.lent.clear();
            check_log(known);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Open { device, pages } => self.open(*device, *pages),
            Step::Close { device } => self.close(*device),
            Step::Request { device, len } => self.burst(*device, &[*len]),
            Step::Data { device, len } => self.data(*device, *len),
            Step::Burst { device, lens } => self.burst(*device, lens),
            Step::Lend { device, pages } => self.lend(*device, *pages),
            Step::TakeBack { device } => self.take_back(*device),
            Step::Move { device, vp } => self.move_to(*device, *vp),
            Step::Rescind { device } => self.rescind(*device),
            Step::Add => self.add(),
            Step::Rejoin { unload } => self.rejoin(*unload),
            Step::Reset => {
                self.guest.bus.reset();
                self.rejoin(false);
            }
        }
        for event in self.guest.events() {
            let rested = matches!(event, BusEvent::Rested { .. });
            assert!(!rested, "{event:?}");
        }
    }

    fn open(&mut self, device: usize, pages: usize) {
        let Some(known) = self.index(device).map(|index| &mut self.known[index]) else {
            return;
        };
        if known.channel.is_none() {
            let channel = self.guest.open_number(known.id.relid(), pages, 0);
            known.channel = Some(channel);
            assert_eq!(known.log.take(), ["opened"]);
        }
    }

    fn close(&mut self, device: usize) {
        let Some(known) = self.index(device).map(|index| &mut self.known[index]) else {
            return;
        };
        if let Some(channel) = known.channel.take() {
            self.guest.close(channel);
            assert_eq!(last(&known.log), Some("closed".to_owned()));
        }
    }

    fn data(&mut self, device: usize, len: usize) {
        let Some(channel) = self.open_channel(device) else {
            return;
        };
        let data: Vec<u8> = (0..len).map(|index| (index % 249) as u8).collect();
        let range = self.guest.place(&data);
        let transaction = self.guest.write_data(channel, &[range], &[1; 8]);
        let answer = self.guest.completion(channel, transaction);
        assert_eq!(answer[8..8 + len], data);
    }

    /// Writes without handling any interrupt until the ring is full, then takes the answers.
    fn burst(&mut self, device: usize, lens: &[usize]) {
        let Some(channel) = self.open_channel(device) else {
            return;
        };
        let mut sent = Vec::new();
        for len in lens {
            let payload: Vec<u8> = (0..*len).map(|index| (index % 253) as u8).collect();
            let transaction = self.guest.transaction();
            let packet = GuestPacket::in_band(transaction, &payload);
            if !self.guest.try_write(channel, &packet) {
                self.guest.pump();
                assert!(self.guest.try_write(channel, &packet), "there is room now");
            }
            sent.push((transaction, payload));
        }
        self.guest.pump();
        for (transaction, payload) in sent {
            let answer = self.guest.completion(channel, transaction);
            assert_eq!(answer[..payload.len()], payload);
        }
        assert!(self.guest.packets(channel).is_empty());
    }

    fn lend(&mut self, device: usize, pages: usize) {
        let Some(known) = self.index(device).map(|index| &mut self.known[index]) else {
            return;
        };
        let relid = known.id.relid();
        let (gpadl, _) = self.guest.lend(GuestChannel { relid }, pages);
        known.lent.push(gpadl);
    }

    fn take_back(&mut self, device: usize) {
        let Some(known) = self.index(device).map(|index| &mut self.known[index]) else {
            return;
        };
        let relid = known.id.relid();
        if let Some(gpadl) = known.lent.pop() {
            self.guest.take_back(GuestChannel { relid }, gpadl);
        }
    }

    fn move_to(&mut self, device: usize, vp: u32) {
        let Some(channel) = self.open_channel(device) else {
            return;
        };
        if self.version >= Version::V4_1 {
            self.guest.must_post(&message(22, &[channel.relid, vp]));
        }
        if self.version >= Version::V5_3 {
            let answer = self.guest.answer(24, |_| true);
            assert_eq!(answer, message(24, &[channel.relid, 0]));
        }
        assert!(self.guest.answers().is_empty());
    }

    fn rescind(&mut self, device: usize) {
        if let Some(index) = self.index(device) {
            let mut known = self.known.remove(index);
            drop(self.guest.rescind(known.id));
            check_log(&mut known);
        }
    }

    fn rejoin(&mut self, unload: bool) {
        match unload {
            true => self.guest.unload(),
            false => self.guest.kexec(),
        }
        self.join();
        self.left();
    }
}

/// An open channel was closed, and no other one was.
fn check_log(known: &mut Known) {
    let closed = known.channel.take().map(|_| "closed".to_owned());
    assert_eq!(last(&known.log), closed);
}

/// What was done last, besides waiting for room.
fn last(log: &Log) -> Option<String> {
    let mut texts = log.take();
    texts.retain(|text| text != "full");
    assert!(texts.len() <= 1);
    texts.pop()
}

fn check_sessions(version: Version) {
    let config = Config {
        cases: 32,
        ..Config::default()
    };
    proptest!(config, |(steps in proptest::collection::vec(step(), 1..40))| {
        let mut session = Session::new(version);
        for step in &steps {
            session.step(step);
        }
        session.guest.unload();
        session.left();
    });
}

#[test]
fn version_3_0_carries_any_session() {
    check_sessions(Version::V3_0);
}

#[test]
fn version_4_0_carries_any_session() {
    check_sessions(Version::V4_0);
}

#[test]
fn version_4_1_carries_any_session() {
    check_sessions(Version::V4_1);
}

#[test]
fn version_5_0_carries_any_session() {
    check_sessions(Version::V5_0);
}

#[test]
fn version_5_1_carries_any_session() {
    check_sessions(Version::V5_1);
}

#[test]
fn version_5_2_carries_any_session() {
    check_sessions(Version::V5_2);
}

#[test]
fn version_5_3_carries_any_session() {
    check_sessions(Version::V5_3);
}
