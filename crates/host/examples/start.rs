//! Boots a kernel and an initramfs on this machine's QEMU, prints what happens for 90 seconds, and
//! sends what it reads from its standard input to the console.
//!
//! `cargo run --example start -- KERNEL INITRAMFS WORK [CMDLINE [PROFILE [OVERLAY SOURCE]]]`
#![expect(clippy::print_stdout, reason = "an example is a program of its own")]

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use detente_host::local::{LocalHost, LocalOptions};
use detente_host::{Host, MachineEvent, Port};
use detente_machine::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, LaunchSpec,
    Profile, Topology,
};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kernel, initramfs, work, more @ ..] = &arguments[..] else {
        return Err("wanted: KERNEL INITRAMFS WORK [CMDLINE [PROFILE [OVERLAY SOURCE]]]".into());
    };
    let options = LocalOptions {
        folders: vec!["/usr/bin".into(), "/usr/local/bin".into()],
        ..LocalOptions::default()
    };
    let host = LocalHost::find(&options)?;
    println!("{:#?}", host.facts());
    let profile: Profile = more.get(1).map_or("kvm", String::as_str).parse()?;
    let boot = DirectBoot {
        kernel: kernel.into(),
        initramfs: initramfs.into(),
        cmdline: more.first().cloned().unwrap_or("console=ttyS0".to_owned()),
    };
    let disk = more.get(2).zip(more.get(3));
    run(&host, &spec(profile, boot, disk), work.as_ref())
}

fn run(host: &LocalHost, spec: &LaunchSpec, work: &std::path::Path) -> Result<(), Failure> {
    let started = Instant::now();
    let mut machine = host.start(spec, work)?;
    println!("started after {:?}", started.elapsed());
    let typed = typed();
    let deadline = Instant::now() + Duration::from_secs(90);
    while Instant::now() < deadline {
        if let Ok(line) = typed.try_recv() {
            machine.send(Port::Console, line.as_bytes())?;
        }
        let Some(event) = machine.next_event(Instant::now() + Duration::from_millis(50))? else {
            continue;
        };
        match event {
            MachineEvent::Output {
                port: Port::Console,
                bytes,
            } => std::io::stdout().write_all(&bytes)?,
            MachineEvent::Exited { status, stderr } => {
                println!("{:?} exited: {status}: {stderr}", started.elapsed());
                break;
            }
            MachineEvent::Output { .. }
            | MachineEvent::ConsoleFlood { .. }
            | MachineEvent::PowerOff(_)
            | MachineEvent::Reset
            | MachineEvent::Removed { .. }
            | MachineEvent::Bus(_)
            | MachineEvent::Heartbeat { .. }
            | MachineEvent::Crashed { .. }
            | MachineEvent::Answered { .. } => println!("{:?} {event:?}", started.elapsed()),
        }
    }
    let picture = work.join("screen.png");
    println!("picture: {:?}", machine.screen_picture(&picture));
    println!("network: {:?}", machine.network_seen());
    println!("{:?}", machine.stop()?);
    Ok(())
}

fn typed() -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line + "\n").is_err() {
                break;
            }
        }
    });
    lines
}

fn spec(profile: Profile, boot: DirectBoot, disk: Option<(&String, &String)>) -> LaunchSpec {
    LaunchSpec {
        name: "example".to_owned(),
        profile,
        topology: Topology {
            sockets: 1,
            cores: 2,
            threads: 1,
        },
        memory_mib: 512,
        disks: disk
            .into_iter()
            .map(|(overlay, source)| LaunchDisk {
                overlay: overlay.into(),
                below: DiskBelow::Files(vec![DiskFile {
                    path: source.into(),
                    format: ImageFormat::Qcow2,
                }]),
                bus: match profile {
                    Profile::Kvm => DiskBus::Virtio,
                    Profile::KvmLegacy => DiskBus::Sata,
                    Profile::HypervVmbus => DiskBus::Vmbus,
                },
                serial: "detente-0".to_owned(),
            })
            .collect(),
        boot,
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
