//! Scripts that start QEMU: what a shell makes of them, and what QEMU says.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says what it skips"
)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use detente_machine::kvm::KvmOptions;
use detente_machine::qemu::Accelerator;
use detente_machine::qemu_definition::to_qemu_command;
use detente_machine::spec::{
    Bus, Clock, Controller, ControllerModel, Disk, DiskAccess, DiskDevice, DiskFormat, Display,
    Extensions, Firmware, GenerationId, IntegrationService, MacAddress, MachineSpec, Nic, NicModel,
    SecureBoot, SecureBootKeys, SerialBackend, SerialPort, Tpm,
};

/// A machine with a device of every kind. `folder` has its disks.
fn machine(folder: &Path, firmware: Firmware) -> MachineSpec {
    let mut spec = MachineSpec::new("it's $(touch evil), `really`", 2, 256 << 20, firmware);
    spec.notes = Some("line one\n$(touch evil)\n'; touch evil; '".to_owned());
    spec.identity.uuid = "564d1a0c-9bd2-4b7e-8f11-0123456789ab".parse().ok();
    spec.identity.generation_id = GenerationId::HostMade;
    spec.clock = Clock::LocalTime;
    for (index, bus) in [Bus::Virtio, Bus::Sata, Bus::Scsi, Bus::Usb]
        .into_iter()
        .enumerate()
    {
        let path = folder.join(format!("a, 'b' $(touch evil) {index}.raw"));
        std::fs::write(&path, [0; 4096]).unwrap();
        let mut disk = Disk::file(bus, path.to_str().unwrap(), DiskFormat::Raw);
        disk.serial = Some(format!("S,{index}"));
        disk.boot_order = u32::try_from(index + 1).ok();
        spec.disks.push(disk);
    }
    let mut drive = spec.disks[1].clone();
    drive.device = DiskDevice::Cdrom;
    drive.access = DiskAccess::ReadOnly;
    drive.source = None;
    drive.boot_order = None;
    spec.disks.push(drive);
    spec.controllers.push(Controller {
        bus: Bus::Scsi,
        index: 0,
        model: ControllerModel::VirtioScsi,
        extensions: Extensions::default(),
    });
    for (index, model) in [NicModel::Virtio, NicModel::E1000e].into_iter().enumerate() {
        let mut nic = Nic::new(model, None);
        nic.mac = Some(MacAddress([
            0x52,
            0x54,
            0,
            0,
            1,
            u8::try_from(index).unwrap(),
        ]));
        spec.nics.push(nic);
    }
    spec.serial_ports.push(SerialPort {
        port: 1,
        backend: SerialBackend::Null,
        extensions: Extensions::default(),
    });
    spec.integration.extend([
        IntegrationService::QemuGuestAgent,
        IntegrationService::Entropy,
        IntegrationService::Balloon,
        IntegrationService::PanicNotifier,
    ]);
    spec
}

fn emulated() -> KvmOptions {
    KvmOptions {
        accelerator: Accelerator::Tcg,
        ..KvmOptions::default()
    }
}

fn write_script(folder: &Path, spec: &MachineSpec) -> std::path::PathBuf {
    let (script, _) = to_qemu_command(spec, &emulated()).unwrap();
    let path = folder.join("start.sh");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A shell takes no word of a definition for one of its own: what QEMU would be given is what stands
/// in the definition.
#[test]
fn names_are_words_whatever_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let spec = machine(folder.path(), Firmware::Bios);
    let script = write_script(folder.path(), &spec);
    // Something that prints its arguments takes QEMU's place.
    let printer = folder.path().join("printer");
    std::fs::write(&printer, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
    std::fs::set_permissions(&printer, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("sh")
        .arg(&script)
        .arg("-further")
        .env("QEMU", &printer)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = said.lines().collect();
    assert!(
        words.contains(&"guest=it's $(touch evil),, `really`"),
        "{said}"
    );
    let path = folder.path().join("a,, 'b' $(touch evil) 0.raw");
    let node = format!(
        "driver=raw,node-name=disk0,discard=unmap,file.driver=file,file.filename={}",
        path.display()
    );
    assert!(words.contains(&node.as_str()), "{said}");
    assert!(
        words.contains(&"virtio-blk-pci,drive=disk0,serial=S,,0,bootindex=1"),
        "{said}"
    );
    assert_eq!(words.last(), Some(&"-further"));
    assert!(!folder.path().join("evil").exists());
}

/// Starts the script with the machine halted, and has QEMU quit.
#[track_caller]
fn accepted(test: &str, mut spec: MachineSpec, folder: &Path) {
    for program in ["qemu-system-x86_64", "swtpm"] {
        let found = Command::new(program).arg("--version").output();
        if found.is_err() {
            eprintln!("skipped: {test}: {program} is not installed");
            return;
        }
    }
    if spec.firmware.is_uefi() && !Path::new("/usr/share/OVMF/OVMF_CODE_4M.ms.fd").exists() {
        eprintln!("skipped: {test}: OVMF is not where Debian has it");
        return;
    }
    spec.name = "plain".to_owned();
    let script = write_script(folder, &spec);
    let child = Command::new("sh")
        .arg(&script)
        .args(["-S", "-qmp", "stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    let mut orders = child.stdin.take().unwrap();
    orders
        .write_all(b"{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"query-status\"}\n{\"execute\":\"quit\"}\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{said}");
    assert!(said.contains("prelaunch"), "{errors}\n{said}");
}

#[test]
fn qemu_takes_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let spec = machine(folder.path(), Firmware::Bios);
    accepted("qemu_takes_every_device", spec, folder.path());
}

#[test]
fn qemu_takes_secure_boot_and_a_tpm() {
    let folder = tempfile::tempdir().unwrap();
    let secure_boot = SecureBoot::On {
        keys: SecureBootKeys::MicrosoftBoth,
    };
    let mut spec = machine(folder.path(), Firmware::Uefi { secure_boot });
    spec.tpm = Some(Tpm {
        version: Default::default(),
        interface: Default::default(),
    });
    spec.display = Display::Absent;
    accepted("qemu_takes_secure_boot_and_a_tpm", spec, folder.path());
}
