//! Boots a Linux guest on the Hyper-V-compatible machine, on this host's KVM or in the lab, and
//! prints what happens.
//!
//! `cargo run --example lab -- CACHE KERNEL INITRAMFS CMDLINE [OVERLAY RAW]`

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use detente_host::hyperv::{HypervHost, HypervOptions};
use detente_host::lab::fetch;
use detente_host::{Host as _, MachineEvent, Port};
use detente_machine::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, LaunchSpec,
    Profile, Topology,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [cache, kernel, initramfs, cmdline, disks @ ..] = arguments.as_slice() else {
        return Err("CACHE KERNEL INITRAMFS CMDLINE [OVERLAY RAW]".into());
    };
    let folders: Vec<PathBuf> = ["/usr/bin", "/usr/sbin"].map(Into::into).into();
    let mut out = std::io::stdout();
    if !cache.exists() {
        writeln!(out, "fetched: {:?}", fetch(&folders, cache)?)?;
    }
    let work = tempfile::tempdir()?;
    let host = HypervHost::find(&HypervOptions {
        folders,
        runtime: cache.join("run"),
        cache: cache.clone(),
        ..HypervOptions::default()
    })?;
    writeln!(out, "{}", host.facts().acceleration_proof)?;
    let spec = spec(kernel, initramfs, cmdline, disks);
    for _ in 0..std::env::var("GUESTS").map_or(1, |text| text.parse().unwrap_or(1)) {
        let started = Instant::now();
        let mut machine = host.start(&spec, work.path())?;
        writeln!(out, "{:?} started", started.elapsed())?;
        let deadline = Instant::now() + Duration::from_secs(240);
        while let Some(event) = machine.next_event(deadline)? {
            if let MachineEvent::Output {
                port: Port::Console,
                bytes,
            } = &event
            {
                out.write_all(bytes)?;
                continue;
            }
            writeln!(out, "{:?} {event:?}", started.elapsed())?;
            if matches!(event, MachineEvent::Exited { .. }) {
                break;
            }
        }
        writeln!(out, "{:?}", machine.stop()?)?;
    }
    Ok(())
}

fn spec(kernel: &Path, initramfs: &Path, cmdline: &Path, disks: &[PathBuf]) -> LaunchSpec {
    let disks = disks
        .chunks_exact(2)
        .map(|pair| LaunchDisk {
            overlay: pair[0].clone(),
            below: DiskBelow::Files(vec![DiskFile {
                path: pair[1].clone(),
                format: ImageFormat::Raw,
            }]),
            bus: DiskBus::Vmbus,
            serial: "detente0".to_owned(),
        })
        .collect();
    LaunchSpec {
        name: "lab-example".to_owned(),
        profile: Profile::HypervVmbus,
        topology: Topology {
            sockets: 1,
            cores: std::env::var("PROCESSORS").map_or(1, |text| text.parse().unwrap_or(1)),
            threads: 1,
        },
        memory_mib: 512,
        disks,
        boot: DirectBoot {
            kernel: kernel.to_owned(),
            initramfs: initramfs.to_owned(),
            cmdline: cmdline.to_string_lossy().into_owned(),
        },
        network: LaunchNetwork {
            mac: [0x52, 0x54, 0x00, 0xd7, 0xe2, 0x01],
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: false,
        console_input: true,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
        extras: detente_machine::Extras::default(),
    }
}
