//! QEMU's arguments for a [`LaunchSpec`].
//!
//! A pure function: no file is looked at, no program is asked. What it gives works with QEMU 6.0
//! and later, and with the builds of distributions that leave much out.
//!
//! ```
//! use detente_machine::qemu::shell_line;
//!
//! assert_eq!(shell_line(["qemu", "-name", "two words"]), "qemu -name 'two words'");
//! ```

mod devices;
mod disks;
mod extras;
mod firmware;
mod shell;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

pub use devices::devices;
pub use disks::{hotplug_nodes, hotplug_raw};
pub use extras::{GUEST_AGENT_PORT_NAME, slot};
pub use shell::shell_line;

use crate::{Extras, Firmware, FirmwareFiles, LaunchSpec, Pretended, Profile};

/// The name of the virtio-serial port that the agent looks for.
pub const AGENT_PORT_NAME: &str = "org.detente.agent.0";

/// The most that QEMU's translator keeps of translated code, in MiB, beside the guest's memory.
pub const TCG_CACHE_MIB: u64 = 512;

/// What QEMU may not do once it runs; it needs none of it.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor, through the kernel's KVM.
    Kvm,
    /// QEMU's own translator.
    Tcg,
}

/// How QEMU is connected to us: descriptors that it inherits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wiring<'a> {
    /// What executes the guest's instructions.
    pub accel: Accelerator,
    /// Whether this QEMU can confine itself with seccomp.
    pub sandbox: bool,
    /// A connected stream socket for the first serial port.
    pub com1_fd: i32,
    /// A connected stream socket for the second serial port.
    pub com2_fd: i32,
    /// A connected stream socket for the virtio-serial port, where the profile has one.
    pub virtio_port_fd: Option<i32>,
    /// A connected stream socket for the QEMU guest agent's port, where the machine has one.
    pub guest_agent_fd: Option<i32>,
    /// A connected stream socket for QMP.
    pub qmp_fd: i32,
    /// A connected stream socket for Ethernet frames.
    pub net_fd: i32,
    /// The files of UEFI, where the machine has it.
    pub firmware: Option<&'a FirmwareFiles>,
}

/// The arguments that start the machine, stopped: QMP's `cont` lets it run, so no event is missed.
///
/// A guest's reset or power-off ends QEMU; a guest's panic pauses the machine, so that its screen
/// can still be looked at.
#[must_use]
pub fn arguments(spec: &LaunchSpec, wiring: &Wiring<'_>) -> Vec<OsString> {
    let mut arguments = Arguments::default();
    arguments.machine(spec, wiring.accel, wiring.firmware);
    arguments.boot(spec, wiring.firmware);
    arguments.firmly_behaved(wiring.sandbox, spec.extras);
    disks::add(&mut arguments, spec);
    arguments.socket_chardev("com1", wiring.com1_fd);
    arguments.socket_chardev("com2", wiring.com2_fd);
    arguments.serial_ports();
    if let Some(fd) = wiring.virtio_port_fd {
        arguments.socket_chardev("agent", fd);
        arguments.virtio_port();
        if let Some(fd) = wiring.guest_agent_fd {
            arguments.socket_chardev("qga", fd);
            arguments.guest_agent_port();
        }
    }
    arguments.pair("-netdev", format!("socket,id=net0,fd={}", wiring.net_fd));
    arguments.network_card(spec);
    arguments.other_devices(spec);
    arguments.socket_chardev("qmp", wiring.qmp_fd);
    arguments.pair("-mon", "chardev=qmp,mode=control");
    arguments.0.push("-S".into());
    arguments.0
}

/// The arguments for a person who starts the same machine by hand: the console on the terminal,
/// nothing behind the network card or the agent's ports. The files must still be there.
#[must_use]
pub fn arguments_by_hand(spec: &LaunchSpec, accel: Accelerator) -> Vec<OsString> {
    let mut arguments = Arguments::default();
    arguments.machine(spec, accel, None);
    arguments.boot(spec, None);
    arguments.firmly_behaved(false, spec.extras);
    disks::add(&mut arguments, spec);
    arguments.pair("-chardev", "stdio,id=com1,signal=off");
    arguments.pair("-chardev", "null,id=com2");
    arguments.serial_ports();
    if spec.profile.hardware().virtio_port {
        arguments.pair("-chardev", "null,id=agent");
        arguments.virtio_port();
    }
    arguments.pair("-netdev", "hubport,id=net0,hubid=0");
    arguments.network_card(spec);
    arguments.other_devices(spec);
    arguments.0
}

/// A list that grows option by option.
#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn pair(&mut self, option: &str, value: impl Into<OsString>) {
        self.0.push(option.into());
        self.0.push(value.into());
    }

    fn machine(&mut self, spec: &LaunchSpec, accel: Accelerator, firmware: Option<&FirmwareFiles>) {
        self.0.push("-nodefaults".into());
        self.0.push("-no-user-config".into());
        self.pair("-name", key_value("guest", spec.name.as_ref()));
        if !spec.extras.pretended.contains(Pretended::Uuid) {
            self.pair("-uuid", spec.uuid());
        }
        self.pair("-machine", firmware::machine(firmware));
        let hidden = if spec.hypervisor_bit {
            ""
        } else {
            ",hypervisor=off"
        };
        match accel {
            Accelerator::Kvm => {
                self.pair("-accel", "kvm");
                self.pair("-cpu", format!("host{hidden}"));
            }
            Accelerator::Tcg => {
                self.pair(
                    "-accel",
                    format!("tcg,thread=multi,tb-size={TCG_CACHE_MIB}"),
                );
                // A fifth level of page tables only makes every software walk longer.
                self.pair("-cpu", format!("max,la57=off{hidden}"));
            }
        }
        let (count, most) = (spec.topology.count(), extras::most_processors(spec));
        self.pair(
            "-smp",
            format!(
                "{count},sockets={},cores={},threads={},maxcpus={}",
                most.sockets,
                most.cores,
                most.threads,
                most.count()
            ),
        );
        self.pair("-m", extras::memory(spec));
        self.pair("-rtc", "base=utc");
    }

    fn boot(&mut self, spec: &LaunchSpec, firmware: Option<&FirmwareFiles>) {
        match spec.extras.firmware {
            Firmware::DirectBoot => {
                self.pair("-kernel", &spec.boot.kernel);
                self.pair("-initrd", &spec.boot.initramfs);
                self.pair("-append", &spec.boot.cmdline);
            }
            Firmware::Bios => {}
            Firmware::Uefi(_) => firmware::add(self, firmware),
        }
    }

    fn firmly_behaved(&mut self, sandbox: bool, wanted: Extras) {
        self.pair("-action", extras::actions(wanted));
        self.pair("-display", "none");
        self.pair("-msg", "timestamp=off");
        if sandbox {
            self.pair("-sandbox", SANDBOX);
        }
    }

    fn socket_chardev(&mut self, id: &str, fd: i32) {
        self.pair("-chardev", format!("socket,id={id},fd={fd}"));
    }

    fn serial_ports(&mut self) {
        self.pair("-device", "isa-serial,chardev=com1,index=0");
        self.pair("-device", "isa-serial,chardev=com2,index=1");
    }

    fn virtio_port(&mut self) {
        self.pair("-device", "virtio-serial-pci,id=ports");
        self.pair(
            "-device",
            format!("virtserialport,bus=ports.0,chardev=agent,name={AGENT_PORT_NAME}"),
        );
    }

    fn guest_agent_port(&mut self) {
        self.pair(
            "-device",
            format!("virtserialport,bus=ports.0,chardev=qga,name={GUEST_AGENT_PORT_NAME}"),
        );
    }

    fn network_card(&mut self, spec: &LaunchSpec) {
        let model = match spec.profile {
            Profile::Kvm => "virtio-net-pci",
            Profile::KvmLegacy => "e1000e",
            // QEMU has no such card.
            Profile::HypervVmbus => return,
        };
        let mac = spec.network.mac.map(|byte| format!("{byte:02x}")).join(":");
        // No boot ROM: we boot directly, and some distributions do not ship the file.
        self.pair("-device", format!("{model},netdev=net0,mac={mac},romfile="));
    }

    fn other_devices(&mut self, spec: &LaunchSpec) {
        self.pair("-device", "VGA");
        // A guest that knows it reports a panic at once.
        if !spec.extras.pretended.contains(Pretended::PanicDevice) {
            self.pair("-device", "pvpanic");
        }
        if spec.entropy {
            self.pair("-object", "rng-builtin,id=entropy");
            self.pair("-device", "virtio-rng-pci,rng=entropy");
        }
        extras::add(self, spec.extras);
    }
}

/// `key=value`, commas in the value doubled as QEMU wants them.
fn key_value(key: &str, value: &OsStr) -> OsString {
    let mut bytes = Vec::from(key.as_bytes());
    bytes.push(b'=');
    for &byte in value.as_bytes() {
        bytes.push(byte);
        if byte == b',' {
            bytes.push(byte);
        }
    }
    OsString::from_vec(bytes)
}
