//! Cases that put the guest to something and leave it as it was.

use detente_evidence::Outcome;
use detente_plan::CaseId;
use detente_plan::judge::Finding;
use detente_plan::protocol::{
    ClockTurned, DiskLoaded, DiskWorker, Exercise, Exercised, Firmware, GuestClock, KernelState,
    MemoryStressed, MtuChanged, MtuPings, Observation, Offload, OffloadsToggled, ProcessorCycle,
    ProcessorsBurnt, ProcessorsCycled, Selinux, SupportData, SupportPiece, Task, ToolEnd, ToolRun,
    Transfer,
};
use sha2::{Digest as _, Sha256};

use super::plugging::{expect, guest, talk};
use crate::agent::hex;
use crate::cases::group;
use crate::machine::uuid;

const MIB: u64 = 1 << 20;

/// Runs one case with a guest that answers like this where it does not do as it should.
fn run(
    case: CaseId,
    mut answer: impl FnMut(&Task) -> Option<Observation> + Send + 'static,
) -> Finding {
    let guest = guest(move |task| answer(task).or_else(|| sound(task)));
    let (mut found, _) = talk(
        guest,
        |_| None,
        |context, session| {
            let mut found = Vec::new();
            group(context, session, &[case], &mut |judged| found.push(judged)).unwrap();
            found
        },
    );
    let judged = found.pop().unwrap();
    assert!(found.is_empty() && judged.case == case);
    judged.finding
}

/// What a sound guest answers.
fn sound(task: &Task) -> Option<Observation> {
    match task {
        Task::Exercise(exercise) => Some(Observation::Exercised(done(exercise))),
        Task::ReadClocks => Some(Observation::GuestClock(GuestClock::default())),
        Task::RunTool(order) => Some(Observation::ToolRun(ToolRun {
            end: ToolEnd::Exited { status: 0 },
            elapsed_ms: 1,
            output_tail: format!("linux-image-6.1: {}\n", order.argv.last()?),
            output_bytes: 1,
            error_tail: String::new(),
            error_bytes: 0,
        })),
        _ => None,
    }
}

fn transfer(bytes: u64) -> Transfer {
    Transfer {
        sent_bytes: bytes,
        sent_sha256: "aa".to_owned(),
        received_bytes: bytes,
        received_sha256: "aa".to_owned(),
        elapsed_ms: 1,
    }
}

fn piece(name: &str) -> SupportPiece {
    let text = "a line\n".to_owned();
    SupportPiece {
        name: name.to_owned(),
        source: name.to_owned(),
        sha256: hex(&Sha256::digest(text.as_bytes())),
        whole_bytes: text.len() as u64,
        text,
        error: None,
    }
}

fn done(exercise: &Exercise) -> Exercised {
    match exercise {
        Exercise::CycleProcessors => Exercised::Processors(ProcessorsCycled {
            before: vec![0, 1],
            cycles: vec![ProcessorCycle {
                number: 1,
                was_online: true,
                went: true,
                came_back: true,
                ran: true,
                ..ProcessorCycle::default()
            }],
            after: vec![0, 1],
        }),
        Exercise::ReadProcessor { .. } => Exercised::Processor(Default::default()),
        Exercise::StressMemory { spoil, .. } => Exercised::Memory(MemoryStressed {
            available_bytes: 1800 * MIB,
            bytes: 512 * MIB,
            passes: 2,
            wrong_words: u64::from(*spoil),
            ..MemoryStressed::default()
        }),
        Exercise::LoadDisk { .. }
        | Exercise::ToggleOffloads { .. }
        | Exercise::ChangeMtu { .. } => done_with_devices(exercise),
        Exercise::BurnProcessors { for_ms } => Exercised::Burnt(ProcessorsBurnt {
            workers: 2,
            elapsed_ms: *for_ms,
            rounds: 9,
            wrong: 0,
        }),
        Exercise::TurnBackClock { .. } => Exercised::ClockTurned(ClockTurned {
            turned: true,
            corrected_ms: Some(900),
            offset_ms: 3,
            keepers: vec!["chronyd".to_owned()],
        }),
        Exercise::Echo { content } => Exercised::Echo {
            content: content.clone(),
        },
        Exercise::ReadKernelState => Exercised::Kernel(KernelState {
            release: "6.1".to_owned(),
            tainted: Some(0),
            modules: 3,
            tainting: Vec::new(),
            selinux: Selinux::Absent,
            distribution: "debian".to_owned(),
            kernel_file: Some("/boot/vmlinuz-6.1".to_owned()),
        }),
        Exercise::ReadFirmware => Exercised::Firmware(Firmware {
            vendor: "QEMU".to_owned(),
            product: "Standard PC".to_owned(),
            uuid: uuid(detente_machine::Profile::Kvm),
            firmware_vendor: "SeaBIOS".to_owned(),
            smbios_bytes: 300,
            acpi_tables: ["APIC", "FACP"].map(str::to_owned).to_vec(),
        }),
        Exercise::CollectSupportData { .. } => Exercised::SupportData(SupportData {
            collectors: Vec::new(),
            pieces: ["journal.txt", "os-release.txt", "modules.txt", "mounts.txt"]
                .map(piece)
                .to_vec(),
        }),
    }
}

/// The part of [`done`] that is about disk and network.
fn done_with_devices(exercise: &Exercise) -> Exercised {
    let pings = MtuPings {
        fits: true,
        longer_refused: true,
    };
    match exercise {
        Exercise::LoadDisk {
            workers,
            bytes,
            rounds,
            ..
        } => Exercised::Disk(DiskLoaded {
            workers: (0..*workers)
                .map(|_| DiskWorker {
                    rounds: *rounds,
                    bytes: bytes * u64::from(*rounds),
                    ..DiskWorker::default()
                })
                .collect(),
            past_cache: true,
            elapsed_ms: 1,
        }),
        Exercise::ToggleOffloads { bytes, .. } => Exercised::Offloads(OffloadsToggled {
            interface: "eth0".to_owned(),
            transfer: Some(transfer(*bytes)),
            offloads: vec![Offload {
                name: "tso".to_owned(),
                before: Some(true),
                turned: true,
                transfer: Some(transfer(*bytes)),
                after: Some(true),
                refused: None,
            }],
        }),
        Exercise::ChangeMtu { mtu, .. } => Exercised::Mtu(MtuChanged {
            interface: "eth0".to_owned(),
            before: 1500,
            pings_before: pings,
            changed: *mtu,
            refused: None,
            pings_changed: pings,
            after: 1500,
        }),
        _ => unreachable!("asked about disk and network only"),
    }
}

#[test]
fn a_sound_guest_passes_what_it_is_asked() {
    for case in [
        CaseId::Cpu03,
        CaseId::Mem08,
        CaseId::Sto13,
        CaseId::Net03,
        CaseId::Net04,
        CaseId::Sup01,
        CaseId::Sup04,
        CaseId::Sup06,
    ] {
        let finding = run(case, |_| None);
        assert_eq!(
            finding.outcome,
            Outcome::Passed,
            "{case}: {}",
            finding.message
        );
    }
}

#[test]
fn an_answer_to_another_question_is_nobodys_failure() {
    let other = |task: &Task| {
        let asked = matches!(task, Task::Exercise(_));
        asked.then(|| Observation::Exercised(done(&Exercise::BurnProcessors { for_ms: 1 })))
    };
    for case in [CaseId::Cpu03, CaseId::Net04, CaseId::Sup01, CaseId::Con02] {
        expect(
            &run(case, other),
            Outcome::Error,
            "something else than it was asked",
        );
    }
}

#[test]
fn what_comes_by_another_port_does_not_show_the_virtio_port() {
    // The scripted agent answers on the serial port.
    let finding = run(CaseId::Con02, |_| None);
    expect(
        &finding,
        Outcome::Failed,
        "not everything came by the virtio port",
    );
}

#[test]
fn a_kernel_of_nobodys_is_told_in_the_tools_words() {
    let finding = run(CaseId::Sup01, |task| {
        matches!(task, Task::RunTool(_)).then(|| {
            Observation::ToolRun(ToolRun {
                end: ToolEnd::Exited { status: 1 },
                elapsed_ms: 1,
                output_tail: String::new(),
                output_bytes: 0,
                error_tail: "no path found\n".to_owned(),
                error_bytes: 1,
            })
        })
    });
    expect(&finding, Outcome::Failed, "is of no package: no path found");
}

#[test]
fn a_clock_that_nobody_keeps_is_left_alone() {
    let finding = run(CaseId::Time03, |task| {
        assert!(!matches!(
            task,
            Task::Exercise(Exercise::TurnBackClock { .. })
        ));
        None
    });
    expect(
        &finding,
        Outcome::NotRun,
        "no program of the guest's keeps the clock",
    );
}

#[test]
fn a_clock_that_a_program_keeps_is_turned_back() {
    let finding = run(CaseId::Time03, |task| {
        matches!(task, Task::ReadClocks).then(|| {
            Observation::GuestClock(GuestClock {
                keepers: vec!["chronyd".to_owned()],
                ..GuestClock::default()
            })
        })
    });
    expect(&finding, Outcome::Passed, "right again after 0.9 s");
}

#[test]
fn a_clock_that_stands_still_drifts() {
    let finding = run(CaseId::Time02, |_| None);
    expect(
        &finding,
        Outcome::Failed,
        "idle the clock since boot went 0 ms in 10",
    );
}

#[test]
fn a_picture_of_one_point_is_no_screen() {
    let finding = run(CaseId::Gfx01, |_| None);
    expect(
        &finding,
        Outcome::Failed,
        "the screen has 1 by 1 points; it is blank",
    );
}

#[test]
fn a_machine_that_does_not_say_what_its_processor_can_shows_nothing() {
    let finding = run(CaseId::Cpu07, |_| None);
    expect(&finding, Outcome::NotRun, "this machine does not say");
}
