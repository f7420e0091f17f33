//! Machines that break below a sound guest.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use detente_evidence::{Outcome, Verdict};
use detente_host::{HostError, Machine, MachineEvent, NetworkSeen, Port, StopReport};

use super::fake::FakeGuest;
use super::scene::{Ended, play_on};

/// A machine that breaks.
struct Broken {
    machine: Box<dyn Machine>,
    /// How often a port still takes something.
    sends_left: usize,
    events_left: usize,
    button: bool,
    screen: bool,
}

fn error(action: &'static str) -> HostError {
    let source = std::io::ErrorKind::BrokenPipe.into();
    HostError::Io { action, source }
}

impl Machine for Broken {
    fn next_event(&mut self, deadline: Instant) -> Result<Option<MachineEvent>, HostError> {
        if self.events_left == 0 {
            return Err(error("watching the machine"));
        }
        self.events_left -= 1;
        self.machine.next_event(deadline)
    }

    fn send(&mut self, port: Port, bytes: &[u8]) -> Result<(), HostError> {
        let left = self.sends_left.checked_sub(1);
        self.sends_left = left.ok_or_else(|| error("writing to a port"))?;
        self.machine.send(port, bytes)
    }

    fn screen_picture(&mut self, file: &Path) -> Result<(), HostError> {
        if self.screen {
            return self.machine.screen_picture(file);
        }
        std::fs::write(file, b"half a picture").unwrap();
        Err(error("taking a picture"))
    }

    fn press_power_button(&mut self) -> Result<(), HostError> {
        if self.button {
            return self.machine.press_power_button();
        }
        Err(error("pressing the power button"))
    }

    fn network_seen(&self) -> NetworkSeen {
        self.machine.network_seen()
    }

    fn stop(self: Box<Self>) -> Result<StopReport, HostError> {
        self.machine.stop()
    }
}

fn play(spoil: impl FnOnce(&mut Broken)) -> Ended {
    play_on(FakeGuest::sound(), &Arc::default(), |machine| {
        let mut broken = Broken {
            machine,
            sends_left: usize::MAX,
            events_left: usize::MAX,
            button: true,
            screen: true,
        };
        spoil(&mut broken);
        Box::new(broken)
    })
}

#[test]
fn a_port_that_breaks_is_a_finding_and_not_the_end_of_the_run() {
    // The welcome, the question for readiness, and three tasks of the first batch.
    let ended = play(|machine| machine.sends_left = 5);
    ended.expect("CPU-01", Outcome::Passed, "");
    ended.expect("CPU-05", Outcome::Passed, "");
    ended.expect("MEM-01", Outcome::Passed, "");
    for id in ["STO-01", "NET-02", "TIME-01", "CON-01", "BOOT-02"] {
        ended.expect(
            id,
            Outcome::Error,
            "the agent could not be told: writing to a port",
        );
    }
    ended.expect("PWR-01", Outcome::Passed, "");
    assert_eq!(ended.verdict(), Verdict::Incomplete);
}

/// Wherever it happens: what was seen before stays, and what was not seen is nobody's failure.
#[test]
fn a_machine_that_cannot_be_watched_any_more_is_an_error_and_not_the_end_of_the_run() {
    for events in [0, 2, 6, 12] {
        let ended = play(|machine| machine.events_left = events);
        let failed = ended
            .cases
            .iter()
            .filter(|case| case.outcome == Outcome::Failed);
        assert_eq!(failed.count(), 0, "after {events} events");
        assert_eq!(
            ended.verdict(),
            Verdict::Incomplete,
            "after {events} events"
        );
    }
}

#[test]
fn a_button_that_cannot_be_pressed_is_nobodys_failure() {
    let ended = play(|machine| machine.button = false);
    ended.expect_passed_but(&["PWR-01"]);
    ended.expect("PWR-01", Outcome::Error, "pressing the power button failed");
}

#[test]
fn a_picture_that_failed_is_no_evidence() {
    let ended = play(|machine| machine.screen = false);
    ended.expect_passed_but(&[]);
    assert!(!ended.files.contains(&"screen.png".to_owned()));
    assert!(
        ended
            .cases
            .iter()
            .all(|case| !case.evidence.join(" ").contains("png"))
    );
}
