//! The rules of the bus, held by the fake guest.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "tests count what they have made themselves"
)]

mod channels;
mod contact;
mod gpadls;
mod messages;
mod offers;
mod scripted;
mod sessions;
mod threads;

use super::{Bus, BusEvent};
use crate::fake_guest::FakeGuest;
use crate::protocol::Version;
use scripted::{CLASS, Scripted};

#[test]
fn a_guest_joins_opens_talks_closes_and_leaves() {
    let mut guest = FakeGuest::new();
    let device = Scripted::echo(1);
    let log = device.log();
    let id = guest.offer(Box::new(device));
    assert_eq!(guest.connect(), Version::V5_3);
    let channel = guest.open(CLASS, 2);
    let payload: Vec<u8> = (0..16).collect();
    assert_eq!(guest.request(channel, &payload), payload);
    guest.close(channel);
    guest.unload();
    let events = [
        BusEvent::Connected {
            version: Version::V5_3,
        },
        BusEvent::Opened { channel: id, vp: 0 },
        BusEvent::Closed { channel: id },
        BusEvent::Unloaded,
    ];
    assert_eq!(guest.events(), events);
    assert_eq!(log.take(), ["opened", "closed"]);
}

#[test]
fn a_bus_can_be_shared_between_threads_behind_a_mutex() {
    fn is_send<T: Send>() {}
    is_send::<Bus>();
}
