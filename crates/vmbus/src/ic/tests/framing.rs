//! What is said before anything is asked.
#![expect(
    clippy::panic,
    reason = "tests count what they have made themselves, and fail by panicking"
)]

use super::super::header::{IcVersion, Kind};
use super::super::linux::{Linux, Rig, poke};
use super::super::scripted::Scripted;
use super::super::{Incoming, Session, Stage, Versions};
use super::{VERSIONS, at, willing};
use crate::device::{Channel, Device, DeviceError};
use crate::packet::PacketKind;
use crate::pages::PageRange;
use crate::shutdown;

const OFFERED: &[IcVersion] = &[IcVersion::new(3, 2), IcVersion::new(1, 0)];

fn asked() -> (Session, Scripted, Vec<u8>) {
    let mut session = Session::new(Kind::Shutdown, OFFERED);
    let mut channel = Scripted::new();
    session.open();
    session.begin(&mut channel).unwrap();
    let (_, _, question) = channel.sent.pop_front().unwrap();
    (session, channel, question)
}

/// A sound answer to the negotiation, changed.
fn after(change: impl FnOnce(&mut Vec<u8>)) -> (Session, Result<Option<Incoming>, DeviceError>) {
    let (mut session, mut channel, question) = asked();
    let mut answer = willing().answer(&question);
    change(&mut answer);
    channel.push(PacketKind::InBand, 0, &answer);
    let heard = session.receive(&mut channel);
    (session, heard)
}

fn spoiled(at: usize, field: &[u8]) -> String {
    match after(|answer| poke(answer, at, field)).1 {
        Err(DeviceError::Protocol { rule }) => rule,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_question_lists_frameworks_first() {
    let (_, _, question) = asked();
    let wanted = [
        1, 0, 0, 0, 44, 0, 0, 0, // pipe: data, 44 bytes
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, // no versions yet, type 0, body of 24 bytes
        0, 0, 0, 0, 0, 3, 0, 0, // status, transaction 0, transaction and request
        2, 0, 2, 0, 0, 0, 0, 0, // two of each
        3, 0, 0, 0, 1, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0,
    ];
    assert_eq!(question, wanted);
}

#[test]
fn the_guest_is_asked_once() {
    let (mut session, mut channel, _) = asked();
    session.begin(&mut channel).unwrap();
    assert!(channel.sent.is_empty());
}

#[test]
fn the_question_waits_for_room() {
    let mut session = Session::new(Kind::Shutdown, OFFERED);
    let mut channel = Scripted::new();
    channel.room = 0;
    session.open();
    session.begin(&mut channel).unwrap();
    assert!(channel.sent.is_empty());
    channel.room = 1;
    session.begin(&mut channel).unwrap();
    assert_eq!(channel.sent.len(), 1);
}

#[test]
fn the_guests_choice_holds() {
    let (session, heard) = after(|_| {});
    assert_eq!(heard.unwrap(), Some(Incoming::Negotiated));
    let versions = Versions {
        framework: IcVersion::new(3, 0),
        message: IcVersion::new(3, 2),
    };
    assert_eq!(session.stage(), Stage::Ready(versions));
    assert_eq!(versions.to_string(), "3.2 (framework 3.0)");
}

#[test]
fn a_guest_that_knows_no_version_is_said_so() {
    for spoil in [true, false] {
        let (device, handle) = shutdown::new();
        let mut rig = Rig::new(device);
        let mut linux = Linux::new(3, &[[9, 9]], |_, _| panic!("nothing may be asked"));
        if spoil {
            linux.versions = VERSIONS.to_vec();
            linux.frameworks = vec![[2, 0]];
        }
        rig.turn(&mut linux);
        assert_eq!(handle.stage(), Stage::NoVersion);
        assert!(rig.asked().is_empty());
    }
}

#[test]
fn an_answer_without_whole_headers_is_malformed() {
    // Packets come in pieces of eight bytes: 24 is the longest that has no body at 28.
    let (_, heard) = after(|answer| answer.truncate(24));
    let error = format!("{:?}", heard.unwrap_err());
    assert!(error.contains("24 bytes is shorter"), "{error}");
}

#[test]
fn a_pipe_size_below_the_header_is_malformed() {
    assert_eq!(
        spoiled(4, &[19, 0, 0, 0]),
        "the pipe header says 19 bytes, but 48 follow"
    );
}

#[test]
fn a_pipe_size_past_the_packet_is_malformed() {
    assert_eq!(
        spoiled(4, &[0xff, 0xff, 0xff, 0xff]),
        "the pipe header says 4294967295 bytes, but 48 follow"
    );
}

#[test]
fn a_body_size_past_the_pipes_is_malformed() {
    assert_eq!(
        spoiled(18, &[25, 0]),
        "the header says a body of 25 bytes, but 24 follow"
    );
}

#[test]
fn a_message_that_is_no_answer_is_malformed() {
    assert_eq!(spoiled(25, &[3]), "flags 0x03 are not those of an answer");
}

#[test]
fn an_answer_shorter_than_its_counts_is_malformed() {
    let rule = spoiled(18, &[3, 0]);
    assert!(rule.contains("shorter than the versions"), "{rule}");
}

#[test]
fn an_answer_shorter_than_its_choice_is_malformed() {
    let rule = spoiled(18, &[15, 0]);
    assert!(rule.contains("shorter than the versions"), "{rule}");
}

#[test]
fn two_frameworks_are_no_choice() {
    let rule = spoiled(28, &[2, 0]);
    assert!(rule.contains("2 framework and 1 message"), "{rule}");
}

#[test]
fn a_framework_alone_is_no_choice() {
    let rule = spoiled(30, &[0, 0]);
    assert!(rule.contains("1 framework and 0 message"), "{rule}");
}

#[test]
fn a_framework_that_was_not_offered_is_no_choice() {
    let rule = spoiled(36, &[2, 0]);
    assert_eq!(rule, "the guest chose 2.0, which was not offered");
}

#[test]
fn a_version_that_was_not_offered_is_no_choice() {
    let rule = spoiled(42, &[7, 0]);
    assert_eq!(rule, "the guest chose 3.7, which was not offered");
}

#[test]
fn an_answer_to_something_else_changes_nothing() {
    let (session, heard) = after(|answer| answer[12] = 99);
    assert_eq!(heard.unwrap(), Some(Incoming::Other));
    assert_eq!(session.stage(), Stage::Negotiating);
}

#[test]
fn a_second_choice_changes_nothing() {
    let (mut session, mut channel, question) = asked();
    let answer = willing().answer(&question);
    channel.push(PacketKind::InBand, 0, &answer);
    session.receive(&mut channel).unwrap();
    let stage = session.stage();
    let mut other = Linux::new(3, &[[1, 0]], |_, _| {});
    channel.push(PacketKind::InBand, 0, &other.answer(&question));
    assert_eq!(
        session.receive(&mut channel).unwrap(),
        Some(Incoming::Other)
    );
    assert_eq!(session.stage(), stage);
}

#[test]
fn a_completion_is_passed_over() {
    let (mut session, mut channel, _) = asked();
    channel.push(PacketKind::Completion, 0, &[1, 2, 3]);
    assert_eq!(
        session.receive(&mut channel).unwrap(),
        Some(Incoming::Other)
    );
}

#[test]
fn ranges_of_memory_have_no_place_in_a_component() {
    let (mut session, mut channel, _) = asked();
    let range = PageRange::new(8, 0, vec![1]).unwrap();
    channel.push(PacketKind::GpaDirect(vec![range]), 0, &[0; 64]);
    assert!(session.receive(&mut channel).is_err());
}

#[test]
fn a_guest_that_floods_the_channel_loses_it() {
    let (device, handle) = shutdown::new();
    let mut device: Box<dyn Device> = Box::new(device);
    let mut channel = Scripted::new();
    device.opened(&mut channel, at(0)).unwrap();
    let (_, _, question) = channel.sent.pop_front().unwrap();
    let mut stray = willing().answer(&question);
    stray[12] = 99;
    for _ in 0..64 {
        channel.push(PacketKind::InBand, 0, &stray);
    }
    device.service(&mut channel, at(1)).unwrap();
    for _ in 0..65 {
        channel.push(PacketKind::InBand, 0, &stray);
    }
    assert!(device.service(&mut channel, at(2)).is_err());
    assert_eq!(handle.stage(), Stage::Broken);
    // A new start is a new chance.
    channel.incoming.clear();
    device.closed();
    device.opened(&mut channel, at(3)).unwrap();
    assert_eq!(handle.stage(), Stage::Negotiating);
}

#[test]
fn the_scripted_channel_has_nothing_to_lend() {
    let channel = Scripted::new();
    assert!(channel.lent(1).is_none());
    assert!(channel.memory().read(0, &mut [0]).is_err());
}
