//! Machines that are started again.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::{MachineEvent, Operation};
use detente_plan::CaseId;
use detente_plan::judge::Finding;
use detente_plan::protocol::{HostMessage, Observation, Phase, RunTool, Task, ToolEnd, ToolRun};

use super::fake::{FakeGuest, console, observed, phase, said, sound_answer};
use super::plugging::{expect, guest, talk};
use crate::cases::restart_in_every_way;
use crate::profile::OverallLimits;

/// What comes of each way to restart.
#[derive(Clone, Copy)]
struct Obeys {
    /// How many of its own orders.
    orders: u32,
    keys: bool,
    reset: bool,
}

const ALL: Obeys = Obeys {
    orders: 3,
    keys: true,
    reset: true,
};

/// A guest that restarts as it is told to.
fn restarting(obeys: Obeys) -> FakeGuest {
    let sound = guest(|_| None);
    let hello = sound.hello.clone();
    let again = {
        let hello = hello.clone();
        // SeaBIOS resets the machine once more.
        move || vec![MachineEvent::Reset, MachineEvent::Reset, said(&hello)]
    };
    let by_kernel = {
        let again = again.clone();
        move || {
            let mut events = vec![console("[   30.1] reboot: Restarting system\r\n")];
            events.extend(again());
            events
        }
    };
    let mut orders_left = obeys.orders;
    let by_order = by_kernel.clone();
    FakeGuest {
        hello,
        heard: Box::new(move |message| match message {
            HostMessage::Welcome { .. } => Some(vec![said(&phase(Phase::Root))]),
            HostMessage::Leave => Some(Vec::new()),
            HostMessage::Run { task_id, task, .. } => Some(match task {
                Task::RunTool(RunTool { argv, .. }) => {
                    assert_eq!(argv[0], "systemctl");
                    let mut events = vec![observed(*task_id, done())];
                    if orders_left > 0 {
                        orders_left -= 1;
                        events.extend(by_order());
                    }
                    events
                }
                _ => sound_answer(*task_id, task),
            }),
            HostMessage::Survey | HostMessage::Cancel { .. } => None,
        }),
        operated: Box::new(move |operation| match operation {
            Operation::PressCtrlAltDelete if obeys.keys => by_kernel(),
            Operation::Reset if obeys.reset => again(),
            _ => Vec::new(),
        }),
        ..sound
    }
}

fn done() -> Observation {
    Observation::ToolRun(ToolRun {
        end: ToolEnd::Exited { status: 0 },
        elapsed_ms: 1,
        output_tail: String::new(),
        output_bytes: 0,
        error_tail: String::new(),
        error_bytes: 0,
    })
}

/// The findings of BOOT-08, PWR-02 and PWR-03.
fn run(obeys: Obeys) -> [Finding; 3] {
    let (judged, _) = talk(
        restarting(obeys),
        |_| None,
        |context, session| {
            let limits = OverallLimits {
                boot: Duration::from_secs(60),
                shutdown: Duration::from_secs(30),
            };
            restart_in_every_way(context, limits, session).unwrap()
        },
    );
    let [boot, keys, reset] = judged.try_into().ok().unwrap();
    assert_eq!(
        [boot.case, keys.case, reset.case],
        [CaseId::Boot08, CaseId::Pwr02, CaseId::Pwr03]
    );
    [boot.finding, keys.finding, reset.finding]
}

#[test]
fn a_guest_that_restarts_every_time_passes() {
    let [boot, keys, reset] = run(ALL);
    expect(&boot, Outcome::Passed, "restart 3");
    expect(&keys, Outcome::Passed, "the kernel said that it restarts");
    expect(&reset, Outcome::Passed, "can be written");
}

#[test]
fn one_restart_that_does_not_come_fails_the_loop() {
    let [boot, ..] = run(Obeys { orders: 2, ..ALL });
    expect(
        &boot,
        Outcome::Failed,
        "restart 3: the machine was not reset",
    );
}

#[test]
fn keys_that_nobody_hears_fail_and_the_reset_is_tried_all_the_same() {
    let [_, keys, reset] = run(Obeys { keys: false, ..ALL });
    expect(&keys, Outcome::Failed, "the machine was not reset");
    expect(&reset, Outcome::Passed, "");
}

#[test]
fn a_reset_that_is_only_said_fails() {
    let [.., reset] = run(Obeys {
        reset: false,
        ..ALL
    });
    expect(&reset, Outcome::Failed, "the machine was not reset");
}
