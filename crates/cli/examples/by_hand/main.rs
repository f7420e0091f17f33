//! Boots a guest as a person would with a QEMU command line, and says how long that took: what
//! `detente validate` is measured against (`cargo xtask bench validate`).
//!
//! The guest's own kernel, initramfs and command line, no agent, nothing behind the network card;
//! to multi-user, then the power button. Everything up to QEMU's start is not counted.
//!
//! `cargo run --release --example by_hand -- IMAGE WORK` prints a line of JSON. WORK is a folder
//! that exists and is ours alone; only files are left there.
#![expect(clippy::print_stdout, reason = "an example is a program of its own")]

mod running;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use detente_block::{DirectoryGate, FileBackend};
use detente_disk::{Format, Image, OverlaySpec, empty_overlay};
use detente_guest::{BootLimits, Options, inspect};
use detente_host::Host as _;
use detente_host::local::{LocalHost, LocalOptions};
use detente_machine::qemu::{arguments_by_hand, shell_line};
use detente_machine::{
    DirectBoot, DiskBelow, DiskBus, DiskFile, ImageFormat, LaunchDisk, LaunchNetwork, LaunchSpec,
    Profile,
};
use detente_plan::Plan;
use running::{QMP_SOCKET, Running};
use serde_json::json;

/// The card's address: any will do, as nothing is behind it.
const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0xd7, 0xe2, 0x01];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [image, work] = &arguments[..] else {
        anyhow::bail!("wanted: IMAGE WORK");
    };
    let image = std::path::absolute(image)?;
    // Short names: a socket's path may not be longer than 107 bytes.
    std::env::set_current_dir(work).context("WORK")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let host = LocalHost::find(&LocalOptions {
        folders: std::env::split_paths(&path).collect(),
        ..LocalOptions::default()
    })?;
    let mut qemu = arguments_by_hand(&machine(&image)?, host.accelerator());
    qemu.push("-qmp".into());
    qemu.push(format!("unix:{QMP_SOCKET},server=off").into());
    let times = Running::start(&host.facts().program, &qemu)?.boot_and_power_off()?;

    let folder = image.parent().unwrap_or(Path::new("/"));
    let line = shell_line(["qemu-system-x86_64".into()].into_iter().chain(qemu))
        .replace(&format!("{}/", folder.display()), "");
    let facts = host.facts();
    println!(
        "{}",
        json!({
            "seconds": times.all.as_secs_f64(),
            "multi_user_seconds": times.multi_user.as_secs_f64(),
            "qemu": facts.version,
            "acceleration": facts.acceleration_proof,
            "command": line,
        })
    );
    Ok(())
}

/// The same machine as the plan's, its files in the current folder.
fn machine(path: &Path) -> anyhow::Result<LaunchSpec> {
    let file = Arc::new(FileBackend::open(path).with_context(|| path.display().to_string())?);
    let image = detente_disk::open(path, file, &DirectoryGate::beside(path))?;
    let guest = inspect(std::slice::from_ref(&image.reader), Options::default())?;
    let boot = guest.boot_files(BootLimits::default())?;
    anyhow::ensure!(
        boot.cmdline.contains("console=ttyS0"),
        "this guest says nothing on its serial port: {}",
        boot.cmdline
    );
    std::fs::write("kernel", &boot.kernel)?;
    std::fs::write("initramfs", &boot.initramfs)?;
    let parameters = Plan::named("smoke")?.parameters;
    let profile = Profile::Kvm;
    Ok(LaunchSpec {
        name: "by-hand".to_owned(),
        profile,
        topology: parameters.vcpus,
        memory_mib: parameters.memory_mib,
        disks: vec![disk(path, &image)?],
        boot: DirectBoot {
            kernel: "kernel".into(),
            initramfs: "initramfs".into(),
            cmdline: boot.cmdline,
        },
        network: LaunchNetwork {
            mac: MAC,
            dhcp: false,
            spoil_transfer: false,
        },
        entropy: profile.hardware().entropy,
        console_input: false,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
        extras: detente_machine::Extras::default(),
    })
}

/// The image below a new overlay.
fn disk(path: &Path, image: &Image) -> anyhow::Result<LaunchDisk> {
    let top = image.layers.first().context("an image has a file")?;
    let bytes = empty_overlay(&OverlaySpec {
        virtual_size: image.reader.len_bytes(),
        backing_path: path.display().to_string(),
        backing_format: top.format,
    })?;
    std::fs::write("disk0.overlay", bytes)?;
    let layers = image.layers.iter().map(|layer| {
        let format = match layer.format {
            Format::Raw => ImageFormat::Raw,
            Format::Qcow2 => ImageFormat::Qcow2,
            Format::Vhdx | Format::Vhd | Format::Vmdk => {
                anyhow::bail!("only raw and qcow2 images are started by hand")
            }
        };
        let path = layer.path.clone();
        Ok(DiskFile { path, format })
    });
    let chain = layers.collect::<anyhow::Result<_>>()?;
    Ok(LaunchDisk {
        overlay: "disk0.overlay".into(),
        below: DiskBelow::Files(chain),
        bus: DiskBus::Virtio,
        serial: "detente0".to_owned(),
    })
}
