//! The guest, the machine that it runs in, and how it is waited for.

use std::path::Path;
use std::time::{Duration, Instant};

use detente_host::local::{AccelerationChoice, LocalHost, LocalOptions};
use detente_host::{HostError, Machine, MachineEvent, Port};
use detente_machine::{DirectBoot, LaunchNetwork, LaunchSpec, Profile, Topology};

/// In real mode: says `up` on the first port, then obeys bytes from the second: P powers off
/// (q35's PM1a_CNT at 0x604), R resets (0xcf9), X panics (pvpanic at 0x505), F floods the first
/// port; any other byte is sent back.
const GUEST: [u8; 80] = [
    0xba, 0xf8, 0x03, 0xb0, 0x75, 0xee, 0xb0, 0x70, 0xee, 0xb0, 0x0a, 0xee, // "up\n" to 0x3f8
    0xba, 0xfd, 0x02, 0xec, 0xa8, 0x01, 0x75, 0x04, // until bit 0 of 0x2fd is set
    0xfb, 0xf4, 0xeb, 0xf7, // wait for the clock: a guest that polls starves QEMU's monitor
    0xba, 0xf8, 0x02, 0xec, // read 0x2f8
    0x3c, 0x50, 0x74, 0x0f, 0x3c, 0x52, 0x74, 0x14, // P, R
    0x3c, 0x58, 0x74, 0x18, 0x3c, 0x46, 0x74, 0x1c, // X, F
    0xee, 0xeb, 0xdd, // send back
    0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xd4, // P
    0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xeb, 0xcc, // R
    0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0xeb, 0xc4, // X
    0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfd, // F
];

/// The guest as Linux's boot protocol wants a kernel: Documentation/arch/x86/boot.rst.
pub(crate) fn kernel() -> Vec<u8> {
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

pub(crate) fn options() -> LocalOptions {
    LocalOptions {
        folders: std::env::var_os("PATH")
            .map(|path| std::env::split_paths(&path).collect())
            .unwrap_or_default(),
        choice: AccelerationChoice::Emulated,
    }
}

pub(crate) fn host(test: &str) -> Option<LocalHost> {
    match LocalHost::find(&options()) {
        Ok(host) => Some(host),
        Err(HostError::Missing { what, .. }) => {
            eprintln!("skipped: {test}: {what} is missing");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn spec(work: &Path, profile: Profile) -> LaunchSpec {
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
        extras: detente_machine::Extras::default(),
    }
}

/// Events until one is `wanted`; a minute is ample even for software on a busy machine.
pub(crate) fn wait_for(
    machine: &mut dyn Machine,
    wanted: impl Fn(&MachineEvent) -> bool,
) -> MachineEvent {
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
pub(crate) fn expect_output(machine: &mut dyn Machine, from: Port, text: &[u8]) {
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
