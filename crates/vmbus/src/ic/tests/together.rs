//! All components on one bus, for each version of it.

use std::time::Duration;

use super::super::linux::{Linux, poke, u64_of};
use crate::bus::BusOptions;
use crate::device::Device;
use crate::fake_guest::{FakeGuest, GuestChannel, GuestPacket};
use crate::protocol::Version;
use crate::{heartbeat, kvp, shutdown, time_sync, vss};

/// A component's channel, and the driver behind it.
struct End {
    channel: GuestChannel,
    linux: Linux,
}

fn open(guest: &mut FakeGuest, device: impl Device + 'static, linux: Linux) -> End {
    let class = device.offer().class;
    guest.offer(Box::new(device));
    let channel = guest.open(class, 4);
    End { channel, linux }
}

/// Each driver answers what there is, and again, until nobody asks any more.
fn settle(guest: &mut FakeGuest, ends: &mut [End]) {
    for _ in 0..100 {
        for end in &mut *ends {
            for packet in guest.packets(end.channel) {
                let answer = end.linux.answer(&packet.payload);
                let packet = GuestPacket::in_band(packet.transaction, &answer).unanswered();
                guest.write_packet(end.channel, &packet);
            }
        }
    }
}

fn counting() -> Linux {
    Linux::new(1, &[[3, 0]], |_, bytes| {
        let next = u64_of(bytes, 28).wrapping_add(1);
        poke(bytes, 28, &next.to_le_bytes());
    })
}

fn check(version: Version) {
    let mut guest = FakeGuest::with(BusOptions {
        max_version: version,
        ..BusOptions::default()
    });
    assert_eq!(guest.connect(), version);
    let (heart, pulse) = heartbeat::new();
    let (down, shutdown) = shutdown::new();
    let (clock, time) = time_sync::new();
    let (keys, kvp) = kvp::new();
    let (backup, vss) = vss::new();
    let until = guest.now().elapsed.saturating_add(Duration::from_secs(60));
    let mut ends = vec![
        open(&mut guest, heart, counting()),
        open(&mut guest, down, Linux::new(3, &[[3, 2]], |_, _| {})),
        open(&mut guest, clock, Linux::new(4, &[[4, 0]], |_, _| {})),
        open(&mut guest, keys, Linux::new(2, &[[4, 0]], |_, _| {})),
        open(&mut guest, backup, Linux::new(5, &[[5, 0]], |_, _| {})),
    ];
    let value = kvp::Value::U32(7);
    let asked = (
        kvp.set(kvp::Pool::External, "key", &value, until),
        vss.request(vss::Operation::Thaw, until),
        shutdown.request(shutdown::Action::Restart, shutdown::Manner::Gentle, until),
    );
    settle(&mut guest, &mut ends);
    guest.advance(Duration::from_secs(6));
    settle(&mut guest, &mut ends);
    assert_eq!(asked.0.take(), Some(Ok(kvp::Answer::Done)));
    assert!(matches!(asked.1.take(), Some(Ok(_))));
    assert_eq!(asked.2.take(), Some(Ok(shutdown::Accepted)));
    assert_eq!((pulse.pulse().sent, pulse.pulse().answered), (4, 4));
    assert_eq!((time.report().syncs, time.report().samples), (1, 1));
    guest.unload();
    assert_eq!(pulse.pulse().stage, super::super::Stage::Closed);
    assert_eq!(guest.bus.deadline(), None);
}

#[test]
fn on_the_newest_bus() {
    check(Version::V5_3);
}

#[test]
fn on_a_bus_of_four() {
    check(Version::V4_0);
}

#[test]
fn on_the_oldest_bus() {
    check(Version::V3_0);
}
