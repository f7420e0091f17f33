//! Random traffic both ways through small rings: nothing is lost, changed or waited for in vain.

use std::collections::VecDeque;

use detente_vmbus::fake_guest::{GuestPacket, Wrote};
use detente_vmbus::{PacketKind, Sent};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

use crate::support::{Place, Rig, completion, in_band, payload};

/// What is sent through rings of so many pages, and in which steps.
#[derive(Debug, Clone)]
struct Traffic {
    to_host: usize,
    to_guest: usize,
    scattered: bool,
    /// Payload lengths of what the guest sends, and of what the host sends.
    from_guest: Vec<usize>,
    from_host: Vec<usize>,
    /// Who goes first where both could, and how much is done at once.
    steps: Vec<(bool, usize)>,
}

/// Lengths around which things happen: mostly short, some nearly as long as the ring.
fn lengths(pages: usize) -> impl Strategy<Value = Vec<usize>> {
    let longest = pages * 4096 - 32;
    let length = proptest::prop_oneof![
        4 => 0..200_usize,
        2 => 0..longest + 1,
        1 => longest - 64..longest + 1,
    ];
    proptest::collection::vec(length, 0..120)
}

fn traffic() -> impl Strategy<Value = Traffic> {
    (1..6_usize, 1..6_usize).prop_flat_map(|(to_host, to_guest)| {
        let steps = proptest::collection::vec((any::<bool>(), 1..9_usize), 1..40);
        let ways = (lengths(to_host), lengths(to_guest));
        (any::<bool>(), ways, steps).prop_map(move |(scattered, ways, steps)| Traffic {
            to_host,
            to_guest,
            scattered,
            from_guest: ways.0,
            from_host: ways.1,
            steps,
        })
    })
}

/// One end: what it still has to send, what it got, and whether it was signalled.
#[derive(Default)]
struct End {
    unsent: VecDeque<(u64, Vec<u8>)>,
    got: Vec<(u64, Vec<u8>)>,
    awake: bool,
}

impl End {
    fn sends(lengths: &[usize]) -> Self {
        let unsent = (0..).zip(lengths).map(|(number, len)| {
            let bytes = payload(number, *len);
            (number, bytes)
        });
        Self {
            unsent: unsent.collect(),
            got: Vec::new(),
            awake: true,
        }
    }
}

struct Run {
    rig: Rig,
    guest: End,
    host: End,
}

impl Run {
    /// The guest, woken: reads everything, then sends some. It stays awake while it has more.
    fn guest_step(&mut self, at_once: usize) {
        self.guest.awake = false;
        let got = &mut self.guest.got;
        self.host.awake |= self.rig.guest.drain(|packet| {
            let kind = if packet.transaction.is_multiple_of(2) {
                6
            } else {
                11
            };
            assert_eq!(packet.kind, kind);
            got.push((packet.transaction, packet.payload));
        });
        for _ in 0..at_once {
            let Some((number, bytes)) = self.guest.unsent.front() else {
                return;
            };
            let packet = guest_packet(*number, bytes);
            let needed = u32::try_from(packet.to_bytes().len() + 8).unwrap();
            match self.rig.guest.write(&packet) {
                Wrote::Signal => self.host.awake = true,
                Wrote::Quietly => (),
                // As hv_sock does: it says how much it needs, and is woken.
                Wrote::NoRoom => return self.rig.guest.set_pending_send_size(needed),
            }
            self.rig.guest.set_pending_send_size(0);
            self.guest.unsent.pop_front();
        }
        self.guest.awake = true;
    }

    /// The host, woken: as a bus serves a device that takes some packets and sends some.
    fn host_step(&mut self, at_once: usize) {
        self.host.awake = false;
        self.rig.host.begin_drain().unwrap();
        let waits = self.host_sends(at_once);
        if !waits {
            for _ in 0..at_once {
                let Some(packet) = self.rig.host.receive().unwrap() else {
                    break;
                };
                let direct = packet.transaction.is_multiple_of(3);
                assert_eq!(matches!(packet.kind, PacketKind::GpaDirect(_)), direct);
                self.host.got.push((packet.transaction, packet.payload));
            }
            // The owner of a device that has more to send pokes it.
            self.host.awake |= !self.host.unsent.is_empty();
        }
        self.host.awake |= self.rig.host.end_drain().unwrap();
        self.guest.awake |= self.rig.host.take_signal();
    }

    /// True: there is no room.
    fn host_sends(&mut self, at_once: usize) -> bool {
        for _ in 0..at_once {
            let Some((number, bytes)) = self.host.unsent.front() else {
                return false;
            };
            let packet = if number.is_multiple_of(2) {
                in_band(*number, bytes)
            } else {
                completion(*number, bytes)
            };
            match self.rig.host.send(&packet).unwrap() {
                Sent::Done => self.host.unsent.pop_front(),
                Sent::Full => return true,
            };
        }
        false
    }
}

/// Every third packet has a range of memory.
fn guest_packet(number: u64, bytes: &[u8]) -> GuestPacket {
    match bytes.len().checked_sub(24) {
        _ if !number.is_multiple_of(3) => GuestPacket::in_band(number, bytes),
        // Its header is that much longer, and the packet has to fit all the same.
        Some(len) => GuestPacket::gpa_direct(number, &[(4096, 0, vec![number])], &bytes[..len]),
        None => GuestPacket::gpa_direct(number, &[(0, 0, vec![])], bytes),
    }
}

fn padded(packets: impl Iterator<Item = (u64, Vec<u8>)>) -> Vec<(u64, Vec<u8>)> {
    packets
        .map(|(number, mut bytes)| {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            (number, bytes)
        })
        .collect()
}

proptest! {
    #[test]
    fn everything_arrives_and_nobody_waits_in_vain(traffic in traffic()) {
        let place = if traffic.scattered {
            Place::scattered(traffic.to_host, traffic.to_guest)
        } else {
            Place::in_a_row(traffic.to_host, traffic.to_guest)
        };
        let mut run = Run {
            rig: Rig::new(place),
            guest: End::sends(&traffic.from_guest),
            host: End::sends(&traffic.from_host),
        };
        let to_host = padded(run.guest.unsent.iter().map(|(number, bytes)| {
            (*number, guest_packet(*number, bytes).payload)
        }));
        let to_guest = padded(run.host.unsent.iter().cloned());
        let mut steps = traffic.steps.iter().cycle();
        let mut count = 0;
        while run.guest.awake || run.host.awake {
            let (guest_first, at_once) = *steps.next().unwrap();
            let guest_goes = if guest_first { run.guest.awake } else { !run.host.awake };
            if guest_goes {
                run.guest_step(at_once);
            } else {
                run.host_step(at_once);
            }
            count += 1;
            prop_assert!(count < 100_000, "they wake each other for nothing");
        }
        // Both sleep. Whoever has something left was not woken when it should have been.
        prop_assert!(run.guest.unsent.is_empty(), "the guest waits in vain");
        prop_assert!(run.host.unsent.is_empty(), "the host waits in vain");
        prop_assert_eq!(run.host.got, to_host);
        prop_assert_eq!(run.guest.got, to_guest);
    }
}
