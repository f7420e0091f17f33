//! A machine that speaks over a socket.

use std::io::Read as _;
use std::sync::atomic::AtomicBool;

use detente_machine::hyperv::{BusEvent, Ending, Event as Said};

use super::super::log::Log;
use super::super::network;
use super::*;
use crate::local::console::{self, Keeper};
use crate::local::ports::Event;
use crate::network::Behaviour;
use crate::{MachineEvent, NetworkSeen, Port, PowerOff};

struct Machine {
    socket: UnixStream,
    client: Client,
    events: Receiver<Event>,
    threads: Vec<JoinHandle<()>>,
    work: tempfile::TempDir,
    gone: Arc<AtomicBool>,
}

fn machine() -> Machine {
    let work = tempfile::tempdir().unwrap();
    let (ours, socket) = UnixStream::pair().unwrap();
    let (events, received) = sync_channel(64);
    let seen = Arc::new(std::sync::Mutex::new(NetworkSeen::default()));
    let (input, write) = input(&ours).unwrap();
    std::thread::spawn(write);
    let behaviour = Behaviour {
        dhcp: true,
        spoil_transfer: false,
        long_frames: true,
    };
    let (bridge, mut threads) =
        network::start(input.clone(), behaviour, &seen, events.clone()).unwrap();
    let gone = Arc::new(AtomicBool::new(false));
    let outlets = Outlets {
        events,
        console: Keeper::new(console::create(work.path()).unwrap()),
        bridge,
        log: Log::create(work.path()).unwrap(),
        gone: Arc::clone(&gone),
    };
    let (client, reader) = open(ours, input, outlets).unwrap();
    threads.push(reader);
    Machine {
        socket,
        client,
        events: received,
        threads,
        work,
        gone,
    }
}

impl Machine {
    fn says(&mut self, said: &Said) {
        let frame = encode_json(Kind::Control, said).unwrap();
        self.socket.write_all(&frame).unwrap();
    }

    fn sends(&mut self, kind: Kind, body: &[u8]) {
        self.socket.write_all(&encode(kind, body).unwrap()).unwrap();
    }

    /// The next frame that it is sent.
    fn hears(&mut self) -> (Kind, Vec<u8>) {
        let mut header = [0; 8];
        self.socket.read_exact(&mut header).unwrap();
        let length = u32::from_le_bytes(header[4..].try_into().unwrap());
        let mut bytes = header.to_vec();
        bytes.resize(8 + length as usize, 0);
        self.socket.read_exact(&mut bytes[8..]).unwrap();
        let mut frames = FrameReader::default();
        frames.feed(&bytes);
        let frame = frames.next_frame().unwrap().unwrap();
        (frame.kind, frame.body)
    }

    fn event(&self) -> Event {
        self.events.recv_timeout(Duration::from_secs(30)).unwrap()
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

#[test]
fn a_machine_of_another_protocol_is_refused() {
    let mut machine = machine();
    let version = "9".to_owned();
    machine.says(&Said::Hello {
        protocol: PROTOCOL + 1,
        version,
    });
    assert!(machine.client.hello(soon()).is_err());
}

#[test]
fn what_it_says_becomes_events_in_order() {
    let mut machine = machine();
    machine.sends(Kind::ConsoleOutput, b"Linux version");
    machine.sends(Kind::AgentOutput, b"hello");
    let what = BusEvent::Unloaded;
    machine.says(&Said::Bus { what: what.clone() });
    machine.says(&Said::Log {
        text: "a sentence".to_owned(),
    });
    let ending = Ending::PowerOff;
    machine.says(&Said::Ended { ending });
    let output = |port, bytes: &[u8]| MachineEvent::Output {
        port,
        bytes: bytes.to_vec(),
    };
    for expected in [
        output(Port::Console, b"Linux version"),
        output(Port::AgentSerial, b"hello"),
        MachineEvent::Bus(what),
        MachineEvent::PowerOff(PowerOff::Guest),
    ] {
        assert_eq!(machine.event().unwrap(), expected);
    }
    let read = |name| std::fs::read_to_string(machine.work.path().join(name)).unwrap();
    assert_eq!(read("console.log"), "Linux version");
    assert_eq!(read("machine.log"), "a sentence\n");
}

#[test]
fn an_answer_goes_to_whoever_waits_and_else_becomes_an_event() {
    let mut machine = machine();
    let id = machine.client.post(Command::Freeze).unwrap();
    let answer = Answer::Done;
    machine.says(&Said::Answered { id, answer });
    let answer = Answer::Done;
    assert_eq!(
        machine.event().unwrap(),
        MachineEvent::Answered { id, answer }
    );
    let why = "no".to_owned();
    let refusal = Answer::Failed { why };
    let said = Said::Answered {
        id: id + 1,
        answer: refusal.clone(),
    };
    assert_eq!(machine.hears().0, Kind::Control);
    let mut socket = machine.socket.try_clone().unwrap();
    let answering = std::thread::spawn(move || {
        // Only once the question is there.
        let mut header = [0; 8];
        socket.read_exact(&mut header).unwrap();
        let frame = encode_json(Kind::Control, &said).unwrap();
        socket.write_all(&frame).unwrap();
    });
    let limit = Duration::from_secs(30);
    let asked = machine.client.ask(Command::Thaw, limit, || ());
    assert_eq!(asked.unwrap(), refusal);
    answering.join().unwrap();
}

#[test]
fn what_is_typed_arrives_in_frames() {
    let mut machine = machine();
    machine.client.send(Kind::ConsoleInput, b"root\n").unwrap();
    assert_eq!(machine.hears(), (Kind::ConsoleInput, b"root\n".to_vec()));
}

#[test]
fn a_machine_that_reads_slowly_is_sent_everything() {
    let mut machine = machine();
    // Far more than what waits in line: 256 frames of 16 KiB, and what the socket holds.
    let sent: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251) as u8).collect();
    let client = &machine.client;
    let mut socket = machine.socket.try_clone().unwrap();
    let heard = std::thread::scope(|scope| {
        let heard = scope.spawn(|| {
            let (mut frames, mut heard) = (FrameReader::default(), Vec::new());
            let mut piece = vec![0; 4096];
            while heard.len() < sent.len() {
                let count = socket.read(&mut piece).unwrap();
                frames.feed(&piece[..count]);
                while let Some(frame) = frames.next_frame().unwrap() {
                    heard.extend(frame.body);
                }
            }
            heard
        });
        client.send_until(Kind::AgentInput, &sent, soon()).unwrap();
        heard.join().unwrap()
    });
    assert!(heard == sent, "in order, and nothing is lost");
    machine.client.post(Command::Status).unwrap();
    assert_eq!(machine.hears().0, Kind::Control);
}

#[test]
fn a_machine_that_reads_nothing_is_an_error() {
    let machine = machine();
    let bytes = vec![0; 16_000_000];
    let now = Instant::now();
    let error = machine.client.send_until(Kind::AgentInput, &bytes, now);
    assert!(error.unwrap_err().to_string().contains("does not read"));
    // The machine's end of the stream breaks: that is said as it is, and at once.
    machine.socket.shutdown(Shutdown::Both).unwrap();
    let error = machine.client.send_until(Kind::AgentInput, &bytes, soon());
    assert!(error.unwrap_err().to_string().contains("has ended"));
}

#[test]
fn a_frame_of_the_guests_is_answered_by_the_network() {
    let mut machine = machine();
    // Who has 10.0.2.2? Tell 10.0.2.15 (RFC 826), from 52:54:00:d7:e2:01 to everybody.
    let own = [0x52, 0x54, 0x00, 0xd7, 0xe2, 0x01];
    let mut question = [&[0xff; 6][..], &own, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &own].concat();
    question.extend([10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2]);
    machine.sends(Kind::NetworkOutput, &question);
    let (kind, answer) = machine.hears();
    assert_eq!(kind, Kind::NetworkInput);
    // To us, ARP, a reply, from 10.0.2.2.
    assert_eq!(answer[..6], own);
    assert_eq!(answer[12..14], [8, 6]);
    assert_eq!(answer[20..22], [0, 2]);
    assert_eq!(answer[28..32], [10, 0, 2, 2]);
}

#[test]
fn a_stream_that_breaks_the_framing_is_an_error() {
    let mut machine = machine();
    machine.socket.write_all(&[9; 16]).unwrap();
    assert!(machine.event().is_err());
}

#[test]
fn a_machine_that_is_gone_is_read_to_its_end_and_no_longer() {
    let mut machine = machine();
    machine.sends(Kind::ConsoleOutput, b"last words");
    machine.gone.store(true, Ordering::Release);
    for thread in machine.threads.drain(..) {
        thread.join().unwrap();
    }
    assert!(matches!(machine.event(), Ok(MachineEvent::Output { .. })));
}
