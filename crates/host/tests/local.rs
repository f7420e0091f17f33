//! QEMU itself, running a guest of 76 bytes that does what its second serial port tells it.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

use std::path::Path;
use std::time::{Duration, Instant};

use detente_host::local::{AccelerationChoice, CONSOLE_LIMIT_BYTES, LocalHost, LocalOptions};
use detente_host::{Acceleration, Host, HostError, Machine, MachineEvent, Port, PowerOff};
use detente_machine::{DirectBoot, LaunchNetwork, LaunchSpec, Profile, Topology};

/// In real mode: says `up` on the first port, then obeys bytes from the second: P powers off
/// (q35's PM1a_CNT at 0x604), R resets (0xcf9), X panics (pvpanic at 0x505), F floods the first
/// port; any other byte is sent back.
const GUEST: [u8; 76] = [
    0xba, 0xf8, 0x03, 0xb0, 0x75, 0xee, 0xb0, 0x70, 0xee, 0xb0, 0x0a, 0xee, // "up\n" to 0x3f8
    0xba, 0xfd, 0x02, 0xec, 0xa8, 0x01, 0x74, 0xfb, // wait for bit 0 of 0x2fd
    0xba, 0xf8, 0x02, 0xec, // read 0x2f8
    0x3c, 0x50, 0x74, 0x0f, 0x3c, 0x52, 0x74, 0x14, // P, R
    0x3c, 0x58, 0x74, 0x18, 0x3c, 0x46, 0x74, 0x1c, // X, F
    0xee, 0xeb, 0xe1, // send back
    0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xd8, // P
    0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xeb, 0xd0, // R
    0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0xeb, 0xc8, // X
    0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfd, // F
];

/// The guest as Linux's boot protocol wants a kernel: Documentation/arch/x86/boot.rst.
fn kernel() -> Vec<u8> {
    let mut image = vec![0; 3 * 512];
    image[0x1f1] = 1; // setup_sects
    image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]); // boot_flag
    image[0x200..0x202].copy_from_slice(&[0xeb, 0x66]); // jump to 0x268
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&[2, 2]); // version 2.02
    image[0x211] = 1; // LOADED_HIGH
    image[0x268..0x268 + GUEST.len()].copy_from_slice(&GUEST);
    image
}

fn options() -> LocalOptions {
    LocalOptions {
        folders: std::env::var_os("PATH")
            .map(|path| std::env::split_paths(&path).collect())
            .unwrap_or_default(),
        choice: AccelerationChoice::Emulated,
    }
}

fn host(test: &str) -> Option<LocalHost> {
    match LocalHost::find(&options()) {
        Ok(host) => Some(host),
        Err(HostError::Missing { what, .. }) => {
            eprintln!("skipped: {test}: {what} is missing");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn spec(work: &Path, profile: Profile) -> LaunchSpec {
    let (kernel_file, initramfs) = (work.join("kernel, odd"), work.join("initramfs"));
    std::fs::write(&kernel_file, kernel()).unwrap();
    std::fs::write(&initramfs, [0; 16]).unwrap();
    LaunchSpec {
        name: "test, local".to_owned(),
        profile,
        topology: Topology {
            sockets: 1,
            cores: 1,
            threads: 1,
        },
        memory_mib: 64,
        disks: Vec::new(),
        boot: DirectBoot {
            kernel: kernel_file,
            initramfs,
            cmdline: "console=ttyS0".to_owned(),
        },
        network: LaunchNetwork {
            mac: [0x52, 0x54, 0, 0xde, 0x7e, 1],
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: profile.hardware().entropy,
        console_input: true,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
    }
}

/// Events until one is `wanted`; a minute is ample even for software on a busy machine.
fn wait_for(machine: &mut dyn Machine, wanted: impl Fn(&MachineEvent) -> bool) -> MachineEvent {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let event = machine.next_event(deadline).unwrap();
        let event = event.expect("the event comes within the minute");
        if wanted(&event) {
            return event;
        }
    }
}

/// Waits until a port has said `text`.
fn expect_output(machine: &mut dyn Machine, from: Port, text: &[u8]) {
    let mut said = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !said.windows(text.len()).any(|window| window == text) {
        match machine.next_event(deadline).unwrap() {
            Some(MachineEvent::Output { port, bytes }) if port == from => said.extend(bytes),
            Some(_) => {}
            None => panic!("{from:?} said only {said:?}"),
        }
    }
}

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
