//! Messages in each version's form, read at the offsets of Linux's header.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{ClockQuality, INTERVAL, Leap, TimeSyncHandle, body, new, parent_time};
use crate::device::{Device, Now};
use crate::ic::linux::{E_FAIL, Linux, Rig, poke, u64_of};
use crate::ic::{IcVersion, Stage};

/// 2024-02-29 12:00:00 UTC; `date -ud @1709208000` says so. Since 1601 by
/// `(1709208000 + 11644473600) * 10^7`.
const WALL: Duration = Duration::from_secs(1_709_208_000);
const WALL_SINCE_1601: u64 = 133_536_816_000_000_000;

const FOUR: IcVersion = IcVersion::new(4, 0);
const THREE: IcVersion = IcVersion::new(3, 0);
const SPOTLESS: ClockQuality = ClockQuality {
    leap: Leap::None,
    stratum: 0,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    parent: u64,
    reference: Option<u64>,
    flags: u8,
    leap_and_stratum: Option<[u8; 2]>,
}

type Notes = Arc<Mutex<Vec<Told>>>;

fn linux(versions: &[[u16; 2]]) -> (Linux, Notes) {
    let notes: Notes = Arc::default();
    let told = Arc::clone(&notes);
    let linux = Linux::new(4, versions, move |version, bytes| {
        let parent = u64_of(bytes, 28);
        let note = if version > [3, 0] {
            assert!(bytes.len() >= 28 + 22, "Linux drops what is shorter");
            Told {
                parent,
                reference: Some(u64_of(bytes, 36)),
                flags: bytes[44],
                leap_and_stratum: Some([bytes[45], bytes[46]]),
            }
        } else {
            assert!(bytes.len() >= 28 + 25, "Linux drops what is shorter");
            Told {
                parent,
                reference: None,
                flags: bytes[52],
                leap_and_stratum: None,
            }
        };
        told.lock().unwrap().push(note);
    });
    (linux, notes)
}

fn new_linux() -> (Linux, Notes) {
    linux(&[[4, 0], [3, 0], [1, 0]])
}

fn rig() -> (Rig, TimeSyncHandle) {
    let (device, handle) = new();
    (Rig::new(device), handle)
}

fn flags(notes: &Notes) -> Vec<u8> {
    notes
        .lock()
        .unwrap()
        .iter()
        .map(|told| told.flags)
        .collect()
}

#[test]
fn time_is_counted_from_1601() {
    let now = |wall| Now {
        elapsed: Duration::ZERO,
        wall,
        reference: 0,
    };
    // The difference between the two epochs, as Linux has it.
    assert_eq!(parent_time(now(Duration::ZERO)), 116_444_736_000_000_000);
    assert_eq!(parent_time(now(WALL)), WALL_SINCE_1601);
    let later = WALL + Duration::from_nanos(1_234_567_899);
    assert_eq!(parent_time(now(later)), WALL_SINCE_1601 + 12_345_678);
    assert_eq!(parent_time(now(Duration::MAX)), u64::MAX);
}

#[test]
fn a_message_of_version_four() {
    let quality = ClockQuality {
        leap: Leap::Delete,
        stratum: 3,
    };
    let bytes = body(
        FOUR,
        0x0102_0304_0506_0708,
        0x1112_1314_1516_1718,
        2,
        quality,
    );
    let wanted = [
        8, 7, 6, 5, 4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 2, 2, 3, 0, 0, 0,
        0, 0,
    ];
    assert_eq!(bytes, wanted);
}

#[test]
fn a_message_of_version_three() {
    let bytes = body(THREE, 0x0102_0304_0506_0708, 0xffff, 1, SPOTLESS);
    let mut wanted = vec![8, 7, 6, 5, 4, 3, 2, 1];
    wanted.extend([0; 16]);
    wanted.extend([1, 0, 0, 0]);
    assert_eq!(bytes, wanted);
}

#[test]
fn the_clock_is_set_once_and_sampled_every_five_seconds() {
    let (mut rig, handle) = rig();
    let (mut linux, notes) = new_linux();
    rig.turn(&mut linux);
    let now = rig.guest.now();
    let first = Told {
        parent: parent_time(now),
        reference: Some(now.reference),
        flags: 1,
        leap_and_stratum: Some([0, 0]),
    };
    assert_eq!(*notes.lock().unwrap(), [first]);
    assert_eq!(rig.guest.bus.deadline(), Some(now.elapsed + INTERVAL));
    for _ in 0..3 {
        rig.wait(&mut linux, INTERVAL);
    }
    assert_eq!(flags(&notes), [1, 2, 2, 2]);
    let last = notes.lock().unwrap()[3];
    assert_eq!(last.parent - first.parent, 150_000_000);
    assert_eq!(last.reference.unwrap() - now.reference, 150_000_000);
    let report = handle.report();
    assert!(matches!(report.stage, Stage::Ready(_)));
    assert_eq!((report.syncs, report.samples), (1, 3));
    assert_eq!((report.answered, report.refused), (4, 0));
    assert_eq!(report.last_parent_time, Some(last.parent));
}

#[test]
fn the_owner_asks_for_another_setting() {
    let (mut rig, handle) = rig();
    let (mut linux, notes) = new_linux();
    rig.turn(&mut linux);
    rig.wait(&mut linux, Duration::from_secs(1));
    handle.sync();
    rig.turn(&mut linux);
    assert_eq!(flags(&notes), [1, 1]);
    rig.turn(&mut linux);
    assert_eq!(flags(&notes), [1, 1]);
    assert_eq!(handle.report().syncs, 2);
}

#[test]
fn the_owner_says_how_good_the_clock_is() {
    let leaps = [
        (Leap::Insert, 1),
        (Leap::Delete, 2),
        (Leap::Unsynchronised, 3),
    ];
    for (leap, number) in leaps {
        let (mut rig, handle) = rig();
        handle.set_quality(ClockQuality { leap, stratum: 2 });
        let (mut linux, notes) = new_linux();
        rig.turn(&mut linux);
        let told = notes.lock().unwrap()[0];
        assert_eq!(told.leap_and_stratum, Some([number, 2]));
    }
}

#[test]
fn old_guests_get_the_old_message() {
    for version in [[3, 0], [1, 0]] {
        let (mut rig, handle) = rig();
        let (mut linux, notes) = linux(&[version]);
        rig.turn(&mut linux);
        rig.wait(&mut linux, INTERVAL);
        assert_eq!(linux.chosen, Some(version));
        assert_eq!(flags(&notes), [1, 2]);
        let report = handle.report();
        let told = notes.lock().unwrap()[1];
        assert_eq!(Some(told.parent), report.last_parent_time);
        assert_eq!(report.answered, 2);
    }
}

#[test]
fn one_message_is_unanswered_at_a_time() {
    let (mut rig, handle) = rig();
    let (mut linux, _) = new_linux();
    let (transaction, question) = rig.asked().remove(0);
    let choice = linux.answer(&question);
    rig.reply(transaction, &choice);
    let (transaction, message) = rig.asked().remove(0);
    rig.guest.advance(INTERVAL);
    handle.sync();
    assert!(rig.asked().is_empty());
    let answer = linux.answer(&message);
    rig.reply(transaction, &answer);
    assert_eq!(rig.asked().len(), 1);
}

#[test]
fn a_guest_that_never_answers_is_told_after_four_intervals() {
    let (mut rig, handle) = rig();
    let (mut linux, _) = new_linux();
    let (transaction, question) = rig.asked().remove(0);
    let choice = linux.answer(&question);
    rig.reply(transaction, &choice);
    assert_eq!(rig.asked().len(), 1);
    rig.guest.advance(4 * INTERVAL - Duration::from_nanos(1));
    assert!(rig.asked().is_empty());
    rig.guest.advance(Duration::from_nanos(1));
    assert_eq!(rig.asked().len(), 1);
    assert_eq!(handle.report().answered, 0);
}

#[test]
fn a_status_is_counted() {
    let (mut rig, handle) = rig();
    let fail = |_: [u16; 2], bytes: &mut [u8]| poke(bytes, 20, &E_FAIL.to_le_bytes());
    rig.turn(&mut Linux::new(4, &[[4, 0]], fail));
    assert_eq!((handle.report().answered, handle.report().refused), (1, 1));
}

#[test]
fn an_answer_to_nothing_is_passed_over() {
    let (mut rig, handle) = rig();
    rig.turn(&mut Linux::new(4, &[[4, 0]], |_, bytes| bytes[24] = 99));
    assert_eq!(handle.report().answered, 0);
}

#[test]
fn a_new_channel_is_set_again() {
    let (mut rig, handle) = rig();
    let (mut linux, _) = new_linux();
    rig.turn(&mut linux);
    rig.guest.close(rig.channel);
    assert_eq!(handle.report().stage, Stage::Closed);
    assert_eq!(rig.guest.bus.deadline(), None);
    rig.channel = rig.guest.open(super::CLASS, 4);
    let (mut linux, notes) = new_linux();
    rig.turn(&mut linux);
    assert_eq!(flags(&notes), [1]);
}

#[test]
fn the_offer_is_the_clocks() {
    let offer = new().0.offer();
    // As `lsvmbus` prints them on Hyper-V.
    assert_eq!(
        offer.class.to_string(),
        "9527e630-d0ae-497b-adce-e80ab0175caf"
    );
    assert_eq!(
        offer.instance.to_string(),
        "2dd1ce17-079e-403c-b352-a1921ee207ee"
    );
}
