//! Channels are opened, used, broken, closed and opened again.

use std::time::Duration;

use super::scripted::{CLASS, Log, Scripted};
use crate::bus::{BusEvent, BusOptions, ChannelId};
use crate::fake_guest::{FakeGuest, GuestPacket, message};
use crate::protocol::Version;
use crate::synic::{HvStatus, SynicPages};

fn with_device(device: Scripted) -> (FakeGuest, ChannelId, Log) {
    let options = BusOptions {
        processors: 2,
        ..BusOptions::default()
    };
    let mut guest = FakeGuest::with(options);
    let log = device.log();
    let id = guest.offer(Box::new(device));
    guest.connect();
    (guest, id, log)
}

fn guest() -> (FakeGuest, ChannelId, Log) {
    with_device(Scripted::echo(1))
}

fn check_not_opened(open: impl FnOnce(&mut FakeGuest, u32) -> u32) {
    let (mut guest, id, log) = guest();
    let (gpadl, _) = guest.lend(crate::fake_guest::GuestChannel { relid: 1 }, 4);
    assert_eq!(open(&mut guest, gpadl), 0xc000_0001);
    assert!(log.take().is_empty());
    assert!(
        !guest
            .events()
            .contains(&BusEvent::Opened { channel: id, vp: 0 })
    );
    // And it is no worse for it.
    guest.open(CLASS, 2);
    assert_eq!(log.take(), ["opened"]);
}

#[test]
fn an_open_of_an_unknown_channel_is_refused() {
    check_not_opened(|guest, gpadl| guest.ask_open(2, gpadl, 0, 2));
}

#[test]
fn an_open_without_its_gpadl_is_refused() {
    check_not_opened(|guest, gpadl| guest.ask_open(1, gpadl + 1, 0, 2));
}

#[test]
fn an_open_for_a_processor_that_is_not_there_is_refused() {
    check_not_opened(|guest, gpadl| guest.ask_open(1, gpadl, 2, 2));
}

#[test]
fn an_open_with_a_ring_without_data_is_refused() {
    check_not_opened(|guest, gpadl| guest.ask_open(1, gpadl, 0, 0));
    check_not_opened(|guest, gpadl| guest.ask_open(1, gpadl, 0, 1));
    check_not_opened(|guest, gpadl| guest.ask_open(1, gpadl, 0, 3));
    check_not_opened(|guest, gpadl| guest.ask_open(1, gpadl, 0, u32::MAX));
}

#[test]
fn an_open_with_rings_that_are_no_whole_pages_is_refused() {
    check_not_opened(|guest, _| {
        let (gpadl, status) = guest.ask_lend(1, 4 * 4096 - 8, 0, &[500, 501, 502, 503]);
        assert_eq!(status, 0);
        guest.ask_open(1, gpadl, 0, 2)
    });
    check_not_opened(|guest, _| {
        let (gpadl, status) = guest.ask_lend(1, 3 * 4096, 8, &[500, 501, 502, 503]);
        assert_eq!(status, 0);
        guest.ask_open(1, gpadl, 0, 2)
    });
}

#[test]
fn an_open_with_a_gpadl_of_two_ranges_is_refused() {
    check_not_opened(|guest, _| {
        let mut header = message(8, &[1, 9, 48 | 2 << 16]);
        for word in [8192_u64, 500, 501, 8192, 502, 503] {
            header.extend(word.to_le_bytes());
        }
        guest.must_post(&header);
        assert_eq!(guest.created(1, 9), 0);
        guest.ask_open(1, 9, 0, 2)
    });
}

#[test]
fn a_second_open_is_refused_and_the_first_goes_on() {
    let (mut guest, _, log) = guest();
    let channel = guest.open(CLASS, 2);
    let gpadl = guest.ring_gpadl(channel);
    assert_ne!(guest.ask_open(1, gpadl, 0, 2), 0);
    assert_eq!(guest.request(channel, &[5; 8]), [5; 8]);
    assert_eq!(log.take(), ["opened"]);
}

#[test]
fn a_device_may_speak_first() {
    let (mut guest, _, _) = with_device(Scripted::echo(1).greeting(b"helloyou"));
    let channel = guest.open(CLASS, 2);
    let packets = guest.packets(channel);
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0].payload, b"helloyou");
}

#[test]
fn a_channel_is_closed_and_opened_again() {
    let (mut guest, _, log) = guest();
    for round in 0..5 {
        let channel = guest.open(CLASS, 2);
        assert_eq!(guest.request(channel, &[round; 8]), [round; 8]);
        guest.close(channel);
        assert_eq!(log.take(), ["opened", "closed"]);
    }
}

#[test]
fn closing_what_is_closed_does_nothing() {
    let (mut guest, _, log) = guest();
    assert_eq!(guest.post(&message(7, &[1])), HvStatus::Success);
    assert_eq!(guest.post(&message(7, &[2])), HvStatus::InvalidParameter);
    assert!(log.take().is_empty());
}

#[test]
fn data_in_the_guests_pages_reaches_the_device() {
    let (mut guest, _, _) = guest();
    let channel = guest.open(CLASS, 4);
    let data: Vec<u8> = (0..6000_u32).map(|index| (index % 251) as u8).collect();
    let range = guest.place(&data);
    let transaction = guest.write_data(channel, &[range], &[9; 8]);
    let answer = guest.completion(channel, transaction);
    assert_eq!(answer[..8], [9; 8]);
    assert_eq!(answer[8..], data);
}

#[test]
fn a_device_that_gives_up_rests_until_it_is_opened_again() {
    let (mut guest, id, log) = guest();
    let other = guest.offer(Box::new(Scripted::echo(2)));
    let channel = guest.open_number(id.relid(), 2, 0);
    let sound = guest.open_number(other.relid(), 2, 0);
    guest.events();
    guest.write(channel, b"fail now");
    let rested = BusEvent::Rested {
        channel: id,
        why: "the guest broke the protocol: no packet says fail".to_owned(),
    };
    assert_eq!(guest.events(), [rested]);
    // It is left alone, the others are not.
    let unanswered = guest.write(channel, &[1; 8]);
    guest.poke(id);
    assert_eq!(guest.try_completion(channel, unanswered), None);
    assert_eq!(guest.request(sound, &[2; 8]), [2; 8]);
    assert_eq!(log.take(), ["opened"]);
    guest.close(channel);
    assert_eq!(log.take(), ["closed"]);
    let channel = guest.open_number(id.relid(), 2, 0);
    assert_eq!(guest.request(channel, &[3; 8]), [3; 8]);
}

#[test]
fn a_broken_ring_rests_its_channel_and_says_why() {
    let (mut guest, id, _) = guest();
    let channel = guest.open(CLASS, 2);
    guest.events();
    // Type 5 is none that guests send.
    let mut packet = GuestPacket::in_band(1, &[0; 8]);
    packet.kind = 5;
    guest.write_packet(channel, &packet);
    let rested = BusEvent::Rested {
        channel: id,
        why: "the ring is broken: a packet has the type 5".to_owned(),
    };
    assert_eq!(guest.events(), [rested]);
    guest.unload();
}

#[test]
fn time_calls_devices_at_their_deadlines() {
    let period = Duration::from_secs(2);
    let (mut guest, _, _) = with_device(Scripted::echo(1).every(period));
    assert_eq!(guest.bus.deadline(), None);
    let channel = guest.open(CLASS, 2);
    assert_eq!(guest.bus.deadline(), Some(guest.now().elapsed + period));
    guest.advance(Duration::from_millis(1999));
    assert!(guest.packets(channel).is_empty());
    guest.advance(Duration::from_secs(6));
    assert_eq!(guest.packets(channel).len(), 3);
    guest.close(channel);
    assert_eq!(guest.bus.deadline(), None);
}

#[test]
fn a_guest_that_reads_is_not_interrupted_for_each_packet() {
    let period = Duration::from_secs(1);
    let (mut guest, _, _) = with_device(Scripted::echo(1).every(period));
    let channel = guest.open(CLASS, 2);
    let before = guest.lines().count(0);
    // The guest does not come to handle the interrupt of the first.
    for seconds in 1..=5 {
        let mut now = guest.now();
        now.elapsed += Duration::from_secs(seconds);
        guest.bus.tick(now);
    }
    assert_eq!(guest.lines().count(0), before + 1);
    guest.pump();
    assert_eq!(guest.packets(channel).len(), 5);
    // Masked, it is not interrupted at all.
    guest.rings(channel).begin_read();
    let mut now = guest.now();
    now.elapsed += Duration::from_secs(6);
    guest.bus.tick(now);
    assert_eq!(guest.lines().count(0), before + 1);
    assert!(guest.rings(channel).end_read());
}

#[test]
fn an_answer_that_finds_no_room_comes_when_there_is_some() {
    let (mut guest, _, log) = guest();
    let channel = guest.open(CLASS, 2);
    let mut sent = Vec::new();
    // Each takes 1,048 bytes of 4,096, there and back; the guest reads nothing yet.
    for _ in 0..12 {
        let transaction = guest.transaction();
        let packet = GuestPacket::in_band(transaction, &[sent.len() as u8; 1024]);
        if !guest.try_write(channel, &packet) {
            break;
        }
        sent.push(transaction);
    }
    assert!(log.take().contains(&"full".to_owned()));
    assert!(sent.len() >= 6);
    guest.pump();
    for (index, transaction) in sent.into_iter().enumerate() {
        let answer = guest.completion(channel, transaction);
        assert_eq!(answer, vec![index as u8; 1024]);
    }
}

#[test]
fn a_device_that_leaves_packets_is_called_again_and_others_get_their_turn() {
    let (mut guest, _, _) = with_device(Scripted::echo(1).one_at_a_time());
    let channel = guest.open(CLASS, 4);
    let written = |guest: &mut FakeGuest, count: usize| {
        for _ in 0..count {
            let packet = GuestPacket::in_band(guest.transaction(), &[0; 8]);
            // Not yet signalled: the device does not see it.
            let _wrote = guest.rings(channel).write(&packet);
        }
    };
    written(&mut guest, 20);
    guest.signal(channel.relid);
    guest.pump();
    let completed = |guest: &mut FakeGuest, from: u64, to: u64| {
        (from..to)
            .filter(|transaction| guest.try_completion(channel, *transaction).is_some())
            .count()
    };
    assert_eq!(completed(&mut guest, 0, 100), 8);
    // Time is up at once, and no timer of a device is needed for it.
    assert_eq!(guest.bus.deadline(), Some(Duration::ZERO));
    guest.bus.tick(guest.now());
    guest.pump();
    assert_eq!(completed(&mut guest, 0, 100), 8);
    guest.bus.tick(guest.now());
    guest.pump();
    assert_eq!(completed(&mut guest, 0, 100), 4);
    assert_eq!(guest.bus.deadline(), None);
}

#[test]
fn a_signal_for_another_flag_is_an_invalid_parameter() {
    let (mut guest, id, _) = guest();
    let (connection, now) = (guest.bus.connection_id(id), guest.now());
    let status = guest.bus.signal_event(connection, 1, now);
    assert_eq!(status, HvStatus::InvalidParameter);
    let closed = guest.bus.signal_event(connection, 0, now);
    assert_eq!(closed, HvStatus::Success);
}

#[test]
fn a_signal_on_no_channels_connection_is_invalid() {
    let (mut guest, _, _) = guest();
    let now = guest.now();
    for connection in [0, 1, 2, 4, 0x2000, 0x2002, 0x3001, 0x1_2001, u32::MAX] {
        let status = guest.bus.signal_event(connection, 0, now);
        assert_eq!(status, HvStatus::InvalidConnectionId);
    }
}

#[test]
fn a_channel_interrupts_the_processor_that_it_was_opened_for() {
    let (mut guest, id, _) = guest();
    let channel = guest.open_number(id.relid(), 2, 1);
    assert!(
        guest
            .events()
            .contains(&BusEvent::Opened { channel: id, vp: 1 })
    );
    let before = (guest.lines().count(0), guest.lines().count(1));
    guest.request(channel, &[0; 8]);
    assert_eq!(guest.lines().count(0), before.0);
    assert!(guest.lines().count(1) > before.1);
}

/// Moves the channel to processor 1 on a bus of this version: the answers.
fn moved(version: Version) -> (Vec<Vec<u8>>, bool) {
    let options = BusOptions {
        max_version: version,
        processors: 2,
    };
    let mut guest = FakeGuest::with(options);
    guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    let channel = guest.open(CLASS, 2);
    let status = guest.post(&message(22, &[1, 1]));
    guest.pump();
    let answers = guest.answers();
    let before = guest.lines().count(1);
    guest.request(channel, &[0; 8]);
    let moved = guest.lines().count(1) > before;
    assert_eq!(moved, status == HvStatus::Success);
    (answers, moved)
}

#[test]
fn moving_an_interrupt_is_answered_from_5_3_on() {
    assert_eq!(moved(Version::V5_3), (vec![message(24, &[1, 0])], true));
}

#[test]
fn moving_an_interrupt_is_not_answered_before_5_3() {
    for version in [Version::V4_1, Version::V5_0, Version::V5_1, Version::V5_2] {
        assert_eq!(moved(version), (Vec::new(), true));
    }
}

#[test]
fn moving_an_interrupt_is_not_known_before_4_1() {
    for version in [Version::V3_0, Version::V4_0] {
        assert_eq!(moved(version), (Vec::new(), false));
    }
}

#[test]
fn an_interrupt_is_not_moved_to_a_processor_that_is_not_there() {
    let (mut guest, _, _) = guest();
    let channel = guest.open(CLASS, 2);
    for words in [[1, 2], [1, u32::MAX], [2, 0]] {
        guest.must_post(&message(22, &words));
        let failed = message(24, &[words[0], 0xc000_0001]);
        assert_eq!(guest.answers(), [failed]);
    }
    assert_eq!(guest.request(channel, &[4; 8]), [4; 8]);
}

#[test]
fn an_interrupt_that_found_no_event_page_comes_with_the_page() {
    let (mut guest, _, _) = guest();
    let channel = guest.open(CLASS, 2);
    let (message_page, event_page) = (Some(0x1_0000), Some(0x1_1000));
    let off = SynicPages {
        message_page,
        event_page: None,
    };
    guest.bus.set_synic(0, off);
    let transaction = guest.write(channel, &[6; 8]);
    assert_eq!(guest.try_completion(channel, transaction), None);
    let on = SynicPages {
        message_page,
        event_page,
    };
    guest.bus.set_synic(0, on);
    guest.pump();
    assert_eq!(guest.completion(channel, transaction), [6; 8]);
}

#[test]
fn an_interrupt_that_found_no_event_page_comes_where_the_channel_is_moved_to() {
    let options = BusOptions {
        processors: 2,
        ..BusOptions::default()
    };
    let mut guest = FakeGuest::with(options);
    guest.offer(Box::new(Scripted::echo(1)));
    guest.connect();
    let channel = guest.open(CLASS, 2);
    let off = SynicPages {
        message_page: Some(0x1_0000),
        event_page: None,
    };
    guest.bus.set_synic(0, off);
    let transaction = guest.write(channel, &[6; 8]);
    assert_eq!(guest.try_completion(channel, transaction), None);
    let before = guest.lines().count(1);
    guest.must_post(&message(22, &[channel.relid, 1]));
    assert_eq!(guest.lines().count(1), before + 1);
    guest.pump();
    assert_eq!(guest.completion(channel, transaction), [6; 8]);
}

#[test]
fn events_that_nobody_takes_are_counted() {
    let (mut guest, id, _) = guest();
    for _ in 0..200 {
        let channel = guest.open(CLASS, 2);
        guest.close(channel);
    }
    let events = guest.events();
    assert_eq!(events.len(), 257);
    assert!(events.contains(&BusEvent::Closed { channel: id }));
    // 401 happened, 256 are there.
    assert_eq!(events.last(), Some(&BusEvent::Lost { events: 145 }));
    assert!(guest.events().is_empty());
}
