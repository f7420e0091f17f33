//! Requests: asked, answered, late, in vain.

use std::time::Duration;

use super::super::linux::{E_FAIL, Linux, Rig, poke};
use super::super::{Failure, Pending, Stage};
use super::{VERSIONS, willing};
use crate::shutdown::{self, Accepted, Action, Manner, ShutdownHandle};

const SECOND: Duration = Duration::from_secs(1);

/// A second after the fake guest's clock begins.
const SOON: Duration = Duration::from_secs(11);

fn rig() -> (Rig, ShutdownHandle) {
    let (device, handle) = shutdown::new();
    (Rig::new(device), handle)
}

fn ask(handle: &ShutdownHandle, until: Duration) -> Pending<Accepted> {
    handle.request(Action::PowerOff, Manner::Gentle, until)
}

#[test]
fn an_answer_is_taken_once() {
    let (mut rig, handle) = rig();
    rig.turn(&mut willing());
    let pending = ask(&handle, SOON);
    assert_eq!(pending.take(), None);
    rig.turn(&mut willing_after());
    assert_eq!(pending.clone().take(), Some(Ok(Accepted)));
    assert_eq!(pending.take(), None);
}

/// A driver that has negotiated before.
fn willing_after() -> Linux {
    let mut linux = willing();
    linux.chosen = Some(VERSIONS[0]);
    linux
}

#[test]
fn a_request_to_a_closed_channel_fails_at_once() {
    let (_, handle) = shutdown::new();
    assert_eq!(handle.stage(), Stage::Closed);
    assert_eq!(ask(&handle, SOON).take(), Some(Err(Failure::Closed)));
}

#[test]
fn a_request_before_the_negotiation_waits_for_it() {
    let (mut rig, handle) = rig();
    let pending = ask(&handle, SOON);
    rig.turn(&mut willing());
    assert_eq!(pending.take(), Some(Ok(Accepted)));
}

#[test]
fn a_negotiation_that_never_comes_ends_a_request_by_its_time() {
    let (mut rig, handle) = rig();
    let pending = ask(&handle, SOON);
    rig.guest.poke(rig.id);
    assert_eq!(rig.guest.bus.deadline(), Some(SOON));
    rig.guest.advance(SECOND);
    assert_eq!(pending.take(), Some(Err(Failure::NotSent)));
    assert_eq!(handle.stage(), Stage::Negotiating);
}

#[test]
fn a_refusal_says_with_what_status() {
    let (mut rig, handle) = rig();
    let pending = ask(&handle, SOON);
    let refuse = |_: [u16; 2], bytes: &mut [u8]| poke(bytes, 20, &E_FAIL.to_le_bytes());
    rig.turn(&mut Linux::new(3, VERSIONS, refuse));
    let failure = Failure::Refused { status: E_FAIL };
    assert_eq!(pending.take(), Some(Err(failure)));
}

#[test]
fn one_request_is_with_the_guest_at_a_time() {
    let (mut rig, handle) = rig();
    let mut linux = willing();
    rig.turn(&mut linux);
    let [first, second] = [SOON, SOON].map(|until| ask(&handle, until));
    let asked = rig.asked();
    assert_eq!(asked.len(), 1);
    assert!(rig.asked().is_empty());
    let answer = linux.answer(&asked[0].1);
    rig.reply(asked[0].0, &answer);
    assert_eq!(first.take(), Some(Ok(Accepted)));
    rig.turn(&mut linux);
    assert_eq!(second.take(), Some(Ok(Accepted)));
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_ones() {
    let (mut rig, handle) = rig();
    let mut linux = willing();
    rig.turn(&mut linux);
    let late = ask(&handle, SOON);
    let first = rig.asked();
    let next = ask(&handle, SOON + SECOND);
    rig.guest.advance(SECOND);
    assert_eq!(late.take(), Some(Err(Failure::NoAnswer)));
    let second = rig.asked();
    assert_eq!((first.len(), second.len()), (1, 1));
    let mut answer = linux.answer(&first[0].1);
    poke(&mut answer, 20, &E_FAIL.to_le_bytes());
    rig.reply(first[0].0, &answer);
    assert_eq!(next.take(), None);
    let answer = linux.answer(&second[0].1);
    rig.reply(second[0].0, &answer);
    assert_eq!(next.take(), Some(Ok(Accepted)));
}

#[test]
fn a_guest_that_answers_nothing_is_asked_eight_times() {
    let (mut rig, handle) = rig();
    rig.turn(&mut willing());
    let mut asked = 0;
    for _ in 0..12 {
        let until = rig.now() + SECOND;
        let pending = ask(&handle, until);
        asked += rig.asked().len();
        rig.guest.advance(SECOND);
        assert!(matches!(pending.take(), Some(Err(_))));
    }
    assert_eq!(asked, 8);
}

#[test]
fn a_closed_channel_ends_what_waits() {
    let (mut rig, handle) = rig();
    rig.turn(&mut willing());
    let both = [SOON, SOON].map(|until| ask(&handle, until));
    assert_eq!(rig.asked().len(), 1);
    rig.guest.close(rig.channel);
    assert_eq!(handle.stage(), Stage::Closed);
    for pending in both {
        assert_eq!(pending.take(), Some(Err(Failure::Closed)));
    }
    assert_eq!(rig.guest.bus.deadline(), None);
}

#[test]
fn a_broken_rule_ends_what_waits() {
    let (mut rig, handle) = rig();
    rig.turn(&mut willing());
    let pending = ask(&handle, SOON);
    let (transaction, mut bytes) = rig.asked().remove(0);
    bytes[25] = 3;
    rig.reply(transaction, &bytes);
    assert_eq!(handle.stage(), Stage::Broken);
    assert_eq!(pending.take(), Some(Err(Failure::Broken)));
    assert_eq!(ask(&handle, SOON).take(), Some(Err(Failure::Broken)));
}

#[test]
fn no_more_than_thirty_two_requests_wait() {
    let (mut rig, handle) = rig();
    let waiting: Vec<_> = (0..33).map(|_| ask(&handle, SOON)).collect();
    assert_eq!(waiting[32].take(), Some(Err(Failure::TooMany)));
    rig.turn(&mut willing());
    let answered = waiting[..32].iter().map(Pending::take);
    assert!(answered.into_iter().all(|one| one == Some(Ok(Accepted))));
}

#[test]
fn transactions_go_round_and_leave_out_the_negotiations() {
    let (mut rig, handle) = rig();
    let mut linux = willing();
    rig.turn(&mut linux);
    let mut seen = Vec::new();
    for _ in 0..300 {
        let pending = ask(&handle, SOON);
        let (transaction, bytes) = rig.asked().remove(0);
        seen.push(bytes[24]);
        let answer = linux.answer(&bytes);
        rig.reply(transaction, &answer);
        assert_eq!(pending.take(), Some(Ok(Accepted)));
    }
    assert_eq!(seen[..2], [1, 2]);
    assert_eq!(seen[254..257], [255, 1, 2]);
}

#[test]
fn requests_carry_the_versions_that_were_agreed_on() {
    let (mut rig, handle) = rig();
    let mut linux = Linux::new(3, &[[3, 1]], |_, _| {});
    linux.frameworks = vec![[1, 0]];
    rig.turn(&mut linux);
    let _pending = ask(&handle, SOON);
    let (_, bytes) = rig.asked().remove(0);
    assert_eq!(bytes[8..20], [1, 0, 0, 0, 3, 0, 3, 0, 1, 0, 12, 8]);
}
