//! The route over this host's KVM, without KVM: its program is a stub, which is this very test
//! program again.

use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::time::Instant;

use detente_machine::hyperv::{
    Answer, BusEvent, Command as Ask, Ending, Event as Said, Frame, FrameReader, Kind, Order,
    PROTOCOL, VmbusVersion, encode, encode_json,
};
use detente_machine::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, Profile,
    Synthetic, Topology,
};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::*;
use crate::{MachineEvent, Port, PowerOff};

/// By this the stub knows that it is one.
const STUB: &str = "detente-stub-machine";

/// A name at which the stub refuses to be a machine.
const REFUSED: &str = "refused";

const ARGUMENTS: &[&str] = &[
    "--exact",
    "hyperv::kvm::tests::the_stub_of_a_machine",
    "--test-threads=1",
    "--skip",
    STUB,
];

/// No test: what the others start.
#[test]
#[expect(clippy::exit, reason = "it is a process of its own")]
fn the_stub_of_a_machine() {
    if std::env::args().any(|argument| argument == STUB) {
        let stream = io::stdin().as_fd().try_clone_to_owned().unwrap();
        let code = Stub(UnixStream::from(stream)).serve();
        std::process::exit(code);
    }
}

/// Says what a machine would say; there is no guest.
struct Stub(UnixStream);

impl Stub {
    fn says(&mut self, said: &Said) {
        let frame = encode_json(Kind::Control, said).unwrap();
        self.0.write_all(&frame).unwrap();
    }

    fn answers(&mut self, id: u64, answer: Answer) {
        self.says(&Said::Answered { id, answer });
    }

    fn serve(mut self) -> i32 {
        self.says(&Said::Hello {
            protocol: PROTOCOL,
            version: "a stub".to_owned(),
        });
        let (mut frames, mut piece) = (FrameReader::default(), vec![0; 4096]);
        loop {
            let Ok(count @ 1..) = self.0.read(&mut piece) else {
                return 3;
            };
            frames.feed(&piece[..count]);
            while let Some(frame) = frames.next_frame().unwrap() {
                if let Some(code) = self.take(frame) {
                    return code;
                }
            }
        }
    }

    /// The exit code, if that is its end.
    fn take(&mut self, frame: Frame) -> Option<i32> {
        if frame.kind == Kind::ConsoleInput {
            let echo = encode(Kind::ConsoleOutput, &frame.body).unwrap();
            self.0.write_all(&echo).unwrap();
        }
        if frame.kind != Kind::Control {
            return None;
        }
        let Order { id, command } = serde_json::from_slice(&frame.body).unwrap();
        match command {
            Ask::Start { config, .. } if config.name == REFUSED => {
                let why = "the stub has no memory".to_owned();
                self.answers(id, Answer::Failed { why: why.clone() });
                let ending = Ending::Failed { why };
                self.says(&Said::Ended { ending });
                Some(1)
            }
            Ask::Start { .. } => {
                self.answers(id, Answer::Done);
                let version = VmbusVersion::NEWEST;
                let what = BusEvent::Connected { version };
                self.says(&Said::Bus { what });
                let pid = format!("pid {}\n", std::process::id());
                let pid = encode(Kind::ConsoleOutput, pid.as_bytes()).unwrap();
                self.0.write_all(&pid).unwrap();
                None
            }
            Ask::PowerOff => {
                self.answers(id, Answer::Done);
                let ending = Ending::PowerOff;
                self.says(&Said::Ended { ending });
                Some(0)
            }
            Ask::Quit => Some(0),
            // A machine that hangs: it neither answers nor leaves.
            Ask::Freeze => loop {
                std::thread::park();
            },
            Ask::Restart
            | Ask::Status
            | Ask::AddDisk { .. }
            | Ask::RemoveDisk { .. }
            | Ask::ResizeDisk { .. }
            | Ask::Kvp { .. }
            | Ask::Thaw
            | Ask::SyncTime
            | Ask::Type { .. } => {
                self.answers(id, Answer::Done);
                None
            }
        }
    }
}

/// A machine of the stub's, and what it has told.
struct Started {
    machine: Box<dyn Machine>,
    events: Vec<MachineEvent>,
    pid: Pid,
    _work: tempfile::TempDir,
}

fn host() -> KvmHost {
    KvmHost {
        facts: HostFacts {
            product: PRODUCT.to_owned(),
            version: String::new(),
            package: None,
            implementation: Implementation::CompatibleImplementation,
            acceleration: Acceleration::Hardware,
            acceleration_proof: "none: a stub".to_owned(),
            host_kernel: String::new(),
            host_cpu: String::new(),
            program: PathBuf::new(),
        },
        program: Program {
            file: File::open("/proc/self/exe").unwrap(),
            arguments: ARGUMENTS,
        },
        shown: Shown::default(),
    }
}

fn spec(name: &str, work: &Path) -> LaunchSpec {
    let boot = DirectBoot {
        kernel: work.join("kernel"),
        initramfs: work.join("initramfs"),
        cmdline: "quiet".to_owned(),
    };
    for file in [&boot.kernel, &boot.initramfs] {
        std::fs::write(file, b"for the stub").unwrap();
    }
    LaunchSpec {
        name: name.to_owned(),
        profile: Profile::HypervVmbus,
        topology: Topology {
            sockets: 1,
            cores: 1,
            threads: 1,
        },
        memory_mib: 16,
        disks: Vec::new(),
        boot,
        network: LaunchNetwork {
            mac: [0x52, 0x54, 0, 0xd7, 0xe2, 1],
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: false,
        console_input: true,
        hypervisor_bit: true,
        synthetic: Synthetic::default(),
        extras: detente_machine::Extras::default(),
    }
}

fn start(name: &str) -> Result<(Box<dyn Machine>, tempfile::TempDir), HostError> {
    let work = tempfile::tempdir().unwrap();
    let machine = host().start(&spec(name, work.path()), work.path())?;
    Ok((machine, work))
}

fn started() -> Started {
    let (machine, work) = start("a stub").unwrap();
    let mut started = Started {
        machine,
        events: Vec::new(),
        pid: Pid::INIT,
        _work: work,
    };
    let told = started.until(|event| console(event).is_some_and(|text| text.contains('\n')));
    let text = console(&told).unwrap();
    let pid = text.trim().strip_prefix("pid ").unwrap();
    started.pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    started
}

fn console(event: &MachineEvent) -> Option<String> {
    match event {
        MachineEvent::Output {
            port: Port::Console,
            bytes,
        } => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

impl Started {
    /// Waits for an event, and keeps those before it.
    #[track_caller]
    fn until(&mut self, wanted: impl Fn(&MachineEvent) -> bool) -> MachineEvent {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let event = self.machine.next_event(deadline).unwrap();
            let event = event.expect("it comes in time");
            self.events.push(event.clone());
            if wanted(&event) {
                return event;
            }
        }
    }

    fn exited(&mut self) -> String {
        let event = self.until(|event| matches!(event, MachineEvent::Exited { .. }));
        match event {
            MachineEvent::Exited { status, .. } => status,
            _ => unreachable!("it was waited for"),
        }
    }

    /// Whether the process is there, a zombie included.
    fn runs(&self) -> bool {
        test_kill_process(self.pid).is_ok()
    }
}

#[test]
fn a_machine_starts_is_spoken_with_and_ends_by_itself() {
    let mut started = started();
    let version = VmbusVersion::NEWEST;
    let connected = MachineEvent::Bus(BusEvent::Connected { version });
    assert!(started.events.contains(&connected));
    started.machine.send(Port::Console, b"root\n").unwrap();
    started.until(|event| console(event).as_deref() == Some("root\n"));
    let asked = started.machine.ask(Ask::SyncTime).unwrap();
    let answer = Answer::Done;
    let answered = MachineEvent::Answered { id: asked, answer };
    started.until(|event| *event == answered);
    started.machine.press_power_button().unwrap();
    assert_eq!(started.exited(), "exit code 0");
    let off = MachineEvent::PowerOff(PowerOff::Guest);
    assert!(started.events.contains(&off), "before its end");
    let pid = started.pid;
    assert_eq!(started.machine.stop().unwrap().status, "exit code 0");
    assert!(test_kill_process(pid).is_err(), "nothing is left");
}

#[test]
fn a_machine_that_is_killed_is_told_and_leaves_nothing() {
    let mut started = started();
    kill_process(started.pid, Signal::KILL).unwrap();
    assert_eq!(started.exited(), "killed by signal 9");
    let off = |event: &MachineEvent| matches!(event, MachineEvent::PowerOff(_));
    assert!(!started.events.iter().any(off), "nobody switched it off");
    assert!(!started.runs());
    let error = started.machine.next_event(Instant::now() + QUIT_LIMIT);
    assert!(error.is_err(), "it has ended");
    let error = started.machine.press_power_button().unwrap_err();
    assert!(error.to_string().contains("has ended"), "{error}");
    let status = started.machine.stop().unwrap().status;
    assert_eq!(status, "killed by signal 9");
}

#[test]
fn a_machine_is_stopped_whether_it_listens_or_hangs() {
    let willing = started();
    let pid = willing.pid;
    assert_eq!(willing.machine.stop().unwrap().status, "exit code 0");
    assert!(test_kill_process(pid).is_err());

    let mut hanging = started();
    let pid = hanging.pid;
    hanging.machine.ask(Ask::Freeze).unwrap();
    let status = hanging.machine.stop().unwrap().status;
    assert_eq!(status, "killed by signal 9");
    assert!(test_kill_process(pid).is_err());
}

#[test]
fn a_machine_that_is_dropped_ends() {
    let started = started();
    let pid = started.pid;
    drop(started);
    assert!(test_kill_process(pid).is_err());
}

#[test]
fn a_machine_that_refuses_is_an_error_with_its_reason() {
    let error = start(REFUSED).err().unwrap();
    assert!(error.to_string().contains("no memory"), "{error}");
}

#[test]
fn the_machine_is_told_the_files_of_a_disk_and_their_format() {
    let work = tempfile::tempdir().unwrap();
    let below = DiskBelow::Files(
        [("top", ImageFormat::Qcow2), ("far/base", ImageFormat::Raw)]
            .map(|(path, format)| DiskFile {
                path: path.into(),
                format,
            })
            .to_vec(),
    );
    let mut spec = spec("disks", work.path());
    spec.disks = vec![LaunchDisk {
        overlay: "unused".into(),
        below,
        bus: DiskBus::Vmbus,
        serial: "1".to_owned(),
    }];
    let found = found(&spec, work.path()).unwrap();
    let config = config(&spec, Shown::default(), found);
    let [disk] = config.disks.as_slice() else {
        panic!("{:?}", config.disks)
    };
    assert_eq!(disk.path, Path::new("top"));
    assert_eq!(disk.format, Some(ImageFormat::Qcow2));
    assert_eq!(disk.rests_on, [PathBuf::from("far/base")]);
    assert_eq!(
        disk.overlay,
        Some(work.path().join("disk0.written.overlay"))
    );
}

#[test]
fn a_program_that_says_nothing_of_kvm_is_of_no_use() {
    let program = Program::new(&std::fs::read("/bin/true").unwrap()).unwrap();
    let error = probe(&program).unwrap_err();
    assert!(error.contains("could not be tried out"), "{error}");
}

#[test]
fn the_embedded_machine_says_what_it_finds() {
    let program = Program::new(&crate::lab::Programs::embedded().machine).unwrap();
    let probe = probe(&program).unwrap();
    assert!(!probe.sentence.is_empty());
}
