//! What is done to a running machine: QEMU takes it, and says afterwards what we expect of it.

use std::path::Path;
use std::time::{Duration, Instant};

use detente_disk::{Format, OverlaySpec, empty_overlay};
use detente_host::{DiskSource, Host, Machine, MachineEvent, Operated, Operation, Port};
use detente_machine::{DiskBelow, DiskBus, Extras, LaunchDisk, OnReset, Profile};

use super::guest::{expect_output, host, spec, wait_for};

const MIB: u64 = 1024 * 1024;

/// The guest, started with what a case may want.
fn machine(test: &str, work: &Path, extras: Extras) -> Option<Box<dyn Machine>> {
    let host = host(test)?;
    let mut spec = spec(work, Profile::Kvm);
    spec.extras = extras;
    let mut machine = host.start(&spec, work).unwrap();
    expect_output(&mut *machine, Port::Console, b"up\n");
    Some(machine)
}

fn done(machine: &mut dyn Machine, operation: &Operation) {
    assert_eq!(machine.operate(operation).unwrap(), Operated::Done);
}

/// What went wrong, in words.
fn refused(machine: &mut dyn Machine, operation: &Operation) -> String {
    machine.operate(operation).unwrap_err().to_string()
}

#[test]
fn a_paused_guest_answers_when_it_goes_on() {
    let work = tempfile::tempdir().unwrap();
    let test = "a_paused_guest_answers_when_it_goes_on";
    let Some(mut machine) = machine(test, work.path(), Extras::default()) else {
        return;
    };
    done(&mut *machine, &Operation::Pause);
    machine.send(Port::AgentSerial, b"0").unwrap();
    let soon = Instant::now() + Duration::from_millis(300);
    while let Some(event) = machine.next_event(soon).unwrap() {
        let port = Port::AgentSerial;
        assert!(!matches!(event, MachineEvent::Output { port: of, .. } if of == port));
    }
    done(&mut *machine, &Operation::Resume);
    expect_output(&mut *machine, Port::AgentSerial, b"0");
    machine.stop().unwrap();
}

#[test]
fn a_machine_that_may_restart_comes_up_again() {
    let work = tempfile::tempdir().unwrap();
    let extras = Extras {
        on_reset: OnReset::Restarts,
        ..Extras::default()
    };
    let test = "a_machine_that_may_restart_comes_up_again";
    let Some(mut machine) = machine(test, work.path(), extras) else {
        return;
    };
    done(&mut *machine, &Operation::Reset);
    wait_for(&mut *machine, |event| *event == MachineEvent::Reset);
    expect_output(&mut *machine, Port::Console, b"up\n");
    machine.send(Port::AgentSerial, b"R").unwrap();
    wait_for(&mut *machine, |event| *event == MachineEvent::Reset);
    expect_output(&mut *machine, Port::Console, b"up\n");
    machine.stop().unwrap();
}

#[test]
fn a_disk_is_plugged_in_and_grows() {
    let work = tempfile::tempdir().unwrap();
    let extras = Extras {
        slots: 1,
        ..Extras::default()
    };
    let test = "a_disk_is_plugged_in_and_grows";
    let Some(mut machine) = machine(test, work.path(), extras) else {
        return;
    };
    let file = work.path().join("more, odd.raw");
    std::fs::write(&file, vec![1; 65536]).unwrap();
    let plug = |slot| Operation::PlugDisk {
        name: "more".to_owned(),
        source: DiskSource::File(file.clone()),
        read_only: false,
        discards: true,
        serial: "more".to_owned(),
        slot,
    };
    // No such slot: nothing is left, and the next try finds the name free.
    assert!(refused(&mut *machine, &plug(7)).contains("slot7"));
    done(&mut *machine, &plug(0));
    let name = "more".to_owned();
    let stored = Operation::ReadStored { name: name.clone() };
    assert_eq!(machine.operate(&stored).unwrap(), Operated::Bytes(65536));
    let grow = |name| Operation::GrowDisk { name, bytes: MIB };
    done(&mut *machine, &grow(name));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), MIB);
    assert!(refused(&mut *machine, &grow("other".to_owned())).contains("other"));
    machine.stop().unwrap();
}

#[test]
fn memory_and_processors_are_plugged_in_up_to_the_most() {
    let work = tempfile::tempdir().unwrap();
    let extras = Extras {
        balloon: true,
        empty_sockets: 1,
        pluggable_memory_mib: 128,
        ..Extras::default()
    };
    let test = "memory_and_processors_are_plugged_in_up_to_the_most";
    let Some(mut machine) = machine(test, work.path(), extras) else {
        return;
    };
    let read = Operation::ReadMemory;
    let memory = machine.operate(&read).unwrap();
    assert_eq!(memory, Operated::Bytes(64 * MIB));
    done(&mut *machine, &Operation::PlugMemory { mib: 128 });
    // The balloon leaves the guest all that it has.
    let memory = machine.operate(&read).unwrap();
    assert_eq!(memory, Operated::Bytes(192 * MIB));
    done(&mut *machine, &Operation::PlugProcessor);
    let why = refused(&mut *machine, &Operation::PlugProcessor);
    assert!(why.contains("every processor"), "{why}");
    machine.stop().unwrap();
}

#[test]
fn a_card_a_link_and_an_interrupt() {
    let work = tempfile::tempdir().unwrap();
    let extras = Extras {
        slots: 1,
        ..Extras::default()
    };
    let test = "a_card_a_link_and_an_interrupt";
    let Some(mut machine) = machine(test, work.path(), extras) else {
        return;
    };
    done(&mut *machine, &Operation::SetLink { up: false });
    done(&mut *machine, &Operation::SetLink { up: true });
    let card = |slot| Operation::PlugCard {
        name: "second".to_owned(),
        mac: [0x52, 0x54, 0, 0xde, 0x7e, 2],
        slot,
    };
    let why = refused(&mut *machine, &card(9));
    assert!(why.contains("slot9"), "{why}");
    done(&mut *machine, &card(0));
    done(&mut *machine, &Operation::InjectNmi);
    machine.stop().unwrap();
}

#[test]
fn a_snapshot_takes_the_writes_from_then_on() {
    let work = tempfile::tempdir().unwrap();
    let test = "a_snapshot_takes_the_writes_from_then_on";
    let Some(host) = host(test) else { return };
    let overlays = ["base", "above", "never"].map(|name| {
        let file = work.path().join(name);
        let overlay = OverlaySpec {
            virtual_size: MIB,
            backing_path: "nothing".to_owned(),
            backing_format: Format::Raw,
        };
        std::fs::write(&file, empty_overlay(&overlay).unwrap()).unwrap();
        file
    });
    let mut spec = spec(work.path(), Profile::Kvm);
    spec.disks = vec![LaunchDisk {
        overlay: overlays[0].clone(),
        below: DiskBelow::Files(Vec::new()),
        bus: DiskBus::Virtio,
        serial: "0".to_owned(),
    }];
    let mut machine = host.start(&spec, work.path()).unwrap();
    let snapshot = |disk| Operation::Snapshot {
        disk,
        overlay: overlays[disk + 1].clone(),
    };
    done(&mut *machine, &snapshot(0));
    let why = refused(&mut *machine, &snapshot(1));
    assert!(why.contains("disk1"), "{why}");
    machine.stop().unwrap();
}
