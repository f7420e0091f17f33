//! Versions, and the connections on which they are asked for.

use super::scripted::{CLASS, Scripted};
use crate::bus::{BusEvent, BusOptions};
use crate::fake_guest::{FakeGuest, message};
use crate::protocol::Version;
use crate::synic::HvStatus;

/// Asks for a version on a connection: the status, and the answer if there is one.
fn contact(guest: &mut FakeGuest, connection: u32, words: &[u32]) -> (HvStatus, Vec<Vec<u8>>) {
    let now = guest.now();
    let contact = message(14, words);
    let status = guest.bus.post_message(0, connection, 1, &contact, now);
    guest.pump();
    (status, guest.answers())
}

/// What follows the type: a version for processor 0, SINT2 at VTL 0, and monitor pages.
fn words(version: u32) -> [u32; 8] {
    [version, 0, 2, 0, 0x6000, 0, 0x7000, 0]
}

fn capped(max_version: Version) -> FakeGuest {
    FakeGuest::with(BusOptions {
        max_version,
        processors: 1,
    })
}

#[test]
fn a_guest_falls_back_to_the_newest_version_of_the_bus() {
    for cap in Version::ALL {
        let mut guest = capped(cap);
        guest.offer(Box::new(Scripted::echo(1)));
        assert_eq!(guest.connect(), cap);
        let channel = guest.open(CLASS, 2);
        assert_eq!(guest.request(channel, &[7; 8]), [7; 8]);
        guest.unload();
    }
}

#[test]
fn an_old_guest_gets_the_version_that_it_asks_for() {
    for newest in Version::ALL {
        let mut guest = FakeGuest::new();
        guest.offer(Box::new(Scripted::echo(1)));
        guest.set_newest(newest);
        assert_eq!(guest.connect(), newest);
        let channel = guest.open(CLASS, 2);
        assert_eq!(guest.request(channel, &[7; 8]), [7; 8]);
        guest.unload();
    }
}

#[test]
fn from_5_0_on_the_answer_names_the_connection_before_it_the_version() {
    // By the offsets of Linux's vmbus_channel_version_response.
    let expected = [
        (4, 0x5_0003, message(15, &[1, 4])),
        (4, 0x5_0000, message(15, &[1, 4])),
        (1, 0x4_0001, message(15, &[1, 0x4_0001])),
        (1, 0x3_0000, message(15, &[1, 0x3_0000])),
    ];
    for (connection, version, answer) in expected {
        let mut guest = FakeGuest::new();
        let (status, answers) = contact(&mut guest, connection, &words(version));
        assert_eq!(status, HvStatus::Success);
        assert_eq!(answers, [answer]);
    }
}

#[test]
fn a_refused_version_is_answered_and_not_left_to_time_out() {
    // 0.13, 1.1, 2.4, one that never was, 6.0 and the highest number.
    let refused = [
        (1, 0x0_000d),
        (1, 0x1_0001),
        (1, 0x2_0004),
        (1, 0x3_0001),
        (4, 0x5_0004),
        (4, 0x6_0000),
        (4, 0xffff_ffff),
    ];
    for (connection, version) in refused {
        let mut guest = FakeGuest::new();
        let (status, answers) = contact(&mut guest, connection, &words(version));
        assert_eq!(status, HvStatus::Success);
        assert_eq!(answers, [message(15, &[0, 0])]);
        assert_eq!(guest.events(), [BusEvent::Refused { version }]);
        assert_eq!(guest.post(&message(3, &[])), HvStatus::InvalidParameter);
    }
}

#[test]
fn a_version_above_the_cap_is_refused_with_an_answer() {
    let mut guest = capped(Version::V4_0);
    let (status, answers) = contact(&mut guest, 4, &words(0x5_0003));
    assert_eq!(status, HvStatus::Success);
    assert_eq!(answers, [message(15, &[0, 0])]);
    assert_eq!(guest.bus.version(), None);
}

#[test]
fn contact_on_the_connection_of_other_versions_is_an_invalid_connection() {
    for (connection, version) in [(1, 0x5_0003), (1, 0x6_0000), (4, 0x4_0001), (4, 0x3_0000)] {
        let mut guest = FakeGuest::new();
        let (status, answers) = contact(&mut guest, connection, &words(version));
        assert_eq!(status, HvStatus::InvalidConnectionId);
        assert_eq!(status.code(), 0x12);
        assert!(answers.is_empty());
    }
}

#[test]
fn other_messages_come_on_the_connection_of_the_version() {
    for (version, wrong) in [(Version::V5_3, 1), (Version::V4_1, 4)] {
        let mut guest = FakeGuest::new();
        guest.set_newest(version);
        guest.connect();
        let now = guest.now();
        let close = message(7, &[1]);
        let status = guest.bus.post_message(0, wrong, 1, &close, now);
        assert_eq!(status, HvStatus::InvalidConnectionId);
    }
}

#[test]
fn there_are_no_other_connections_for_messages() {
    let mut guest = FakeGuest::new();
    for connection in [0, 2, 3, 5, 0x2001, u32::MAX] {
        let (status, _) = contact(&mut guest, connection, &words(0x5_0003));
        assert_eq!(status, HvStatus::InvalidConnectionId);
    }
}

#[test]
fn a_contact_that_names_what_is_not_there_changes_nothing() {
    let mut guest = FakeGuest::new();
    guest.connect();
    let spoiled = [
        // Processor 1 of one, SINT 3, VTL 1.
        [0x5_0003, 1, 2, 0, 0, 0, 0, 0],
        [0x5_0003, 0, 3, 0, 0, 0, 0, 0],
        [0x5_0003, 0, 0x102, 0, 0, 0, 0, 0],
    ];
    for words in spoiled {
        let (status, answers) = contact(&mut guest, 4, &words);
        assert_eq!(status, HvStatus::InvalidParameter);
        assert!(answers.is_empty());
        assert_eq!(guest.bus.version(), Some(Version::V5_3));
    }
}

#[test]
fn before_5_0_an_interrupt_page_is_where_the_route_is_later() {
    let mut guest = FakeGuest::new();
    let page = [0x4_0000, 0, 0x1234_5000, 7, 0, 0, 0, 0];
    let (status, answers) = contact(&mut guest, 1, &page);
    assert_eq!(status, HvStatus::Success);
    assert_eq!(answers, [message(15, &[1, 0x4_0000])]);
}

#[test]
fn a_contact_that_is_cut_is_an_invalid_parameter() {
    let mut guest = FakeGuest::new();
    let whole = message(14, &words(0x5_0003));
    for len in 0..whole.len() {
        assert_eq!(guest.post(&whole[..len]), HvStatus::InvalidParameter);
    }
    assert_eq!(guest.post(&whole), HvStatus::Success);
}

#[test]
fn only_channel_messages_of_240_bytes_are_taken() {
    let mut guest = FakeGuest::new();
    let now = guest.now();
    let mut contact = message(14, &words(0x5_0003));
    let status = guest.bus.post_message(0, 4, 2, &contact, now);
    assert_eq!(status, HvStatus::InvalidParameter);
    contact.resize(241, 0);
    let status = guest.bus.post_message(0, 4, 1, &contact, now);
    assert_eq!(status, HvStatus::InvalidParameter);
    // What later versions append is ignored.
    contact.resize(240, 0);
    let status = guest.bus.post_message(0, 4, 1, &contact, now);
    assert_eq!(status, HvStatus::Success);
}

#[test]
fn messages_that_guests_do_not_send_are_invalid() {
    let mut guest = FakeGuest::new();
    guest.connect();
    for kind in [0, 1, 2, 4, 6, 10, 12, 15, 17, 18, 23, 24, 25, 29, u32::MAX] {
        let sent = message(kind, &[1; 50]);
        assert_eq!(guest.post(&sent), HvStatus::InvalidParameter, "type {kind}");
    }
    // A connection for hv_sock is not refused by word: Linux waits for a channel in vain.
    assert_eq!(guest.post(&message(21, &[0; 8])), HvStatus::Success);
    guest.pump();
    assert!(guest.answers().is_empty());
}

#[test]
fn nothing_but_contact_and_unload_goes_before_contact() {
    for kind in [3, 5, 7, 8, 9, 11, 13, 22] {
        let mut guest = FakeGuest::new();
        let sent = message(kind, &[1; 35]);
        assert_eq!(guest.post(&sent), HvStatus::InvalidParameter, "type {kind}");
    }
}

#[test]
fn a_kernel_started_by_kexec_finds_the_bus_as_new() {
    let mut guest = FakeGuest::new();
    let device = Scripted::echo(1);
    let log = device.log();
    guest.offer(Box::new(device));
    guest.connect();
    guest.open(CLASS, 2);
    guest.kexec();
    assert_eq!(guest.connect(), Version::V5_3);
    assert_eq!(log.take(), ["opened", "closed"]);
    let channel = guest.open(CLASS, 2);
    assert_eq!(guest.request(channel, &[1; 8]), [1; 8]);
    assert_eq!(log.take(), ["opened"]);
}

#[test]
fn unload_is_answered_in_every_state() {
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(Scripted::echo(1)));
    // Not yet on the bus; on it; without having asked for offers; with an open channel; again.
    guest.unload();
    guest.connect();
    guest.unload();
    assert_eq!(guest.try_connect(), Some(Version::V5_3));
    guest.unload();
    guest.connect();
    guest.open(CLASS, 2);
    guest.unload();
    guest.unload();
}

#[test]
fn a_panicking_kernel_gets_its_answer_after_what_was_in_the_slot() {
    let mut guest = FakeGuest::new();
    for instance in 1..20 {
        guest.offer(Box::new(Scripted::echo(instance)));
    }
    guest.try_connect();
    // It has stopped reading messages, then it panics and polls for the answer alone.
    assert_eq!(guest.post(&message(3, &[])), HvStatus::Success);
    assert_eq!(guest.post(&message(16, &[])), HvStatus::Success);
    guest.pump();
    assert_eq!(guest.offers().len(), 1);
    assert_eq!(guest.answers(), [message(17, &[])]);
}

#[test]
fn a_reset_machine_has_its_devices_and_no_guest() {
    let mut guest = FakeGuest::new();
    let device = Scripted::echo(1);
    let log = device.log();
    guest.offer(Box::new(device));
    guest.connect();
    guest.open(CLASS, 2);
    guest.bus.reset();
    assert_eq!(log.take(), ["opened", "closed"]);
    assert_eq!(guest.bus.version(), None);
    guest.kexec();
    guest.connect();
    guest.open(CLASS, 2);
}
