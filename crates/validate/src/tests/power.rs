//! Shutdowns, and how the root is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_evidence::{Outcome, Verdict};
use detente_host::{MachineEvent, PowerOff};
use detente_plan::protocol::HostMessage;

use super::fake::{FakeGuest, console, powers_off};
use super::scene::{exited, play, play_until};

/// A guest that does this when its power button is pressed.
#[track_caller]
fn check(button: &[MachineEvent], outcome: Outcome, says: &str) {
    let guest = FakeGuest {
        button: button.to_vec(),
        ..FakeGuest::sound()
    };
    let ended = play(guest);
    assert_eq!(ended.recorded.power_buttons, 1);
    ended.expect("PWR-01", outcome, says);
    ended.expect_passed_but(&["PWR-01"]);
    assert!(ended.elapsed.as_secs() <= 31, "{:?}", ended.elapsed);
}

#[test]
fn a_power_off_without_last_words_has_failed() {
    let off = MachineEvent::PowerOff(PowerOff::Guest);
    check(&[off], Outcome::Failed, "did not say on the console");
}

#[test]
fn a_guest_that_ignores_the_button_has_failed() {
    check(&[], Outcome::Failed, "the guest did not react in time");
}

#[test]
fn a_panic_instead_of_a_shutdown_has_failed() {
    let line = "Kernel panic - not syncing: at the end\n";
    check(&[console(line)], Outcome::Failed, "not syncing: at the end");
    let panic = MachineEvent::PowerOff(PowerOff::GuestPanic);
    check(&[panic], Outcome::Failed, "it panicked");
}

#[test]
fn a_reset_instead_of_a_shutdown_has_failed() {
    check(&[MachineEvent::Reset], Outcome::Failed, "it reset itself");
}

#[test]
fn a_process_that_is_killed_says_nothing_of_the_guest() {
    check(&[exited()], Outcome::Error, "killed by signal 9");
}

#[test]
fn the_host_turning_it_off_says_nothing_of_the_guest() {
    let off = MachineEvent::PowerOff(PowerOff::Host);
    check(&[off], Outcome::Error, "the host turned the machine off");
}

#[test]
fn a_guest_that_is_off_before_the_button_did_not_obey_it() {
    let mut guest = FakeGuest::sound();
    guest.heard = Box::new(|message| (*message == HostMessage::Leave).then(powers_off));
    let ended = play(guest);
    ended.expect_passed_but(&["PWR-01"]);
    ended.expect(
        "PWR-01",
        Outcome::Failed,
        "the guest powered itself off before the power button was pressed",
    );
    assert_eq!(ended.recorded.power_buttons, 0);
}

#[test]
fn an_interrupted_shutdown_is_interrupted() {
    let interrupt = Arc::new(AtomicBool::new(false));
    let flag = interrupt.clone();
    let mut guest = FakeGuest::sound();
    guest.heard = Box::new(move |message| {
        if *message == HostMessage::Leave {
            flag.store(true, Ordering::Relaxed);
        }
        None
    });
    let ended = play_until(guest, &interrupt);
    ended.expect("PWR-01", Outcome::Interrupted, "");
    assert_eq!(ended.verdict(), Verdict::Interrupted);
}
