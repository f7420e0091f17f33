//! Cases that go wrong on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_evidence::{Outcome, Verdict};
use detente_host::{MachineEvent, PowerOff};
use detente_plan::protocol::{AgentMessage, Task};

use super::fake::{FakeGuest, console, said};
use super::scene::{exited, play, play_until};

/// What is asked before, and after, the transfer.
const BEFORE: [&str; 7] = [
    "BOOT-01", "BOOT-10", "CPU-01", "MEM-01", "STO-01", "NET-01", "RNG-01",
];
const AFTER: [&str; 2] = ["BOOT-02", "CON-01"];

/// A guest to which this happens when it is asked for a transfer.
fn in_the_transfer(events: &[MachineEvent]) -> FakeGuest {
    let events = events.to_vec();
    FakeGuest::answering(move |_, task| {
        matches!(task, Task::TransferTcp { .. }).then(|| events.clone())
    })
}

/// A guest that is seen to end has failed the case under way; later ones are not begun.
#[track_caller]
fn ends(event: &MachineEvent, says: &str) {
    let ended = play(in_the_transfer(std::slice::from_ref(event)));
    for id in BEFORE {
        ended.expect(id, Outcome::Passed, "");
    }
    // TIME-01 is under way beside the transfer.
    for id in ["NET-02", "TIME-01"] {
        ended.expect(id, Outcome::Failed, says);
    }
    for id in AFTER {
        ended.expect(id, Outcome::NotRun, says);
    }
    ended.expect(
        "PWR-01",
        Outcome::Failed,
        "before the power button was pressed",
    );
    assert_eq!(ended.recorded.power_buttons, 0);
    assert_eq!(ended.verdict(), Verdict::Failed);
    assert!(ended.elapsed.as_secs() < 10);
}

#[test]
fn a_panic_fails_the_case_under_way() {
    let line = "Kernel panic - not syncing: Oops\r\n";
    ends(&console(line), "the guest's kernel panicked: Kernel panic");
}

#[test]
fn a_guest_that_powers_off_fails_the_case_under_way() {
    ends(
        &MachineEvent::PowerOff(PowerOff::Guest),
        "the guest powered itself off",
    );
}

#[test]
fn a_reset_fails_the_case_under_way() {
    ends(&MachineEvent::Reset, "the machine was reset");
}

#[test]
fn a_process_that_ends_is_nobodys_failure() {
    let ended = play(in_the_transfer(&[exited()]));
    for id in ["NET-02", "TIME-01", "CON-01", "BOOT-02", "PWR-01"] {
        ended.expect(id, Outcome::Error, "killed by signal 9: out of luck");
    }
    assert_eq!(ended.verdict(), Verdict::Incomplete);
}

#[test]
fn an_agent_that_falls_silent_is_nobodys_failure() {
    let mut spoken = false;
    let guest = FakeGuest::answering(move |_, task| {
        spoken |= matches!(task, Task::TransferTcp { .. });
        spoken.then(Vec::new)
    });
    let ended = play(guest);
    for id in ["NET-02", "TIME-01", "CON-01", "BOOT-02"] {
        ended.expect(id, Outcome::Error, "the agent has been silent for 15 s");
    }
    // The button needs no agent.
    ended.expect("PWR-01", Outcome::Passed, "");
    assert_eq!(ended.verdict(), Verdict::Incomplete);
    // Once it counts as dead nobody waits for it again, but for its leave.
    assert!(ended.elapsed.as_secs() <= 16 + 10, "{:?}", ended.elapsed);
}

#[test]
fn an_agent_that_lives_but_never_answers_costs_each_batch_its_limit() {
    let guest = FakeGuest {
        heartbeats: true,
        ..FakeGuest::answering(|_, task| (*task != Task::AwaitReady).then(Vec::new))
    };
    let ended = play(guest);
    let asked = BEFORE
        .iter()
        .skip(2)
        .chain(&AFTER)
        .chain(&["NET-02", "TIME-01"]);
    for id in asked {
        ended.expect(id, Outcome::Error, "the agent did not answer");
    }
    // The longest limits of the five batches, CON-01's with what it holds the port, each with
    // 10 s for the agent's word; the cases of a batch run side by side.
    let most = (30 + 30 + 20 + 20 + 15) + 5 * 10;
    assert!(ended.elapsed.as_secs() <= most + 2, "{:?}", ended.elapsed);
}

#[test]
fn a_task_that_the_guest_cannot_do_has_failed() {
    let guest = FakeGuest::answering(|task_id, task| {
        let timed_out = match task {
            Task::CountCpus => false,
            Task::MeasureMemory => true,
            _ => return None,
        };
        let reason = "no \x1b[2Jsuch file".to_owned();
        Some(vec![said(&AgentMessage::TaskFailed {
            task_id,
            reason,
            timed_out,
        })])
    });
    let ended = play(guest);
    ended.expect_passed_but(&["CPU-01", "MEM-01"]);
    ended.expect("CPU-01", Outcome::Failed, "no \u{fffd}[2Jsuch file");
    ended.expect("MEM-01", Outcome::Failed, "not done within 5 s: ");
}

#[test]
fn a_console_that_does_not_echo_has_failed() {
    let guest = FakeGuest {
        echoes: false,
        heartbeats: true,
        ..FakeGuest::sound()
    };
    let ended = play(guest);
    ended.expect_passed_but(&["CON-01"]);
    ended.expect("CON-01", Outcome::Failed, "what was typed was never echoed");
}

#[test]
fn a_console_that_was_flooded_says_so() {
    let mut guest = in_the_transfer(&[]);
    guest.echoes = false;
    guest.heard = FakeGuest::answering(|task_id, task| {
        let mut events = super::fake::sound_answer(task_id, task);
        if *task == Task::CountCpus {
            events.push(MachineEvent::ConsoleFlood {
                limit_bytes: 8 << 20,
            });
        }
        Some(events)
    })
    .heard;
    let ended = play(guest);
    ended.expect("CON-01", Outcome::Failed, "was not read");
}

#[test]
fn evidence_is_named_only_where_it_is() {
    let ended = play(FakeGuest::sound());
    let evidence = |id: &str| {
        let case = ended.cases.iter().find(|case| case.case_id == id).unwrap();
        case.evidence.join(" ")
    };
    // The scripted host takes pictures and writes no console.
    assert_eq!(evidence("BOOT-01"), "kvm/screen.png");
    assert_eq!(evidence("BOOT-02"), "kvm/kernel-log.txt");
    assert_eq!(evidence("CON-01"), "");
}

#[test]
fn a_run_that_is_interrupted_anywhere_says_so_and_never_passes() {
    let all = play(FakeGuest::sound()).messages().len();
    assert!(all > 10);
    for stage in 0..=all {
        let interrupt = Arc::new(AtomicBool::new(stage == 0));
        let (flag, mut heard) = (interrupt.clone(), 0);
        let mut guest = FakeGuest::sound();
        // The user ends the run as the host says something, and the guest falls silent.
        guest.heard = Box::new(move |_| {
            heard += 1;
            if heard == stage {
                flag.store(true, Ordering::Relaxed);
            }
            (heard >= stage && stage > 0).then(Vec::new)
        });
        guest.button.clear();
        let ended = play_until(guest, &interrupt);
        assert_eq!(ended.verdict(), Verdict::Interrupted, "stage {stage}");
        for case in &ended.cases {
            let applies = case.outcome != Outcome::Skipped;
            let fine = !applies || case.outcome.is_pass() || case.outcome == Outcome::Interrupted;
            assert!(fine, "stage {stage}: {}: {}", case.case_id, case.message);
        }
        assert!(ended.elapsed.as_secs() < 5, "stage {stage}");
    }
}

#[test]
fn what_a_starting_getty_threw_away_is_typed_again() {
    let ended = play(FakeGuest {
        thrown_away: 2,
        ..FakeGuest::sound()
    });
    ended.expect("CON-01", Outcome::Passed, "what was typed was echoed");
}
