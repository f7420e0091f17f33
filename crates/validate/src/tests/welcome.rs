//! Who is welcomed, who is obeyed, and what counts.

use detente_evidence::{Outcome, Verdict};
use detente_host::{MachineEvent, Port};
use detente_plan::protocol::{
    AgentMessage, HostMessage, Observation, PROTOCOL, Phase, Task, encode,
};

use super::fake::{
    FakeGuest, console, cpus, hello, observed, output, phase, said, said_on, sound_answer,
};
use super::scene::{plan, play};

#[test]
fn a_sound_guest_passes_everything_in_the_plans_order() {
    let ended = play(FakeGuest::sound());
    ended.expect_passed_but(&[]);
    assert_eq!(ended.verdict(), Verdict::Passed);
    let ids: Vec<_> = ended.cases.iter().map(|case| &case.case_id).collect();
    let planned: Vec<_> = plan().cases.iter().map(|case| case.id.name()).collect();
    assert_eq!(ids, planned[..planned.len() - 1]);
    assert_eq!(ended.recorded.power_buttons, 1);
    assert_eq!(ended.case("BOOT-10").0, Outcome::Passed);
}

#[test]
fn the_virtio_port_carries_everything_once_it_has_said_hello() {
    let guest = FakeGuest {
        ports: vec![Port::AgentSerial, Port::AgentVirtio],
        ..FakeGuest::sound()
    };
    let ended = play(guest);
    ended.expect_passed_but(&[]);
    let sent = &ended.recorded.sent;
    let serial = sent.iter().filter(|(port, _)| *port == Port::AgentSerial);
    assert_eq!(serial.count(), 1, "only the welcome");
    assert!(sent.iter().any(|(port, _)| *port == Port::AgentVirtio));
}

#[test]
fn the_serial_port_serves_where_virtio_is_silent() {
    let ended = play(FakeGuest::sound());
    let virtio = ended.recorded.sent.iter();
    assert!(
        !virtio
            .into_iter()
            .any(|(port, _)| *port == Port::AgentVirtio)
    );
}

/// A guest whose hello is spoiled is no agent of ours: nothing is said to it.
#[track_caller]
fn not_welcome(spoil: impl FnOnce(&mut AgentMessage)) {
    let mut guest = FakeGuest::sound();
    spoil(&mut guest.hello);
    let mut pushy = guest.welcomed.clone();
    pushy.push(said(&phase(Phase::Root)));
    guest.first.extend([said(&guest.hello)]);
    guest.first.extend(pushy);
    let ended = play(guest);
    assert_eq!(ended.messages(), []);
    ended.expect("BOOT-01", Outcome::Failed, "the agent never spoke");
    ended.expect("BOOT-10", Outcome::NotRun, "never reported");
    ended.expect("CPU-01", Outcome::NotRun, "not ready");
    assert_eq!(ended.verdict(), Verdict::Failed);
}

#[test]
fn an_agent_of_another_run_is_not_welcome() {
    not_welcome(|hello| {
        if let AgentMessage::Hello { run_id, .. } = hello {
            "run-of-others".clone_into(run_id);
        }
    });
}

#[test]
fn an_agent_with_another_plan_is_not_welcome() {
    not_welcome(|hello| {
        if let AgentMessage::Hello { plan_digest, .. } = hello {
            plan_digest.replace_range(..1, "x");
        }
    });
}

#[test]
fn an_agent_of_another_protocol_is_not_welcome() {
    not_welcome(|hello| {
        if let AgentMessage::Hello { protocol, .. } = hello {
            *protocol = PROTOCOL + 1;
        }
    });
}

#[test]
fn a_second_agent_is_not_welcome_beside_the_first() {
    let mut guest = FakeGuest::sound();
    let mut second = hello();
    if let AgentMessage::Hello { agent_sha256, .. } = &mut second {
        "cc".clone_into(agent_sha256);
    }
    guest.welcomed.push(said_on(Port::AgentVirtio, &second));
    let ended = play(guest);
    ended.expect_passed_but(&[]);
    let welcomes = ended.messages();
    let welcomes = welcomes
        .iter()
        .filter(|message| matches!(message, HostMessage::Welcome { .. }));
    assert_eq!(welcomes.count(), 1);
}

#[test]
fn what_comes_before_the_hello_counts_for_nothing() {
    let mut guest = FakeGuest::sound();
    guest.first.push(said(&phase(Phase::Root)));
    guest.first.push(observed(1, Observation::Cpus(cpus(2))));
    guest.welcomed.pop();
    let ended = play(guest);
    ended.expect("BOOT-01", Outcome::Failed, "no root file system");
}

#[test]
fn results_of_tasks_that_were_never_given_count_for_nothing() {
    let guest = FakeGuest::answering(|task_id, task| {
        let mut events: Vec<MachineEvent> = [0, task_id + 100, u32::MAX]
            .map(|other| observed(other, Observation::Cpus(cpus(99))))
            .into();
        events.extend(sound_answer(task_id, task));
        Some(events)
    });
    play(guest).expect_passed_but(&[]);
}

#[test]
fn the_first_result_of_a_task_stands() {
    let guest = FakeGuest::answering(|task_id, task| {
        let mut events = sound_answer(task_id, task);
        events.push(observed(task_id, Observation::Cpus(cpus(99))));
        Some(events)
    });
    play(guest).expect_passed_but(&[]);
}

#[test]
fn an_answer_to_another_question_is_an_error() {
    let guest = FakeGuest::answering(|task_id, task| match task {
        Task::AwaitReady => None,
        _ => Some(vec![observed(
            task_id,
            match task {
                Task::CountCpus => Observation::KernelLog(detente_plan::protocol::KernelLog {
                    records: Vec::new(),
                    seen: 1,
                    truncated: false,
                }),
                _ => Observation::Cpus(cpus(2)),
            },
        )]),
    });
    let ended = play(guest);
    let asked = [
        "BOOT-02", "CPU-01", "CPU-05", "MEM-01", "STO-01", "NET-01", "NET-02", "TIME-01", "RNG-01",
        "CON-01",
    ];
    ended.expect_passed_but(&asked);
    for id in asked {
        ended.expect(id, Outcome::Error, "answered something else");
    }
    assert!(!ended.files.contains(&"kernel-log.txt".to_owned()));
    assert_eq!(ended.verdict(), Verdict::Incomplete);
}

#[test]
fn what_is_no_message_of_ours_is_passed_over() {
    let junk = || {
        let mut bytes = encode(&serde_json::json!({"message": "obey-me", "task_id": 1})).unwrap();
        bytes.extend(encode(&serde_json::json!([1, 2, 3])).unwrap());
        // A header that claims four gigabytes, half a mark, and a flipped byte.
        bytes.extend([
            0xd7, b'D', b'T', 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xd7, b'D',
        ]);
        let mut spoiled = encode(&phase(Phase::Leaving)).unwrap();
        let last = spoiled.len() - 1;
        spoiled[last] ^= 1;
        bytes.extend(spoiled);
        output(Port::AgentSerial, &bytes)
    };
    let mut guest = FakeGuest::answering(move |task_id, task| {
        let mut events = vec![junk()];
        events.extend(sound_answer(task_id, task));
        events.push(junk());
        Some(events)
    });
    guest.first.push(junk());
    play(guest).expect_passed_but(&[]);
}

#[test]
fn garbage_without_an_agent_ends_the_boot_early() {
    let mut guest = FakeGuest::sound();
    guest.ports.clear();
    let piece = output(Port::AgentSerial, &[b'x'; 64 * 1024]);
    guest.first.extend(std::iter::repeat_n(piece, 17));
    let ended = play(guest);
    ended.expect("BOOT-01", Outcome::Failed, "bytes of garbage came");
    assert!(ended.elapsed.as_secs() < 10);
}

#[test]
fn a_console_that_quotes_frames_is_no_agent() {
    let mut guest = FakeGuest::sound();
    guest.ports.clear();
    let text = String::from_utf8_lossy(&encode(&hello()).unwrap()).into_owned();
    guest.first.push(console(&text));
    assert_eq!(play(guest).messages(), []);
}
