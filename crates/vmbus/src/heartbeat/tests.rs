//! Beats against a driver that behaves like Linux's, and with one field of its answer spoiled.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "tests count what they have made themselves, and fail by panicking"
)]

use std::time::Duration;

use super::{ApplicationState, HeartbeatHandle, INTERVAL, new};
use crate::device::{Device, Now};
use crate::ic::Stage;
use crate::ic::linux::{E_FAIL, Linux, Rig, poke, u64_of};
use crate::ic::scripted::Scripted;
use crate::packet::PacketKind;

fn rig() -> (Rig, HeartbeatHandle) {
    let (device, handle) = new();
    (Rig::new(device), handle)
}

fn linux() -> Linux {
    changed(|_| {})
}

/// Linux adds one to the sequence and leaves the rest; then something is changed.
fn changed(change: impl Fn(&mut [u8]) + 'static) -> Linux {
    Linux::new(1, &[[3, 0], [1, 0]], move |_, bytes| {
        assert!(bytes.len() >= 28 + 8, "Linux drops what is shorter");
        let next = u64_of(bytes, 28) + 1;
        poke(bytes, 28, &next.to_le_bytes());
        change(bytes);
    })
}

/// Counts of wrong and sound answers after three beats whose answers are changed.
fn check(change: impl Fn(&mut [u8]) + 'static, wrong: u64, answered: u64) {
    let (mut rig, handle) = rig();
    let mut linux = changed(change);
    rig.turn(&mut linux);
    for _ in 0..2 {
        rig.wait(&mut linux, INTERVAL);
    }
    let pulse = handle.pulse();
    assert_eq!(
        (pulse.sent, pulse.wrong, pulse.answered),
        (3, wrong, answered)
    );
}

#[test]
fn a_sound_heart_beats_every_two_seconds() {
    let (mut rig, handle) = rig();
    let mut linux = linux();
    let start = rig.now();
    rig.turn(&mut linux);
    assert_eq!(linux.chosen, Some([3, 0]));
    assert_eq!(handle.pulse().sent, 1);
    for _ in 0..5 {
        rig.wait(&mut linux, INTERVAL);
    }
    let pulse = handle.pulse();
    assert_eq!((pulse.sent, pulse.answered, pulse.missed), (6, 6, 0));
    assert_eq!(pulse.last_seen, Some(start + 5 * INTERVAL));
    assert_eq!(pulse.state, ApplicationState::Unknown);
    assert!(matches!(pulse.stage, Stage::Ready(_)));
}

#[test]
fn a_beat_is_due_by_the_callers_clock_alone() {
    let (mut rig, handle) = rig();
    let mut linux = linux();
    let start = rig.now();
    rig.turn(&mut linux);
    rig.turn(&mut linux);
    rig.wait(&mut linux, Duration::from_millis(1999));
    assert_eq!(handle.pulse().sent, 1);
    assert_eq!(rig.guest.bus.deadline(), Some(start + INTERVAL));
    rig.wait(&mut linux, Duration::from_millis(1));
    assert_eq!(handle.pulse().sent, 2);
}

#[test]
fn silence_is_counted_and_forgotten() {
    let (mut rig, handle) = rig();
    let mut linux = linux();
    let start = rig.now();
    rig.turn(&mut linux);
    for _ in 0..3 {
        rig.guest.advance(INTERVAL);
    }
    let pulse = handle.pulse();
    assert_eq!((pulse.sent, pulse.answered, pulse.missed), (4, 1, 2));
    // The guest comes back, and answers everything that is in the ring.
    rig.turn(&mut linux);
    let pulse = handle.pulse();
    assert_eq!((pulse.answered, pulse.missed), (4, 0));
    assert_eq!(pulse.last_seen, Some(start + 3 * INTERVAL));
}

#[test]
fn a_ring_without_room_is_a_missed_beat() {
    let (mut device, handle) = new();
    let mut channel = Scripted::new();
    let at = |beats: u32| Now {
        elapsed: beats * INTERVAL,
        wall: Duration::ZERO,
        reference: 0,
    };
    device.opened(&mut channel, at(0)).unwrap();
    let (_, _, question) = channel.sent.pop_front().unwrap();
    channel.push(PacketKind::InBand, 0, &linux().answer(&question));
    channel.room = 0;
    for beats in 0..5 {
        assert!(device.deadline().is_none_or(|due| due == at(beats).elapsed));
        device.service(&mut channel, at(beats)).unwrap();
    }
    assert_eq!((handle.pulse().sent, handle.pulse().missed), (0, 4));
    channel.room = 1;
    device.service(&mut channel, at(5)).unwrap();
    assert_eq!((handle.pulse().sent, handle.pulse().missed), (1, 5));
}

#[test]
fn a_sequence_that_was_not_counted_up_is_no_answer() {
    check(|bytes| poke(bytes, 28, &[0; 8]), 3, 0);
}

#[test]
fn a_status_is_no_answer() {
    check(|bytes| poke(bytes, 20, &E_FAIL.to_le_bytes()), 3, 0);
}

#[test]
fn an_answer_without_a_sequence_is_no_answer() {
    check(|bytes| poke(bytes, 18, &[7, 0]), 3, 0);
}

#[test]
fn an_answer_to_no_beat_is_passed_over() {
    check(|bytes| bytes[24] = 200, 0, 0);
}

#[test]
fn an_answer_with_the_sequence_alone_is_an_answer() {
    check(|bytes| poke(bytes, 18, &[8, 0]), 0, 3);
}

#[test]
fn an_answer_counts_once() {
    let (mut rig, handle) = rig();
    let mut linux = linux();
    let (transaction, bytes) = rig.asked().remove(0);
    let choice = linux.answer(&bytes);
    rig.reply(transaction, &choice);
    let (transaction, bytes) = rig.asked().remove(0);
    let answer = linux.answer(&bytes);
    rig.reply(transaction, &answer);
    rig.reply(transaction, &answer);
    assert_eq!(handle.pulse().answered, 1);
}

#[test]
fn the_guest_says_how_its_applications_are() {
    let states = [
        (1, ApplicationState::Healthy),
        (2, ApplicationState::Critical),
        (3, ApplicationState::Stopped),
        (77, ApplicationState::Other(77)),
    ];
    for (number, state) in states {
        let (mut rig, handle) = rig();
        rig.turn(&mut changed(move |bytes| {
            poke(bytes, 36, &[number, 0, 0, 0])
        }));
        assert_eq!(handle.pulse().state, state);
    }
}

#[test]
fn an_old_guest_speaks_version_one() {
    let (mut rig, handle) = rig();
    let mut linux = linux();
    linux.frameworks = vec![[1, 0]];
    linux.versions = vec![[1, 0]];
    rig.turn(&mut linux);
    assert_eq!((linux.chosen, handle.pulse().answered), (Some([1, 0]), 1));
}

#[test]
fn a_new_channel_is_a_new_heart() {
    let (mut rig, handle) = rig();
    rig.turn(&mut linux());
    rig.guest.close(rig.channel);
    assert_eq!(handle.pulse().stage, Stage::Closed);
    assert_eq!(rig.guest.bus.deadline(), None);
    rig.channel = rig.guest.open(super::CLASS, 4);
    let pulse = handle.pulse();
    assert_eq!((pulse.stage, pulse.sent), (Stage::Negotiating, 0));
    rig.turn(&mut linux());
    assert_eq!(handle.pulse().answered, 1);
}

#[test]
fn the_offer_is_the_heartbeats() {
    let offer = new().0.offer();
    // As `lsvmbus` prints them on Hyper-V.
    assert_eq!(
        offer.class.to_string(),
        "57164f39-9115-4e78-ab55-382f3bd5422d"
    );
    assert_eq!(
        offer.instance.to_string(),
        "fd149e91-82e0-4a7d-afa6-2a4166cbd7c0"
    );
}
