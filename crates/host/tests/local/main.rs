//! QEMU itself, running a guest of 80 bytes that does what its second serial port tells it.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

mod guest;
mod operations;

use std::time::Instant;

use detente_host::local::{CONSOLE_LIMIT_BYTES, LocalHost, LocalOptions};
use detente_host::{Acceleration, Host, HostError, MachineEvent, Port, PowerOff};
use detente_machine::Profile;

use guest::{expect_output, host, options, spec, wait_for};

/// Starts the guest, tells it `command`, and gives what `wanted` picks.
fn told(test: &str, command: &[u8], expected: &MachineEvent) {
    let Some(host) = host(test) else { return };
    for profile in Profile::QEMU {
        let work = tempfile::tempdir().unwrap();
        let mut machine = host
            .start(&spec(work.path(), profile), work.path())
            .unwrap();
        expect_output(&mut *machine, Port::Console, b"up\n");
        machine.send(Port::AgentSerial, command).unwrap();
        wait_for(&mut *machine, |event| event == expected);
        let report = machine.stop().unwrap();
        assert_eq!(report.status, "exit code 0");
        assert!(report.peak_memory_bytes.unwrap() > 1024 * 1024);
    }
}

#[test]
fn a_power_off_is_the_guests() {
    told(
        "a_power_off_is_the_guests",
        b"P",
        &MachineEvent::PowerOff(PowerOff::Guest),
    );
}

#[test]
fn a_reset_ends_the_machine_and_is_told() {
    told(
        "a_reset_ends_the_machine_and_is_told",
        b"R",
        &MachineEvent::Reset,
    );
}

#[test]
fn a_panic_is_told_and_the_screen_can_still_be_seen() {
    let test = "a_panic_is_told_and_the_screen_can_still_be_seen";
    let Some(host) = host(test) else { return };
    let work = tempfile::tempdir().unwrap();
    let spec = spec(work.path(), Profile::Kvm);
    let mut machine = host.start(&spec, work.path()).unwrap();
    machine.send(Port::AgentSerial, b"X").unwrap();
    let panic = MachineEvent::PowerOff(PowerOff::GuestPanic);
    wait_for(&mut *machine, |event| *event == panic);
    let picture = work.path().join("screen.png");
    machine.screen_picture(&picture).unwrap();
    let png = std::fs::read(picture).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    machine.stop().unwrap();
}

#[test]
fn ports_carry_bytes_both_ways_and_the_console_is_kept() {
    let test = "ports_carry_bytes_both_ways_and_the_console_is_kept";
    let Some(host) = host(test) else { return };
    let work = tempfile::tempdir().unwrap();
    let spec = spec(work.path(), Profile::KvmLegacy);
    let mut machine = host.start(&spec, work.path()).unwrap();
    expect_output(&mut *machine, Port::Console, b"up\n");
    machine.send(Port::AgentSerial, b"0123456789").unwrap();
    expect_output(&mut *machine, Port::AgentSerial, b"0123456789");
    assert!(
        machine.send(Port::AgentVirtio, b"x").is_err(),
        "no such port"
    );
    machine.press_power_button().unwrap();
    // Nothing more comes from a guest without ACPI: the deadline does.
    assert_eq!(machine.next_event(Instant::now()).unwrap(), None);
    machine.stop().unwrap();
    let console = std::fs::read(work.path().join("console.log")).unwrap();
    assert!(console.ends_with(b"up\n"));
}

#[test]
fn a_flood_ends_in_one_event_and_the_machine_still_stops() {
    let test = "a_flood_ends_in_one_event_and_the_machine_still_stops";
    let Some(host) = host(test) else { return };
    let work = tempfile::tempdir().unwrap();
    let spec = spec(work.path(), Profile::KvmLegacy);
    let mut machine = host.start(&spec, work.path()).unwrap();
    machine.send(Port::AgentSerial, b"F").unwrap();
    expect_output(&mut *machine, Port::Console, b"xxxx");
    // Nobody takes events any more: the machine must end all the same.
    machine.stop().unwrap();
}

#[test]
#[ignore = "takes as long as a serial port takes for 8 MiB"]
fn a_flood_is_told_once() {
    let Some(host) = host("a_flood_is_told_once") else {
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let spec = spec(work.path(), Profile::KvmLegacy);
    let mut machine = host.start(&spec, work.path()).unwrap();
    machine.send(Port::AgentSerial, b"F").unwrap();
    let flood = MachineEvent::ConsoleFlood {
        limit_bytes: CONSOLE_LIMIT_BYTES,
    };
    wait_for(&mut *machine, |event| *event == flood);
    machine.stop().unwrap();
    let console = std::fs::metadata(work.path().join("console.log")).unwrap();
    assert_eq!(console.len(), CONSOLE_LIMIT_BYTES);
}

#[test]
fn what_qemu_says_when_it_does_not_start_is_passed_on() {
    let test = "what_qemu_says_when_it_does_not_start_is_passed_on";
    let Some(host) = host(test) else { return };
    let work = tempfile::tempdir().unwrap();
    let mut spec = spec(work.path(), Profile::Kvm);
    spec.boot.kernel = work.path().join("nowhere");
    let Err(error) = host.start(&spec, work.path()) else {
        panic!("it starts without a kernel");
    };
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_machine_larger_than_this_one_is_refused() {
    let test = "a_machine_larger_than_this_one_is_refused";
    let Some(host) = host(test) else { return };
    let work = tempfile::tempdir().unwrap();
    let mut spec = spec(work.path(), Profile::Kvm);
    spec.memory_mib = 1 << 40;
    let result = host.start(&spec, work.path());
    assert!(matches!(
        result,
        Err(HostError::Exhausted {
            resource: "memory",
            ..
        })
    ));
}

#[test]
fn emulation_can_be_asked_for() {
    let Some(host) = host("emulation_can_be_asked_for") else {
        return;
    };
    let facts = host.facts();
    assert_eq!(facts.acceleration, Acceleration::Emulated);
    assert!(facts.acceleration_proof.contains("asked for"));
    assert!(
        facts
            .version
            .starts_with(|first: char| first.is_ascii_digit())
    );
}

#[test]
fn without_qemu_the_remedy_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let options = LocalOptions {
        folders: vec![empty.path().to_owned()],
        ..options()
    };
    match LocalHost::find(&options) {
        Err(HostError::Missing { remedy, .. }) => assert!(remedy.contains("qemu-system-x86")),
        // Red Hat's place is looked at whatever the folders are.
        Ok(host) => assert!(host.facts().program.starts_with("/usr/libexec")),
        Err(error) => panic!("{error}"),
    }
}
