//! Boots that do not end well.

use std::sync::Arc;
use std::sync::Mutex;

use detente_evidence::{Outcome, Verdict};
use detente_host::{MachineEvent, PowerOff};
use detente_plan::protocol::{AgentMessage, HostMessage, OrphanDevice, Task};

use super::fake::{FakeGuest, console, hello, said, survey};
use super::scene::{exited, play};

/// A guest whose boot ends in `event`, before the root is there.
#[track_caller]
fn check(event: &MachineEvent, says: &str) {
    ends(event, Outcome::Failed, Verdict::Failed, says);
}

/// [`check`], where the machine and not the guest ends it.
#[track_caller]
fn lost(event: &MachineEvent, says: &str) {
    ends(event, Outcome::Error, Verdict::Incomplete, says);
}

#[track_caller]
fn ends(event: &MachineEvent, outcome: Outcome, verdict: Verdict, says: &str) {
    for spoken in [false, true] {
        let mut guest = FakeGuest::sound();
        if spoken {
            guest.welcomed = vec![event.clone()];
        } else {
            guest.ports.clear();
            guest.first.push(event.clone());
        }
        let ended = play(guest);
        ended.expect("BOOT-01", outcome, says);
        ended.expect("MEM-01", Outcome::NotRun, "not ready");
        ended.expect("PWR-01", Outcome::NotRun, "not ready");
        assert_eq!(ended.verdict(), verdict);
        assert_eq!(ended.recorded.power_buttons, 0);
        assert!(ended.elapsed.as_secs() < 30, "{:?}", ended.elapsed);
    }
}

#[test]
fn a_guest_that_powers_off_has_failed() {
    let off = MachineEvent::PowerOff(PowerOff::Guest);
    check(&off, "the guest powered itself off");
}

#[test]
fn a_machine_that_the_host_turns_off_says_nothing_of_the_guest() {
    let off = MachineEvent::PowerOff(PowerOff::Host);
    lost(&off, "the host turned the machine off");
}

#[test]
fn a_guest_that_resets_has_failed() {
    check(&MachineEvent::Reset, "the machine was reset");
}

#[test]
fn a_process_that_is_killed_says_its_last_words() {
    lost(&exited(), "killed by signal 9: out of luck");
}

#[test]
fn a_panic_is_quoted() {
    let line = "[ 1.0] Kernel panic - not syncing: VFS\r\n";
    check(&console(line), "Kernel panic - not syncing: VFS");
}

#[test]
fn a_flood_says_its_limit() {
    let limit_bytes = 8 << 20;
    check(
        &MachineEvent::ConsoleFlood { limit_bytes },
        "more than 8 MiB to its console",
    );
}

#[test]
fn a_guest_that_says_nothing_fails_at_its_limit() {
    let mut guest = FakeGuest::sound();
    guest.ports.clear();
    guest.first.clear();
    let ended = play(guest);
    ended.expect("BOOT-01", Outcome::Failed, "the agent never spoke");
    assert_eq!(ended.elapsed.as_secs(), 60);
}

#[test]
fn an_agent_that_falls_silent_does_not_hold_the_boot_longer() {
    let mut guest = FakeGuest::sound();
    guest.welcomed.clear();
    guest.heard = Box::new(|message| match message {
        HostMessage::Survey => Some(Vec::new()),
        HostMessage::Welcome { .. }
        | HostMessage::Run { .. }
        | HostMessage::Cancel { .. }
        | HostMessage::Leave => None,
    });
    let ended = play(guest);
    ended.expect("BOOT-01", Outcome::Failed, "no root file system after 60 s");
    assert_eq!(ended.elapsed.as_secs(), 60 + 15);
}

#[test]
fn a_guest_that_gives_up_names_the_driver_of_its_last_survey() {
    let mut guest = FakeGuest::sound();
    guest.welcomed = vec![
        said(&AgentMessage::Survey(survey())),
        console("Gave up waiting for root file system device.\r\n"),
    ];
    let mut last = survey();
    last.modules.clear();
    last.orphans.push(OrphanDevice {
        path: "pci0000:00/0000:00:03.0/virtio1".to_owned(),
        bus: "virtio".to_owned(),
        modalias: "virtio:d00000002v00001AF4".to_owned(),
        candidates: Vec::new(),
    });
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    guest.heard = Box::new(move |message| {
        (*message == HostMessage::Survey).then(|| {
            *count.lock().unwrap() += 1;
            vec![said(&AgentMessage::Survey(last.clone()))]
        })
    });
    let ended = play(guest);
    assert_eq!(*asked.lock().unwrap(), 1);
    ended.expect("BOOT-01", Outcome::Failed, "the guest gave up: \"Gave up");
    ended.expect("BOOT-01", Outcome::Failed, "no module virtio_blk");
    // The first survey, before the guest did anything, had all of them.
    ended.expect("BOOT-10", Outcome::Passed, "");
}

/// A guest that reaches its root, and then does this when it is asked whether it is ready.
fn never_ready(events: &[MachineEvent]) -> FakeGuest {
    let events = events.to_vec();
    FakeGuest::answering(move |_, task| (*task == Task::AwaitReady).then(|| events.clone()))
}

#[test]
fn a_root_that_never_becomes_ready_has_failed() {
    let ended = play(never_ready(&[]));
    ended.expect("BOOT-01", Outcome::Failed, "not ready after 60 s");
    ended.expect("BOOT-10", Outcome::Passed, "");
    ended.expect("STO-01", Outcome::NotRun, "not ready");
    assert!(ended.elapsed.as_secs() <= 75);
}

#[test]
fn what_ends_a_guest_before_it_is_ready_is_said() {
    let ends = [
        (MachineEvent::Reset, "the machine was reset"),
        (
            MachineEvent::PowerOff(PowerOff::Guest),
            "the guest powered itself off",
        ),
        (
            console("Kernel panic - not syncing: Fatal\n"),
            "not syncing: Fatal",
        ),
    ];
    for (event, says) in ends {
        let ended = play(never_ready(&[event]));
        ended.expect("BOOT-01", Outcome::Failed, says);
        ended.expect(
            "BOOT-01",
            Outcome::Failed,
            "stopped before the guest was ready",
        );
        assert!(ended.elapsed.as_secs() < 10);
    }
    let ended = play(never_ready(&[exited()]));
    ended.expect("BOOT-01", Outcome::Error, "killed by signal 9");
}

#[test]
fn a_console_that_was_cut_before_the_guest_was_ready_is_not_called_clean() {
    let mut guest = FakeGuest::sound();
    guest.welcomed.push(MachineEvent::ConsoleFlood {
        limit_bytes: 8 << 20,
    });
    let ended = play(guest);
    ended.expect("BOOT-01", Outcome::Failed, "more than 8 MiB to its console");
}

#[test]
fn a_hello_is_answered_each_time_but_the_boot_goes_on_once() {
    let mut guest = FakeGuest::sound();
    guest.first.extend(std::iter::repeat_n(said(&hello()), 50));
    play(guest).expect_passed_but(&[]);
}
