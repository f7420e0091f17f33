//! A host that speaks to the server over a socket; the machine is a script.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use detente_machine::hyperv::{FrameReader, Kind, encode, encode_json};
use detente_machine::lab::Asked;

use super::*;

/// Long enough for a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(30);

struct Host {
    stream: UnixStream,
    frames: FrameReader,
    server: JoinHandle<io::Result<()>>,
    _root: tempfile::TempDir,
}

impl Host {
    /// A lab whose machine is a script with this body.
    fn with_machine(body: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path(), body);
        let (stream, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let port = LabPort::of(File::from(OwnedFd::from(theirs)));
        let server = std::thread::spawn(move || Server::new(port, places)?.serve());
        Self {
            stream,
            frames: FrameReader::default(),
            server,
            _root: root,
        }
    }

    fn ask(&mut self, id: u64, request: Request) {
        let bytes = encode_json(Kind::Control, &Asked { id, request }).unwrap();
        self.stream.write_all(&bytes).unwrap();
    }

    fn start(&mut self, id: u64) {
        let port = "detente.machine.1".to_owned();
        let disks = Vec::new();
        self.ask(
            id,
            Request::Start {
                port,
                disks,
                kill_after_ms: None,
            },
        );
    }

    fn said(&mut self) -> Said {
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return serde_json::from_slice(&frame.body).unwrap();
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "the server is gone");
            self.frames.feed(&buffer[..count]);
        }
    }

    fn leave(mut self) {
        self.ask(99, Request::PowerOff);
        assert_eq!(self.said(), Said::Done { id: 99 });
        self.server.join().unwrap().unwrap();
    }
}

fn places(root: &Path, body: &str) -> Places {
    let port = root.join("sys/class/virtio-ports/vport0p2");
    fs::create_dir_all(&port).unwrap();
    fs::write(port.join("name"), "detente.machine.1\n").unwrap();
    for folder in ["dev", "disks"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    fs::write(root.join("dev/vport0p2"), "").unwrap();
    let program = root.join("machine");
    fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Places {
        sys: root.join("sys"),
        dev: root.join("dev"),
        disks: root.join("disks"),
        program,
    }
}

#[test]
fn hello_says_who_the_lab_is() {
    let mut host = Host::with_machine("");
    host.ask(7, Request::Hello { protocol: PROTOCOL });
    let Said::Hello { id, protocol, .. } = host.said() else {
        panic!("no hello");
    };
    assert_eq!((id, protocol), (7, PROTOCOL));
    host.leave();
}

#[test]
fn a_pulse_has_no_reply() {
    let mut host = Host::with_machine("");
    for id in 1..100 {
        let request = Request::Pulse;
        host.ask(id, request);
    }
    host.leave();
}

#[test]
fn a_host_of_another_version_is_refused() {
    let mut host = Host::with_machine("");
    let protocol = PROTOCOL + 1;
    host.ask(1, Request::Hello { protocol });
    assert!(matches!(host.said(), Said::Failed { id: 1, .. }));
    host.leave();
}

#[test]
fn the_end_of_a_machine_is_told_with_its_last_words() {
    let mut host = Host::with_machine("echo \"broken: $1 ${2##*/}\" >&2; exit 3");
    host.start(2);
    assert_eq!(host.said(), Said::Done { id: 2 });
    let ended = Said::Ended {
        id: 2,
        status: "exit code 3".to_owned(),
        stderr: "broken: --port vport0p2".to_owned(),
    };
    assert_eq!(host.said(), ended);
    host.leave();
}

#[test]
fn a_machine_that_is_stopped_is_gone_when_that_is_answered() {
    let mut host = Host::with_machine("exec sleep 1000");
    host.start(2);
    assert_eq!(host.said(), Said::Done { id: 2 });
    host.start(3);
    assert!(matches!(host.said(), Said::Failed { id: 3, .. }));
    host.ask(4, Request::Stop);
    let Said::Ended { id: 2, status, .. } = host.said() else {
        panic!("not ended");
    };
    assert_eq!(status, "killed by signal 9");
    assert_eq!(host.said(), Said::Done { id: 4 });
    host.ask(5, Request::Stop);
    assert_eq!(host.said(), Said::Done { id: 5 });
    host.leave();
}

#[test]
fn a_machine_that_is_to_be_killed_is_and_that_is_told_as_its_end() {
    let mut host = Host::with_machine("exec sleep 1000");
    let port = "detente.machine.1".to_owned();
    host.ask(
        2,
        Request::Start {
            port,
            disks: Vec::new(),
            kill_after_ms: Some(20),
        },
    );
    assert_eq!(host.said(), Said::Done { id: 2 });
    let Said::Ended { id: 2, status, .. } = host.said() else {
        panic!("not ended");
    };
    assert_eq!(status, "killed by signal 9");
    host.leave();
}

#[test]
fn what_is_no_request_is_passed_over() {
    let mut host = Host::with_machine("");
    let nonsense = encode(Kind::Control, br#"{"id":1,"request":"dance"}"#).unwrap();
    host.stream.write_all(&nonsense).unwrap();
    let wrong = encode(Kind::ConsoleInput, b"x").unwrap();
    host.stream.write_all(&wrong).unwrap();
    host.ask(2, Request::Stop);
    assert_eq!(host.said(), Said::Done { id: 2 });
    host.leave();
}

#[test]
fn a_disk_whose_name_leads_elsewhere_starts_no_machine() {
    let mut host = Host::with_machine("");
    let disks = vec!["../x".to_owned()];
    let port = "detente.machine.1".to_owned();
    host.ask(
        1,
        Request::Start {
            port,
            disks,
            kill_after_ms: None,
        },
    );
    assert!(matches!(host.said(), Said::Failed { id: 1, .. }));
    host.leave();
}
