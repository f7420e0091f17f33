//! The client against peers that keep to a script, or to nothing.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::json;

use super::{Client, Event, LINE_BYTES, QmpError, open};
use crate::{MachineEvent, PowerOff};

// As QEMU 7.2 greets; the events below are the examples of its documentation.
const GREETING: &[u8] = br#"{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}"#;

/// A client whose peer writes `lines`, each after the command of the same place was read
/// (`None`: at once), and then closes.
fn against(lines: Vec<(bool, Vec<u8>)>) -> (Client, Receiver<Event>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (client, reader) = open(ours).unwrap();
    let (sender, events) = sync_channel(100);
    std::thread::spawn(move || reader.run(&sender, || ()));
    std::thread::spawn(move || {
        let mut commands = BufReader::new(theirs.try_clone().unwrap()).lines();
        let mut peer = theirs;
        for (after_command, mut line) in lines {
            if after_command {
                commands.next();
            }
            line.push(b'\n');
            let _ = peer.write_all(&line);
        }
    });
    (client, events)
}

fn at_once(line: &[u8]) -> (bool, Vec<u8>) {
    (false, line.to_vec())
}

fn reply(line: &str) -> (bool, Vec<u8>) {
    (true, line.as_bytes().to_vec())
}

#[test]
fn a_command_gets_its_own_answer() {
    let (mut client, _events) = against(vec![
        at_once(GREETING),
        reply(r#"{"return": {}, "id": 1}"#),
        reply(r#"{"return": "stale", "id": 1}"#),
        at_once(br#"{"return": {"status": "running"}, "id": 2}"#),
    ]);
    client.negotiate().unwrap();
    let answer = client.execute("query-status", json!({}), || ()).unwrap();
    assert_eq!(answer["status"], "running");
}

#[test]
fn a_refusal_is_told_in_qemus_words() {
    let (mut client, _events) = against(vec![
        at_once(GREETING),
        reply(r#"{"return": {}, "id": 1}"#),
        reply(r#"{"error": {"class": "GenericError", "desc": "no screen"}, "id": 2}"#),
    ]);
    client.negotiate().unwrap();
    let error = client.execute("screendump", json!({}), || ()).unwrap_err();
    assert!(matches!(error, QmpError::Refused { .. }));
    assert_eq!(error.to_string(), "GenericError: no screen");
}

#[test]
fn a_monitor_that_closes_is_no_hang() {
    let (mut client, _events) = against(vec![at_once(GREETING)]);
    assert!(client.negotiate().is_err());
    let (mut client, _events) = against(vec![]);
    assert!(client.negotiate().is_err());
}

#[test]
fn garbage_is_passed_over() {
    let (mut client, events) = against(vec![
        at_once(b"\xff\xfe not json"),
        at_once(b"{}"),
        at_once(b"[1, 2]"),
        at_once(br#"{"event": 7}"#),
        at_once(br#"{"return": {}, "id": "text"}"#),
        at_once(br#"{"error": "flat"}"#),
        at_once(GREETING),
        reply(r#"{"return": {}, "id": 1}"#),
    ]);
    client.negotiate().unwrap();
    assert!(events.recv().is_err(), "nothing of it was an event");
}

#[test]
fn a_line_without_end_closes_the_monitor() {
    let long = vec![b'x'; usize::try_from(LINE_BYTES).unwrap() + 1];
    let (mut client, _events) = against(vec![at_once(&long), at_once(GREETING)]);
    assert!(matches!(client.negotiate(), Err(QmpError::Closed)));
}

#[test]
fn events_say_who_ended_the_machine() {
    let cases: [(&[u8], MachineEvent); 6] = [
        (
            br#"{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}"#,
            MachineEvent::PowerOff(PowerOff::Guest),
        ),
        (
            br#"{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}"#,
            MachineEvent::Reset,
        ),
        (
            br#"{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-signal"}}"#,
            MachineEvent::PowerOff(PowerOff::Host),
        ),
        (
            br#"{"event": "SHUTDOWN"}"#,
            MachineEvent::PowerOff(PowerOff::Host),
        ),
        (
            br#"{"event": "GUEST_PANICKED", "data": {"action": "pause"}}"#,
            MachineEvent::PowerOff(PowerOff::GuestPanic),
        ),
        (
            br#"{"event": "RESET", "data": {"guest": true}}"#,
            MachineEvent::Reset,
        ),
    ];
    for (line, expected) in cases {
        let (_client, events) = against(vec![at_once(line)]);
        assert_eq!(events.recv().unwrap().unwrap(), expected);
        assert!(events.recv().is_err());
    }
}

#[test]
fn a_machine_that_is_stopped_at_a_full_disk_is_the_hosts_fault() {
    let stopped = br#"{"event": "BLOCK_IO_ERROR", "data": {"device": "", "node-name": "disk0", "nospace": true, "reason": "No space left on device", "operation": "write", "action": "stop"}}"#;
    let (_client, events) = against(vec![at_once(stopped)]);
    let error = events.recv().unwrap().unwrap_err().to_string();
    assert!(error.contains("overlay failed: No space left"), "{error}");
    // What the guest is told, it has to cope with.
    let reported = br#"{"event": "BLOCK_IO_ERROR", "data": {"device": "", "operation": "read", "action": "report", "reason": "Input/output error"}}"#;
    let (_client, events) = against(vec![at_once(reported)]);
    assert!(events.recv().is_err());
}
