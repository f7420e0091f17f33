//! Our XML on a real libvirtd: held against its schema, defined, started, seen running, and read
//! again as libvirtd gives it back.
//!
//! The daemons run as nobody, or as whoever runs the tests, in folders of their own; what the host
//! has of libvirt is neither read nor changed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says what it skips"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use detente_machine::kvm::{DeviceChoice, KvmOptions};
use detente_machine::libvirt::{from_libvirt, to_libvirt};
use detente_machine::qemu::Accelerator;
use detente_machine::spec::{
    Bus, CheckpointPolicy, Chipset, Clock, Disk, DiskAccess, DiskDevice, DiskFormat, Display,
    Extensions, Firmware, GenerationId, GuestFamily, IntegrationService, MacAddress, MachineSpec,
    MemoryRange, Nic, NicModel, ProcessorModel, ProcessorTopology, Sealing, SecureBoot,
    SecureBootKeys, SerialBackend, SerialPort, Slot, Tpm, Vlan,
};

/// Debian's `nobody`, as everybody's.
const NOBODY: u32 = 65_534;
/// Under a translator on a busy host.
const PATIENCE: Duration = Duration::from_secs(240);
/// What the disk's boot sector says on the first serial port.
const GREETING: &str = "detente: started from the disk";

/// A libvirtd of our own.
struct Libvirt {
    folder: tempfile::TempDir,
    daemons: Vec<Child>,
    machine: Option<String>,
}

impl Libvirt {
    /// Starts it; `None` where it is not installed, which is said.
    fn start(test: &str) -> Option<Self> {
        let programs = [
            "libvirtd",
            "virtlogd",
            "virsh",
            "virt-xml-validate",
            "qemu-system-x86_64",
            "swtpm",
            "swtpm_setup",
            "setpriv",
        ];
        for name in programs {
            if !["/usr/sbin", "/usr/bin"]
                .iter()
                .any(|folder| Path::new(folder).join(name).exists())
            {
                eprintln!("skipped: {test}: {name} is not installed");
                return None;
            }
        }
        if !Path::new("/usr/share/qemu/firmware").is_dir() {
            eprintln!("skipped: {test}: no firmware is described for QEMU (ovmf)");
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("lv")
            .tempdir_in("/tmp")
            .unwrap();
        let mut own = Self {
            folder,
            daemons: Vec::new(),
            machine: None,
        };
        for name in ["run", "config", "cache", "data"] {
            fs::create_dir(own.path(name)).unwrap();
            fs::set_permissions(own.path(name), fs::Permissions::from_mode(0o700)).unwrap();
            own.give(&own.path(name));
        }
        own.give(own.folder.path());
        for name in ["virtlogd", "libvirtd"] {
            let log = fs::File::create(own.path(&format!("{name}.log"))).unwrap();
            let mut command = own.command(name);
            command.stdout(log.try_clone().unwrap()).stderr(log);
            own.daemons.push(command.spawn().unwrap());
        }
        let socket = own.socket();
        own.wait("libvirtd listens", || socket.exists());
        Some(own)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.path("run/libvirt/libvirt-sock")
    }

    fn is_root(&self) -> bool {
        fs::metadata("/proc/self").unwrap().uid() == 0
    }

    /// To whom the daemons run as.
    fn give(&self, path: &Path) {
        if self.is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// A program in the daemons' surroundings.
    fn command(&self, name: &str) -> Command {
        let mut command = if self.is_root() {
            let mut command = Command::new("setpriv");
            let id = NOBODY.to_string();
            command.args(["--reuid", &id, "--regid", &id, "--clear-groups", name]);
            command
        } else {
            Command::new(name)
        };
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_DATA_HOME", self.path("data"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn virsh(&self, arguments: &[&str]) -> Output {
        let uri = format!("qemu:///session?socket={}", self.socket().display());
        self.command("virsh")
            .args(["-q", "-c", &uri])
            .args(arguments)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn virsh_said(&self, arguments: &[&str]) -> String {
        let output = self.virsh(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "virsh {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < PATIENCE, "it took too long until {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the guest said on its first serial port.
    fn console(&self) -> String {
        let bytes = fs::read(self.path("console.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Defines and starts it, and holds what libvirtd makes of it against what it was.
    #[track_caller]
    fn run(&mut self, spec: &MachineSpec) {
        let options = KvmOptions {
            accelerator: Accelerator::Tcg,
            ..KvmOptions::default()
        };
        let (xml, losses) = to_libvirt(spec, &options).unwrap();
        let file = self.path("domain.xml");
        fs::write(&file, &xml).unwrap();
        self.give(&file);
        let file = file.to_str().unwrap().to_owned();
        let valid = self
            .command("virt-xml-validate")
            .args([&file, "domain"])
            .output()
            .unwrap();
        assert!(
            valid.status.success(),
            "{}\n{xml}",
            String::from_utf8_lossy(&valid.stderr)
        );
        self.virsh_said(&["define", "--validate", &file]);
        self.machine = Some(spec.name.clone());
        self.virsh_said(&["start", &spec.name]);
        let given = self.virsh_said(&["dumpxml", "--inactive", &spec.name]);
        let (again, _) = from_libvirt(given.as_bytes()).unwrap();
        same(spec, &again, &given);
        assert!(losses.gates(&[]).is_empty());
        // A machine that runs is described with more words, and read all the same.
        let running = self.virsh(&["dumpxml", &spec.name]);
        if running.status.success() {
            let (running, _) = from_libvirt(&running.stdout).unwrap();
            assert_eq!(running.disks.len(), spec.disks.len());
        }
    }

    /// The machine with its disk, whose boot sector greets and turns the machine off.
    fn machine(&self, firmware: Firmware) -> MachineSpec {
        let disk = self.path("disk.raw");
        let mut bytes = boot_sector();
        bytes.resize(1 << 20, 0);
        fs::write(&disk, bytes).unwrap();
        self.give(&disk);
        let mut spec = MachineSpec::new("web & co", 2, 256 << 20, firmware);
        spec.identity.uuid = "564d1a0c-9bd2-4b7e-8f11-0123456789ab".parse().ok();
        spec.identity.generation_id =
            GenerationId::Fixed("43dc0cf8-809b-4adb-9bea-a9abb5f3d90e".parse().unwrap());
        spec.notes = Some("two\nlines & <signs>".to_owned());
        spec.chipset = Some(Chipset::Q35);
        spec.memory.range = MemoryRange::Balloon {
            maximum_bytes: 512 << 20,
        };
        spec.processors.topology = Some(ProcessorTopology {
            sockets: 1,
            dies: 1,
            cores: 2,
            threads: 1,
        });
        let mut disk = Disk::file(Bus::Virtio, disk.to_str().unwrap(), DiskFormat::Raw);
        disk.boot_order = Some(1);
        disk.serial = Some("DETENTE-0".to_owned());
        disk.slot = place(0);
        let mut drive = Disk::file(Bus::Sata, "/none", DiskFormat::Raw);
        drive.device = DiskDevice::Cdrom;
        drive.source = None;
        drive.access = DiskAccess::ReadOnly;
        drive.slot = place(1);
        spec.disks = vec![disk, drive];
        for (model, last) in [(NicModel::Virtio, 1), (NicModel::E1000e, 2)] {
            let mut nic = Nic::new(model, None);
            nic.mac = Some(MacAddress([0x52, 0x54, 0, 0, 2, last]));
            spec.nics.push(nic);
        }
        let port = |port, backend| SerialPort {
            port,
            backend,
            extensions: Extensions::default(),
        };
        let path = self.path("console.log").to_str().unwrap().to_owned();
        spec.serial_ports = vec![
            port(0, SerialBackend::File { path }),
            port(1, SerialBackend::Pty),
        ];
        spec.integration.extend([
            IntegrationService::QemuGuestAgent,
            IntegrationService::Entropy,
            IntegrationService::Balloon,
            IntegrationService::PanicNotifier,
        ]);
        spec.display = Display::Present;
        // Nothing on it is encrypted.
        spec.guest.sealed_disks = Sealing::None;
        spec
    }
}

impl Drop for Libvirt {
    fn drop(&mut self) {
        if let Some(name) = &self.machine {
            self.virsh(&["destroy", name]);
            self.virsh(&["undefine", "--nvram", name]);
        }
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn place(location: u32) -> Option<Slot> {
    Some(Slot {
        controller: 0,
        location,
    })
}

/// What libvirtd gives back is what it was given.
#[track_caller]
fn same(spec: &MachineSpec, again: &MachineSpec, xml: &str) {
    assert_eq!(again.name, spec.name, "{xml}");
    assert_eq!(again.identity, spec.identity, "{xml}");
    assert_eq!(again.notes, spec.notes, "{xml}");
    assert_eq!(again.memory, spec.memory, "{xml}");
    assert_eq!(again.processors.count, spec.processors.count, "{xml}");
    assert_eq!(again.processors.topology, spec.processors.topology, "{xml}");
    assert_eq!(again.firmware, spec.firmware, "{xml}");
    assert_eq!(again.tpm, spec.tpm, "{xml}");
    assert_eq!(again.disks, spec.disks, "{xml}");
    assert_eq!(again.serial_ports, spec.serial_ports, "{xml}");
    assert_eq!(again.integration, spec.integration, "{xml}");
    assert_eq!(again.display, spec.display, "{xml}");
    let macs = |spec: &MachineSpec| spec.nics.iter().map(|nic| nic.mac).collect::<Vec<_>>();
    assert_eq!(macs(again), macs(spec), "{xml}");
}

/// Code for the first sector of a disk: writes the greeting to port 0x3f8, then turns a q35 off by
/// its power management port (ACPI's PM1a control: SLP_EN, S5).
fn boot_sector() -> Vec<u8> {
    let code = [
        0xbe, 0x19, 0x7c, // mov si, greeting
        0xfc, // cld
        0xac, // next: lodsb
        0x84, 0xc0, // test al, al
        0x74, 0x06, // jz off
        0xba, 0xf8, 0x03, // mov dx, 0x3f8
        0xee, // out dx, al
        0xeb, 0xf5, // jmp next
        0xba, 0x04, 0x06, // off: mov dx, 0x604
        0xb8, 0x00, 0x20, // mov ax, 0x2000
        0xef, // out dx, ax
        0xf4, // stop: hlt
        0xeb, 0xfd, // jmp stop
    ];
    let mut sector = code.to_vec();
    sector.extend(GREETING.as_bytes());
    sector.extend(b"\r\n\0");
    sector.resize(510, 0);
    sector.extend([0x55, 0xaa]);
    sector
}

/// What no host here can start is held against libvirt's schema all the same.
#[test]
fn the_schema_of_libvirt_takes_every_variant() {
    let test = "the_schema_of_libvirt_takes_every_variant";
    if !Path::new("/usr/bin/virt-xml-validate").exists() {
        eprintln!("skipped: {test}: virt-xml-validate is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("domain.xml");
    let (rhel9, _) = from_libvirt(include_bytes!("libvirt/rhel9.xml")).unwrap();
    let keys = SecureBootKeys::MicrosoftWindows;
    let secure_boot = SecureBoot::On { keys };
    let mut windows = rhel9.clone();
    windows.firmware = Firmware::Uefi { secure_boot };
    windows.guest.family = GuestFamily::Windows;
    windows.clock = Clock::LocalTime;
    windows.identity.generation_id = GenerationId::HostMade;
    windows.checkpoints.policy = CheckpointPolicy::Production;
    windows.processors.model = ProcessorModel::Named("EPYC-Rome".to_owned());
    windows.extensions = Extensions::default();
    let mut bios = rhel9.clone();
    bios.firmware = Firmware::Bios;
    bios.chipset = Some(Chipset::I440fx);
    bios.nics[0].vlan = Vlan::Trunk {
        native: Some(1),
        allowed: vec![1, 2],
    };
    for spec in [rhel9, windows, bios] {
        for devices in [
            DeviceChoice::AsDefined,
            DeviceChoice::Virtio,
            DeviceChoice::Plain,
        ] {
            let options = KvmOptions {
                devices,
                ..KvmOptions::default()
            };
            let (xml, _) = to_libvirt(&spec, &options).unwrap();
            fs::write(&file, &xml).unwrap();
            let mut command = Command::new("virt-xml-validate");
            let valid = command.arg(&file).arg("domain").output().unwrap();
            assert!(
                valid.status.success(),
                "{}\n{xml}",
                String::from_utf8_lossy(&valid.stderr)
            );
        }
    }
}

#[test]
fn libvirt_starts_a_machine_with_a_bios() {
    let Some(mut libvirt) = Libvirt::start("libvirt_starts_a_machine_with_a_bios") else {
        return;
    };
    let spec = libvirt.machine(Firmware::Bios);
    libvirt.run(&spec);
    // It greets, and turns itself off.
    libvirt.wait("the machine is off", || {
        let state = libvirt.virsh_said(&["domstate", &spec.name]);
        state.trim() == "shut off"
    });
    let console = libvirt.console();
    assert!(console.contains(GREETING), "{console:?}");
}

#[track_caller]
fn starts_with_uefi(test: &str, secure_boot: SecureBoot, tpm: Option<Tpm>) {
    let Some(mut libvirt) = Libvirt::start(test) else {
        return;
    };
    let mut spec = libvirt.machine(Firmware::Uefi { secure_boot });
    spec.tpm = tpm;
    libvirt.run(&spec);
    // The firmware finds no loader on the disk, and says so on the serial port.
    libvirt.wait("the firmware says something", || {
        libvirt.console().contains("BdsDxe")
    });
    let state = libvirt.virsh_said(&["domstate", &spec.name]);
    assert_eq!(state.trim(), "running");
}

#[test]
fn libvirt_starts_a_machine_with_uefi() {
    let test = "libvirt_starts_a_machine_with_uefi";
    starts_with_uefi(test, SecureBoot::Off, None);
}

#[test]
fn libvirt_starts_a_machine_with_secure_boot_and_a_tpm() {
    let keys = SecureBootKeys::MicrosoftBoth;
    let tpm = Tpm {
        version: Default::default(),
        interface: Default::default(),
    };
    let test = "libvirt_starts_a_machine_with_secure_boot_and_a_tpm";
    starts_with_uefi(test, SecureBoot::On { keys }, Some(tpm));
}
