//! Freeze and thaw, with a daemon, without one, and with one that is slow.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "tests count what they have made themselves, and fail by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Done, NO_AUTO_RECOVERY, Operation, VssHandle, new};
use crate::device::Device;
use crate::ic::linux::{E_FAIL, Linux, Rig, poke};
use crate::ic::{Failure, Stage};

const MINUTE: Duration = Duration::from_secs(60);

const ALL: &[(Operation, u8)] = &[
    (Operation::Create, 0),
    (Operation::Delete, 1),
    (Operation::HotBackup, 2),
    (Operation::DmInfo, 3),
    (Operation::BackupComplete, 4),
    (Operation::Freeze, 5),
    (Operation::Thaw, 6),
    (Operation::AutoRecover, 7),
];

fn rig() -> (Rig, VssHandle) {
    let (device, handle) = new();
    (Rig::new(device), handle)
}

/// Linux's driver, with a daemon that does what it is told.
fn linux(seen: &Arc<Mutex<Vec<u8>>>) -> Linux {
    let seen = Arc::clone(seen);
    Linux::new(5, &[[5, 0]], move |_, bytes| {
        assert!(bytes.len() >= 28 + 12, "Linux drops what is shorter");
        seen.lock().unwrap().push(bytes[28]);
        if bytes[28] == 2 {
            poke(bytes, 36, &5_u32.to_le_bytes());
        }
    })
}

fn changed(change: impl Fn(&mut [u8]) + 'static) -> Result<Done, Failure> {
    let (mut rig, handle) = rig();
    let pending = handle.request(Operation::HotBackup, rig.now() + MINUTE);
    let mut linux = Linux::new(5, &[[5, 0]], move |_, bytes| change(bytes));
    rig.turn(&mut linux);
    pending.take().unwrap()
}

#[test]
fn each_operation_has_its_number() {
    for &(operation, number) in ALL {
        let (mut rig, handle) = rig();
        let seen = Arc::default();
        let pending = handle.request(operation, rig.now() + MINUTE);
        rig.turn(&mut linux(&seen));
        assert_eq!(*seen.lock().unwrap(), [number]);
        let done = pending.take().unwrap().unwrap();
        assert_eq!(done.operation, operation);
    }
}

#[test]
fn a_hot_backup_needs_no_recovery() {
    let (mut rig, handle) = rig();
    let pending = handle.request(Operation::HotBackup, rig.now() + MINUTE);
    rig.turn(&mut linux(&Arc::default()));
    let flags = NO_AUTO_RECOVERY;
    let operation = Operation::HotBackup;
    assert_eq!(pending.take(), Some(Ok(Done { operation, flags })));
}

#[test]
fn freeze_and_thaw() {
    let (mut rig, handle) = rig();
    let until = rig.now() + MINUTE;
    let both = [Operation::Freeze, Operation::Thaw].map(|one| handle.request(one, until));
    let seen = Arc::default();
    let mut linux = linux(&seen);
    rig.turn(&mut linux);
    assert!(both.iter().all(|one| matches!(one.take(), Some(Ok(_)))));
    assert_eq!(*seen.lock().unwrap(), [5, 6]);
}

#[test]
fn without_the_daemon_linux_negotiates_and_refuses() {
    let (mut rig, handle) = rig();
    let pending = handle.request(Operation::Freeze, rig.now() + MINUTE);
    let refuse = |_: [u16; 2], bytes: &mut [u8]| poke(bytes, 20, &E_FAIL.to_le_bytes());
    rig.turn(&mut Linux::new(5, &[[5, 0]], refuse));
    assert!(matches!(handle.stage(), Stage::Ready(_)));
    let refused = Failure::Refused { status: E_FAIL };
    assert_eq!(pending.take(), Some(Err(refused)));
}

#[test]
fn a_driver_that_never_opens_is_said_so() {
    // Linux on a protocol below 3.0.
    let (_device, handle) = new();
    assert_eq!(handle.stage(), Stage::Closed);
    let pending = handle.request(Operation::Freeze, MINUTE);
    assert_eq!(pending.take(), Some(Err(Failure::Closed)));
}

#[test]
fn a_negotiation_that_comes_late_is_in_time_for_a_patient_owner() {
    let (mut rig, handle) = rig();
    let pending = handle.request(Operation::Freeze, rig.now() + 2 * MINUTE);
    rig.guest.advance(MINUTE);
    assert_eq!(handle.stage(), Stage::Negotiating);
    rig.turn(&mut linux(&Arc::default()));
    assert!(matches!(pending.take(), Some(Ok(_))));
}

#[test]
fn a_thaw_is_sent_though_the_freeze_hangs() {
    let (mut rig, handle) = rig();
    let seen = Arc::default();
    let mut linux = linux(&seen);
    rig.turn(&mut linux);
    let freeze = handle.request(Operation::Freeze, rig.now() + MINUTE);
    let first = rig.asked();
    rig.guest.advance(MINUTE);
    assert_eq!(freeze.take(), Some(Err(Failure::NoAnswer)));
    let thaw = handle.request(Operation::Thaw, rig.now() + MINUTE);
    let second = rig.asked();
    // Linux is done with the freeze at last, and takes the thaw out of the ring.
    for (transaction, bytes) in first.into_iter().chain(second) {
        let answer = linux.answer(&bytes);
        rig.reply(transaction, &answer);
    }
    assert!(matches!(thaw.take(), Some(Ok(_))));
    assert_eq!(*seen.lock().unwrap(), [5, 6]);
}

#[test]
fn an_answer_about_another_operation_is_malformed() {
    let failure = changed(|bytes| bytes[28] = 5).unwrap_err().to_string();
    assert!(failure.contains("another operation"), "{failure}");
}

#[test]
fn an_answer_without_flags_is_malformed() {
    let failure = changed(|bytes| poke(bytes, 18, &[11, 0])).unwrap_err();
    assert!(failure.to_string().contains("shorter than its flags"));
}

#[test]
fn an_answer_of_nothing_is_malformed() {
    let failure = changed(|bytes| poke(bytes, 18, &[0, 0])).unwrap_err();
    assert!(matches!(failure, Failure::Malformed { .. }));
}

#[test]
fn a_refusal_is_one_whatever_else_it_says() {
    let change = |bytes: &mut [u8]| {
        poke(bytes, 20, &[1, 0, 0, 0]);
        poke(bytes, 18, &[0, 0]);
    };
    assert_eq!(changed(change), Err(Failure::Refused { status: 1 }));
}

#[test]
fn only_version_five_is_offered() {
    let (mut rig, handle) = rig();
    rig.turn(&mut Linux::new(5, &[[4, 0]], |_, _| {}));
    assert_eq!(handle.stage(), Stage::NoVersion);
}

#[test]
fn the_offer_is_the_backups() {
    let offer = new().0.offer();
    // As `lsvmbus` and FreeBSD's `devinfo` print them on Hyper-V.
    assert_eq!(
        offer.class.to_string(),
        "35fa2e29-ea23-4236-96ae-3a6ebacba440"
    );
    assert_eq!(
        offer.instance.to_string(),
        "2450ee40-33bf-4fbd-892e-9fb06e9214cf"
    );
}
