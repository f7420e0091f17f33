//! Cases that change the machine while it runs.

use std::sync::Arc;
use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::scripted::{Recorded, ScriptedHost};
use detente_host::{Acceleration, Host as _, MachineEvent, Operation};
use detente_machine::Profile;
use detente_plan::judge::Finding;
use detente_plan::protocol::{
    Card, CardState, DiskStep, DiskUsed, GuestClock, Memory, MemoryGrown, Observation,
    ProcessorsGrown, Task, UseDisk,
};
use detente_plan::{CaseId, Plan};
use sha2::{Digest as _, Sha256};

use super::fake::{FakeGuest, RUN, observed, sound_answer};
use super::scene::{boot_files, spec};
use crate::agent::{self, hex};
use crate::cases::{Context, group};
use crate::left_out::LeftOut;
use crate::machine::mac_text;
use crate::session::{Session, Waited};

const MIB: u64 = 1 << 20;

/// A guest whose answers to what these cases ask are given.
pub(super) fn guest(
    mut answer: impl FnMut(&Task) -> Option<Observation> + Send + 'static,
) -> FakeGuest {
    FakeGuest {
        hello: detente_plan::protocol::AgentMessage::Hello {
            protocol: detente_plan::protocol::PROTOCOL,
            run_id: RUN.to_owned(),
            plan_digest: plan().digest(),
            agent_sha256: agent::sha256(),
            kernel_release: "6.1".to_owned(),
        },
        ..FakeGuest::answering(move |task_id, task| {
            let seen = answer(task).map(|seen| vec![observed(task_id, seen)]);
            seen.or_else(|| Some(sound_answer(task_id, task)))
        })
    }
}

pub(super) fn plan() -> Plan {
    Plan::named("base").unwrap()
}

/// Runs one case.
fn run(
    case: CaseId,
    guest: FakeGuest,
    numbers: impl Fn(&Operation) -> Option<u64> + Send + Sync + 'static,
) -> (Finding, Recorded) {
    let (mut found, recorded) = talk(guest, numbers, |context, session| {
        let mut found = Vec::new();
        group(context, session, &[case], &mut |judged| found.push(judged)).unwrap();
        found
    });
    let judged = found.pop().unwrap();
    assert!(found.is_empty() && judged.case == case);
    (judged.finding, recorded)
}

/// Has a conversation with a guest that has said hello, and can be operated.
pub(super) fn talk<T>(
    guest: FakeGuest,
    numbers: impl Fn(&Operation) -> Option<u64> + Send + Sync + 'static,
    talk: impl FnOnce(&Context<'_>, &mut Session) -> T,
) -> (T, Recorded) {
    let guest = std::sync::Mutex::new(Some(guest));
    let host = ScriptedHost::new(move |_| guest.lock().unwrap().take().unwrap().script())
        .with_operations(numbers);
    let work = tempfile::tempdir().unwrap();
    let plan = plan();
    let context = Context {
        plan: &plan,
        profile: Profile::Kvm,
        label: "kvm".to_owned(),
        left_out: LeftOut::default(),
        acceleration: Acceleration::Hardware,
        case_limit: None,
        mac: mac_text(),
        seed: 42,
        faults: &[],
        work: work.path(),
        disks: crate::guest_disks::GuestDisks::default(),
        own_cases: &[],
        hold: None,
    };
    let order = agent::order(RUN, &plan.digest(), &boot_files());
    let machine = host.start(&spec(), work.path()).unwrap();
    let silence = Duration::from_secs(3600);
    let mut session = Session::new(machine, order, Arc::default(), silence);
    let spoke = session.wait(silence, |state| state.agent.as_ref().map(|_| ()));
    assert_eq!(spoke.unwrap(), Waited::Came(()));
    let told = talk(&context, &mut session);
    drop(session);
    (told, host.recorded())
}

#[track_caller]
pub(super) fn expect(finding: &Finding, outcome: Outcome, says: &str) {
    assert_eq!(finding.outcome, outcome, "{}", finding.message);
    assert!(finding.message.contains(says), "{}", finding.message);
}

/// The digest of so many zeros, which is what a file holds that the scripted guest cannot write to.
fn zeros(bytes: u64) -> String {
    hex(&Sha256::digest(vec![0; usize::try_from(bytes).unwrap()]))
}

/// A guest that does with disks what it should; their length is `grown_bytes` after they have grown.
fn disk_guest(grown_bytes: u64, refuses: bool, content: Option<String>) -> FakeGuest {
    guest(move |task| {
        let Task::UseDisk(UseDisk { serial, step, .. }) = task else {
            return None;
        };
        assert!(serial.len() <= 20, "virtio-blk keeps 20 bytes: {serial}");
        let mut used = DiskUsed {
            disk: Some("vdb".to_owned()),
            len_bytes: 16 * MIB,
            ..DiskUsed::default()
        };
        match step {
            DiskStep::Write { bytes, .. } => {
                used.written_sha256 = Some(zeros(*bytes));
                used.read_sha256 = Some(zeros(*bytes));
            }
            DiskStep::Read { bytes, .. } => {
                used.len_bytes = grown_bytes;
                used.read_sha256 = Some(zeros(*bytes));
            }
            DiskStep::TryToWrite { bytes } => {
                used.len_bytes = *bytes;
                used.read_only = refuses;
                used.refused = refuses.then(|| "cannot write".to_owned());
                used.read_sha256 = content.clone();
            }
            DiskStep::Discard => {}
            DiskStep::AwaitGone => used.disk = None,
        }
        Some(Observation::DiskUsed(used))
    })
}

/// Lets go of what is taken away.
fn lets_go(operation: &Operation) -> Vec<MachineEvent> {
    match operation {
        Operation::UnplugDisk { name } | Operation::UnplugCard { name } => {
            vec![MachineEvent::Removed { name: name.clone() }]
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_disk_that_comes_and_goes_passes_and_its_file_is_closed() {
    let guest = FakeGuest {
        operated: Box::new(lets_go),
        ..disk_guest(0, false, None)
    };
    let (finding, recorded) = run(CaseId::Sto02, guest, |_| None);
    expect(&finding, Outcome::Passed, "vdb appeared");
    let last = recorded.operations.last().unwrap();
    assert!(matches!(last, Operation::ForgetDisk { name } if name == "detente-hot"));
}

#[test]
fn a_disk_that_the_guest_does_not_let_go_of_fails() {
    let (finding, recorded) = run(CaseId::Sto02, disk_guest(0, false, None), |_| None);
    expect(&finding, Outcome::Failed, "did not let go");
    let closed = |operation: &Operation| matches!(operation, Operation::ForgetDisk { .. });
    assert!(!recorded.operations.iter().any(closed));
}

#[test]
fn a_machine_that_cannot_be_operated_is_nobodys_failure() {
    let guest = std::sync::Mutex::new(Some(disk_guest(0, false, None)));
    let host = ScriptedHost::new(move |_| guest.lock().unwrap().take().unwrap().script());
    let mut machine = host.start(&spec(), "work".as_ref()).unwrap();
    assert!(machine.operate(&Operation::Pause).is_err());
}

#[test]
fn a_disk_that_grows_passes_and_one_that_does_not_fails() {
    let (finding, _) = run(CaseId::Sto03, disk_guest(24 * MIB, false, None), |_| None);
    expect(&finding, Outcome::Passed, "sees 25165824");
    let (finding, _) = run(CaseId::Sto03, disk_guest(16 * MIB, false, None), |_| None);
    expect(&finding, Outcome::Failed, "sees 16777216 of 25165824");
}

#[test]
fn what_is_discarded_must_be_given_back() {
    for (at_last, outcome) in [(0, Outcome::Passed), (8 * MIB, Outcome::Failed)] {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let numbers = move |operation: &Operation| {
            let Operation::ReadStored { .. } = operation else {
                return None;
            };
            let number = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Some([0, 8 * MIB, at_last][number])
        };
        let (finding, _) = run(CaseId::Sto04, disk_guest(16 * MIB, false, None), numbers);
        expect(&finding, outcome, "discarded");
    }
}

#[test]
fn a_read_only_disk_that_takes_a_write_fails() {
    let (finding, _) = run(CaseId::Sto14, disk_guest(0, false, None), |_| None);
    expect(&finding, Outcome::Failed, "a write was taken");
}

#[test]
fn a_card_that_comes_and_goes_passes_and_one_that_does_not_come_fails() {
    for comes in [true, false] {
        let guest = guest(move |task| {
            let Task::AwaitCard(order) = task else {
                return None;
            };
            let there = comes && order.state == CardState::Up;
            Some(Observation::Card(Card {
                interface: there.then(|| "eth1".to_owned()),
                driver: "virtio_net".to_owned(),
                carrier: there.then_some(true),
                came: comes,
                waited_ms: 5,
            }))
        });
        let guest = FakeGuest {
            operated: Box::new(lets_go),
            ..guest
        };
        let (finding, _) = run(CaseId::Net07, guest, |_| None);
        match comes {
            true => expect(&finding, Outcome::Passed, "eth1"),
            false => expect(&finding, Outcome::Failed, "no such card"),
        }
    }
}

#[test]
fn a_cable_is_put_back_whatever_was_seen() {
    for follows in [true, false] {
        let guest = guest(move |task| {
            let Task::AwaitCard(order) = task else {
                return None;
            };
            let out = follows && order.state == CardState::NoCarrier;
            Some(Observation::Card(Card {
                interface: Some("eth0".to_owned()),
                driver: "virtio_net".to_owned(),
                carrier: Some(!out),
                came: follows || order.state == CardState::Carrier,
                waited_ms: 5,
            }))
        });
        let (finding, recorded) = run(CaseId::Net14, guest, |_| None);
        let last = recorded.operations.last().unwrap();
        assert_eq!(*last, Operation::SetLink { up: true });
        match follows {
            true => expect(&finding, Outcome::Passed, "3 of 3 pings"),
            false => expect(&finding, Outcome::Failed, "the carrier stayed"),
        }
    }
}

#[test]
fn a_processor_and_memory_that_come_pass_and_others_fail() {
    for comes in [true, false] {
        let guest = || {
            guest(move |task| match task {
                Task::AwaitProcessors { more_than, .. } => {
                    let there = more_than + u32::from(comes);
                    Some(Observation::ProcessorsGrown(ProcessorsGrown {
                        present: there,
                        online: there,
                        ran_on: (*more_than..there).collect(),
                        ..ProcessorsGrown::default()
                    }))
                }
                Task::AwaitMemory { at_least_bytes, .. } => {
                    let total_bytes = if comes { *at_least_bytes } else { 2000 * MIB };
                    Some(Observation::MemoryGrown(MemoryGrown {
                        total_bytes,
                        came: comes,
                        ..MemoryGrown::default()
                    }))
                }
                _ => None,
            })
        };
        let outcome = if comes {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        let (finding, recorded) = run(CaseId::Cpu04, guest(), |_| None);
        expect(&finding, outcome, "processors are there");
        assert_eq!(recorded.operations, [Operation::PlugProcessor]);
        let (finding, _) = run(CaseId::Mem04, guest(), |_| None);
        expect(&finding, outcome, "MiB more after 256 MiB");
    }
}

#[test]
fn the_guests_memory_must_follow_the_balloon() {
    for (under_mib, outcome) in [(1488, Outcome::Passed), (2000, Outcome::Failed)] {
        let mut asked = 0;
        let guest = guest(move |task| {
            let Task::MeasureMemory = task else {
                return None;
            };
            asked += 1;
            let total_mib = if asked == 2 { under_mib } else { 2000 };
            Some(Observation::Memory(Memory {
                total_bytes: total_mib * MIB,
                system_ram_bytes: 0,
                crash_kernel_bytes: 0,
            }))
        });
        let balloon = std::sync::atomic::AtomicU64::new(2048 * MIB);
        let numbers = move |operation: &Operation| match operation {
            Operation::SetMemory { mib } => {
                balloon.store(mib * MIB, std::sync::atomic::Ordering::Relaxed);
                None
            }
            Operation::ReadMemory => Some(balloon.load(std::sync::atomic::Ordering::Relaxed)),
            _ => None,
        };
        let (finding, _) = run(CaseId::Mem02, guest, numbers);
        expect(&finding, outcome, "the guest counts");
    }
}

#[test]
fn a_machine_that_does_not_stand_still_fails() {
    for stands_still in [true, false] {
        let mut readings = [0_u32, 10, 2010].into_iter();
        let guest = guest(move |task| {
            let Task::ReadClocks = task else {
                return None;
            };
            let clock_ms = readings.next().unwrap();
            Some(Observation::GuestClock(GuestClock {
                wall_ms: clock_ms.into(),
                monotonic_ms: clock_ms.into(),
                keepers: Vec::new(),
            }))
        });
        let guest = FakeGuest {
            heartbeats: !stands_still,
            ..guest
        };
        let (finding, recorded) = run(CaseId::Time04, guest, |_| None);
        assert_eq!(recorded.operations, [Operation::Pause, Operation::Resume]);
        match stands_still {
            true => expect(&finding, Outcome::PassedWithWarning, "behind since then"),
            false => expect(&finding, Outcome::Failed, "went on while"),
        }
    }
}
