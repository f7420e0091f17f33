//! Each action, as Linux's driver takes it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Accepted, Action, Manner, new};
use crate::device::Device;
use crate::ic::linux::{E_FAIL, Linux, Rig, poke, u32_of};
use crate::ic::{Failure, Stage};

const LIMIT: Duration = Duration::from_secs(20);
const VERSIONS: &[[u16; 2]] = &[[3, 2], [3, 1], [3, 0], [1, 0]];

/// Linux's driver: notes what it was asked, and hibernates only where it can.
fn linux(seen: &Arc<Mutex<Vec<u32>>>) -> Linux {
    let seen = Arc::clone(seen);
    Linux::new(3, VERSIONS, move |_, bytes| {
        assert!(bytes.len() >= 28 + 2060, "Linux drops what is shorter");
        let flags = u32_of(bytes, 36);
        seen.lock().unwrap().push(flags);
        let status = match flags {
            0..=3 => 0,
            _ => E_FAIL,
        };
        poke(bytes, 20, &status.to_le_bytes());
    })
}

fn check(action: Action, manner: Manner, flags: u32, wanted: Result<Accepted, Failure>) {
    let (device, handle) = new();
    let mut rig = Rig::new(device);
    let seen = Arc::default();
    let mut linux = linux(&seen);
    let pending = handle.request(action, manner, LIMIT);
    rig.turn(&mut linux);
    assert_eq!(*seen.lock().unwrap(), [flags]);
    assert_eq!(pending.take(), Some(wanted));
}

#[test]
fn power_off() {
    check(Action::PowerOff, Manner::Gentle, 0, Ok(Accepted));
}

#[test]
fn power_off_by_force() {
    check(Action::PowerOff, Manner::Forced, 1, Ok(Accepted));
}

#[test]
fn restart() {
    check(Action::Restart, Manner::Gentle, 2, Ok(Accepted));
}

#[test]
fn restart_by_force() {
    check(Action::Restart, Manner::Forced, 3, Ok(Accepted));
}

#[test]
fn a_guest_that_cannot_hibernate_says_so() {
    let refused = Failure::Refused { status: E_FAIL };
    check(Action::Hibernate, Manner::Gentle, 4, Err(refused));
}

#[test]
fn the_reason_is_that_it_was_planned() {
    let (device, handle) = new();
    let mut rig = Rig::new(device);
    rig.turn(&mut linux(&Arc::default()));
    assert!(matches!(handle.stage(), Stage::Ready(_)));
    let _pending = handle.request(Action::PowerOff, Manner::Gentle, LIMIT);
    let (_, bytes) = rig.asked().remove(0);
    assert_eq!(bytes[28..40], [0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(bytes[40..].iter().all(|&byte| byte == 0));
}

#[test]
fn the_offer_is_a_message_pipe() {
    let offer = new().0.offer();
    // As `lsvmbus` prints them on Hyper-V.
    assert_eq!(
        offer.class.to_string(),
        "0e0b6031-5213-4934-818b-38d90ced39db"
    );
    assert_eq!(
        offer.instance.to_string(),
        "b6650ff7-33bc-4840-8048-e0676786f393"
    );
    assert_eq!((offer.flags, offer.mmio_mib), (0x11, 0));
    assert_eq!(offer.user_data[..5], [4, 0, 0, 0, 0]);
}
