//! Devices come and go.

use super::scripted::{CLASS, Scripted};
use crate::bus::{BusEvent, CHANNEL_LIMIT, OfferError};
use crate::fake_guest::{FakeGuest, message};
use crate::guid::Guid;
use crate::synic::HvStatus;

#[test]
fn an_offer_lies_as_linux_reads_it() {
    let mut guest = FakeGuest::new();
    let instance = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
    let device = Scripted::echo(instance).offered_as(|offer| {
        offer.flags = 0x11;
        offer.mmio_mib = 3;
        offer.user_data[0] = 4;
        offer.user_data[119] = 9;
    });
    let id = guest.offer(Box::new(device));
    guest.connect();
    let offer = guest.offered(CLASS).unwrap();
    assert_eq!(offer.instance, Guid::new(instance));
    assert_eq!((offer.flags, offer.mmio_mib), (0x11, 3));
    assert_eq!((offer.user_data[0], offer.user_data[119]), (4, 9));
    assert_eq!((offer.relid, offer.sub_channel), (id.relid(), 0));
    assert_eq!(offer.connection, guest.bus.connection_id(id));
}

#[test]
fn offers_ask_for_a_dedicated_interrupt_and_no_monitor() {
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    let offer = guest.offered(CLASS).unwrap();
    assert_eq!(offer.dedicated_interrupt, 1);
    assert_eq!(offer.monitor_allocated, 0);
}

#[test]
fn numbers_start_at_one_and_connections_fit_into_24_bits() {
    let mut guest = FakeGuest::new();
    for instance in 0..u128::from(CHANNEL_LIMIT) {
        let id = guest.offer(Box::new(Scripted::echo(instance)));
        assert_eq!(u128::from(id.relid()), instance + 1);
        assert!((5..1 << 24).contains(&guest.bus.connection_id(id)));
    }
    let refused = guest.bus.offer(Box::new(Scripted::echo(u128::MAX)));
    let limit = CHANNEL_LIMIT;
    assert_eq!(refused, Err(OfferError::Full { limit }));
    // And a guest that is told of all of them takes them in.
    guest.connect();
    assert_eq!(guest.offers().len(), 256);
}

#[test]
fn an_instance_is_offered_once() {
    let mut guest = FakeGuest::new();
    let id = guest.offer(Box::new(Scripted::echo(1)));
    let instance = Guid::new(1);
    let refused = guest.bus.offer(Box::new(Scripted::echo(1)));
    assert_eq!(refused, Err(OfferError::InstanceTaken { instance }));
    guest.rescind(id);
    guest.offer(Box::new(Scripted::echo(1)));
}

#[test]
fn offers_are_asked_for_once() {
    let mut guest = FakeGuest::new();
    guest.connect();
    assert_eq!(guest.post(&message(3, &[])), HvStatus::InvalidParameter);
}

#[test]
fn a_device_added_later_is_told_of_at_once() {
    let mut guest = FakeGuest::new();
    guest.connect();
    assert!(guest.offered(CLASS).is_none());
    guest.offer(Box::new(Scripted::echo(1)));
    let channel = guest.open(CLASS, 2);
    assert_eq!(guest.request(channel, &[3; 8]), [3; 8]);
}

#[test]
fn a_device_added_between_contact_and_offers_is_told_of_once() {
    let mut guest = FakeGuest::new();
    guest.try_connect();
    guest.offer(Box::new(Scripted::echo(1)));
    assert!(guest.offers().is_empty());
    guest.request_offers();
    assert_eq!(guest.offers().len(), 1);
}

#[test]
fn a_device_that_the_guest_was_not_told_of_cannot_be_used() {
    let mut guest = FakeGuest::new();
    guest.try_connect();
    let id = guest.offer(Box::new(Scripted::echo(1)));
    let (_, status) = guest.ask_lend(id.relid(), 4096, 0, &[100]);
    assert_ne!(status, 0);
    assert_ne!(guest.ask_open(id.relid(), 1, 0, 1), 0);
    let close = message(7, &[id.relid()]);
    assert_eq!(guest.post(&close), HvStatus::InvalidParameter);
    let (connection, now) = (guest.bus.connection_id(id), guest.now());
    let status = guest.bus.signal_event(connection, 0, now);
    assert_eq!(status, HvStatus::InvalidConnectionId);
}

#[test]
fn a_rescinded_device_is_closed_and_given_back() {
    let mut guest = FakeGuest::new();
    let device = Scripted::echo(1);
    let log = device.log();
    let id = guest.offer(Box::new(device));
    guest.connect();
    let channel = guest.open(CLASS, 2);
    let device = guest.rescind(id);
    assert_eq!(device.offer().instance, Guid::new(1));
    assert_eq!(log.take(), ["opened", "closed"]);
    assert!(guest.events().contains(&BusEvent::Closed { channel: id }));
    assert!(guest.offered(CLASS).is_none());
    // The id is of no more use, though the number is taken again.
    let again = guest.offer(device);
    assert_eq!(again.relid(), channel.relid);
    assert_ne!(again, id);
    assert!(guest.bus.rescind(id).is_err());
    guest.bus.poke(id, guest.now());
    assert!(log.take().is_empty());
}

#[test]
fn a_number_is_not_used_again_before_the_guest_has_released_it() {
    let mut guest = FakeGuest::new();
    let first = guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    // The guest does not handle its interrupt yet.
    guest.bus.rescind(first).unwrap();
    let second = guest.bus.offer(Box::new(Scripted::echo(2))).unwrap();
    assert_eq!((first.relid(), second.relid()), (1, 2));
    guest.pump();
    let third = guest.offer(Box::new(Scripted::echo(3)));
    assert_eq!(third.relid(), 1);
}

#[test]
fn only_a_rescinded_number_can_be_released() {
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    for relid in [1, 2, 0, u32::MAX] {
        let release = message(13, &[relid]);
        assert_eq!(guest.post(&release), HvStatus::InvalidParameter);
    }
}

#[test]
fn a_rescinded_channel_can_still_be_closed_and_its_memory_taken_back() {
    let mut guest = FakeGuest::new();
    let id = guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    let channel = guest.open(CLASS, 2);
    let gpadl = guest.ring_gpadl(channel);
    guest.bus.rescind(id).unwrap();
    // Before the guest has seen that.
    assert_eq!(guest.post(&message(7, &[1])), HvStatus::Success);
    assert_eq!(guest.post(&message(11, &[1, gpadl])), HvStatus::Success);
    let connection = guest.bus.connection_id(id);
    let now = guest.now();
    let status = guest.bus.signal_event(connection, 0, now);
    assert_eq!(status, HvStatus::InvalidConnectionId);
    guest.pump();
    guest.answer(12, |answer| answer[8..] == gpadl.to_le_bytes());
}

#[test]
fn a_guest_that_was_not_told_of_a_device_is_not_told_that_it_is_gone() {
    let mut guest = FakeGuest::new();
    guest.try_connect();
    let id = guest.offer(Box::new(Scripted::echo(1)));
    guest.rescind(id);
    guest.request_offers();
    assert!(guest.offers().is_empty());
    assert_eq!(guest.offer(Box::new(Scripted::echo(2))).relid(), 1);
}

#[test]
fn an_unread_number_is_free_again_when_the_guest_leaves() {
    let mut guest = FakeGuest::new();
    let id = guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    guest.bus.rescind(id).unwrap();
    guest.kexec();
    guest.connect();
    assert!(guest.offers().is_empty());
    assert_eq!(guest.offer(Box::new(Scripted::echo(2))).relid(), 1);
}
