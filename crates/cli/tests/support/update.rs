//! The next kernel, installed in a guest by its own package manager, while the guest runs on QEMU.
//! Nothing of ours has a part in it: the guest is started with `systemd.run=`
//! (systemd-run-generator(8)), which runs one command and powers off.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::prepare::document;
use super::{await_some, detente, expect_code, repository};

/// What the script says when all went well.
const DONE: &str = "THE NEXT KERNEL IS INSTALLED";

/// How long that may take in emulation: dracut and initramfs-tools are many small programs.
const LIMIT: Duration = Duration::from_secs(1200);

/// Installs it; the image is written.
#[track_caller]
pub(crate) fn install_next_kernel(image: &Path, place: &Path) {
    let start = starting_files(image, place);
    let payload = payload(place);
    let console = place.join("update.log");
    let command = "systemd.run=\"/bin/sh -c 'mkdir /run/u && mount LABEL=update /run/u && sh /run/u/run'\" \
        systemd.run_success_action=poweroff systemd.run_failure_action=poweroff";
    let mut child = Command::new("qemu-system-x86_64")
        .args([
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
            "-nic",
            "none",
        ])
        .args(["-machine", "q35", "-accel", "tcg,thread=multi", "-smp", "1"])
        .args(["-cpu", "max,la57=off", "-m", "2048"])
        .args(["-serial", &format!("file:{}", console.display())])
        .args(["-drive", &drive(image, "qcow2")])
        .args(["-drive", &drive(&payload, "raw")])
        .arg("-kernel")
        .arg(start.kernel)
        .arg("-initrd")
        .arg(start.initramfs)
        .args(["-append", &format!("{} {command}", start.command_line)])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let status = await_some("the update", LIMIT, || child.try_wait().unwrap());
    let said = String::from_utf8_lossy(&std::fs::read(&console).unwrap()).into_owned();
    assert!(status.success() && said.contains(DONE), "{said}");
}

fn drive(file: &Path, format: &str) -> String {
    format!("file={},format={format},if=virtio", file.display())
}

/// What QEMU is told to start.
struct Start {
    kernel: PathBuf,
    initramfs: PathBuf,
    command_line: String,
}

#[track_caller]
fn starting_files(image: &Path, place: &Path) -> Start {
    let mut command = detente();
    let output = command.args(["inspect", "--format", "json"]).arg(image);
    let facts = document(&output.output().unwrap());
    let default = &facts["boot"]["default"];
    let copy = |file: &Value, name: &str| {
        // On a partition of its own that is an EFI system partition; else on the root.
        let path = file["path"].as_str().unwrap();
        let on_esp = file["partition"] == 1;
        let path = format!("{}{path}", if on_esp { "/boot/efi" } else { "" });
        let path = path.replacen("/@/", "/", 1);
        let mut command = detente();
        command
            .arg("cat")
            .arg(format!("{}:{path}", image.display()));
        let output = command.output().unwrap();
        expect_code(&output, 0);
        let to = place.join(name);
        std::fs::write(&to, output.stdout).unwrap();
        to
    };
    Start {
        kernel: copy(&default["kernel"], "kernel"),
        initramfs: copy(&default["initramfs"][0], "initramfs"),
        command_line: default["command_line"].as_str().unwrap().to_owned(),
    }
}

/// A disk with the packages and what is done with them.
#[track_caller]
fn payload(place: &Path) -> PathBuf {
    let tree = place.join("payload");
    std::fs::create_dir(&tree).unwrap();
    let packages = repository().join("target/images/prepare-packages");
    let packages = std::fs::read_dir(packages).expect("cargo xtask images prepare");
    let mut count = 0;
    for package in packages {
        let package = package.unwrap();
        let name = package.file_name().to_string_lossy().into_owned();
        if name.starts_with("linux-image-6.12") {
            std::fs::copy(package.path(), tree.join(name)).unwrap();
            count += 1;
        }
    }
    assert_eq!(count, 2, "the kernel and the package that names it");
    let script = format!(
        "exec >/dev/ttyS0 2>&1\nexport DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
         mount /boot/efi\ndpkg --install /run/u/*.deb && echo {DONE}\numount /boot/efi\nsync\n"
    );
    std::fs::write(tree.join("run"), script).unwrap();
    let disk = place.join("payload.img");
    let mut command = Command::new("mke2fs");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command.args(["-q", "-t", "ext4", "-L", "update", "-d"]);
    let output = command.arg(tree).arg(&disk).arg("96M").output().unwrap();
    expect_code(&output, 0);
    disk
}
