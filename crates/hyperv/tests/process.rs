//! The process as its host meets it, up to the point where KVM is needed.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command as Program, Stdio};

use detente_machine::hyperv::{
    Answer, Command, CpuidProfile, Ending, Event, FileSpan, FrameReader, IntegrationConfig, Kind,
    MachineConfig, Order, PROTOCOL, VmbusVersion, encode_json,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_detente-hyperv");

struct Host {
    child: Child,
    stream: UnixStream,
    frames: FrameReader,
}

impl Host {
    fn start() -> Self {
        let (stream, theirs) = UnixStream::pair().unwrap();
        let child = Program::new(PROGRAM)
            .arg("--stdin")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        let frames = FrameReader::default();
        let mut host = Self {
            child,
            stream,
            frames,
        };
        assert!(matches!(
            host.event(),
            Some(Event::Hello {
                protocol: PROTOCOL,
                ..
            })
        ));
        host
    }

    fn order(&mut self, id: u64, command: Command) {
        let frame = encode_json(Kind::Control, &Order { id, command }).unwrap();
        self.stream.write_all(&frame).unwrap();
    }

    /// The next event, or nothing when the process has closed its end.
    fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                assert_eq!(frame.kind, Kind::Control);
                return Some(serde_json::from_slice(&frame.body).unwrap());
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece).unwrap() {
                0 => return None,
                len => self.frames.feed(&piece[..len]),
            }
        }
    }

    fn refusal(&mut self, expected_id: u64) -> String {
        match self.event() {
            Some(Event::Answered {
                id,
                answer: Answer::Failed { why },
            }) if id == expected_id => why,
            other => panic!("{other:?}"),
        }
    }

    fn leaves(mut self, expect: &Ending) {
        match self.event() {
            Some(Event::Ended { ending }) => assert_eq!(&ending, expect),
            other => panic!("{other:?}"),
        }
        assert_eq!(self.event(), None);
        assert!(self.child.wait().unwrap().success());
    }
}

fn start(protocol: u32, spoil: impl FnOnce(&mut MachineConfig)) -> Command {
    let nowhere = FileSpan {
        path: "/nowhere/vmlinuz".into(),
        offset_bytes: 0,
        len_bytes: 1,
    };
    let mut config = MachineConfig {
        schema: MachineConfig::SCHEMA.to_owned(),
        name: "test".to_owned(),
        uuid: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
        cpuid: CpuidProfile::Ws2022,
        vmbus: VmbusVersion::NEWEST,
        processors: 1,
        memory_mib: 64,
        kernel: nowhere.clone(),
        initramfs: nowhere,
        cmdline: String::new(),
        disks: Vec::new(),
        network: None,
        integration: IntegrationConfig::default(),
        keyboard: true,
        crash_registers: true,
        hide_xsave: false,
    };
    spoil(&mut config);
    Command::Start {
        protocol,
        config: Box::new(config),
    }
}

#[test]
fn a_machine_that_was_never_started_quits_when_told() {
    let mut host = Host::start();
    host.order(7, Command::Quit);
    let answered = Event::Answered {
        id: 7,
        answer: Answer::Done,
    };
    assert_eq!(host.event(), Some(answered));
    host.leaves(&Ending::Quit);
}

#[test]
fn orders_before_the_start_are_refused_and_do_no_harm() {
    let mut host = Host::start();
    host.order(1, Command::PowerOff);
    assert!(host.refusal(1).contains("no machine yet"));
    host.order(2, start(PROTOCOL + 1, |_| ()));
    assert!(host.refusal(2).contains("protocol"));
    host.order(
        3,
        start(PROTOCOL, |config| {
            config.schema = "detente/hyperv-machine/2".to_owned()
        }),
    );
    assert!(host.refusal(3).contains("detente/hyperv-machine/2"));
    host.order(4, Command::Quit);
    assert!(matches!(
        host.event(),
        Some(Event::Answered {
            id: 4,
            answer: Answer::Done
        })
    ));
    host.leaves(&Ending::Quit);
}

/// A description that makes no machine is answered with the reason, and the process leaves.
fn check_refused(spoil: impl FnOnce(&mut MachineConfig), expect: &str) {
    let mut host = Host::start();
    host.order(1, start(PROTOCOL, spoil));
    let why = host.refusal(1);
    assert!(why.contains(expect), "{why}");
    host.leaves(&Ending::Failed { why });
}

#[test]
fn a_kernel_that_is_not_there_is_named() {
    check_refused(|_| (), "cannot open /nowhere/vmlinuz: No such file");
}

#[test]
fn memory_and_processors_have_limits() {
    check_refused(|config| config.memory_mib = 1, "1048576 bytes of RAM");
    check_refused(|config| config.processors = 0, "0 processors");
    check_refused(|config| config.uuid = "x".to_owned(), "\"x\" is no UUID");
}

#[test]
fn a_host_that_goes_away_ends_the_process() {
    let Host {
        mut child, stream, ..
    } = Host::start();
    drop(stream);
    assert!(child.wait().unwrap().code().is_some());
}

#[test]
fn a_stream_that_makes_no_sense_ends_the_process_with_a_reason() {
    let mut host = Host::start();
    host.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let why = "no stream has number 71".to_owned();
    host.leaves(&Ending::Failed { why });
}

#[test]
fn the_probe_says_whether_the_machine_runs_here() {
    let output = Program::new(PROGRAM).arg("--probe").output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], "detente/hyperv-probe/1");
    assert_eq!(report["usable"], output.status.success());
    assert!(!report["sentence"].as_str().unwrap().is_empty());
}

#[test]
fn wrong_arguments_are_wrong_usage() {
    let output = Program::new(PROGRAM).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
}
