//! Faults put in on purpose: each spoils the machine so that one case must fail.
//!
//! They exist so that every case is shown to be able to fail. A run with a fault says so in its
//! record and is good for nothing else.

use std::fmt;
use std::str::FromStr;

use detente_machine::{DiskBus, LaunchSpec, OnReset, Pretended, Topology};
use detente_plan::CaseId;

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The kernel is given an option that it complains of.
    BootLog,
    /// One processor instead of what the plan says.
    Vcpus,
    /// The kernel is told to use half of the memory.
    Memory,
    /// The disk is attached to NVMe, which no profile has.
    DiskBus,
    /// No address is given out.
    Address,
    /// One bit of a transfer is flipped.
    Transfer,
    /// The kernel is told to trust no hardware clock.
    Clock,
    /// There is no entropy device.
    Entropy,
    /// What is typed does not reach the console.
    Console,
    /// The guest is told to ignore the power button.
    PowerButton,
    /// The processor does not say that there is a hypervisor.
    Hypervisor,
    /// The time synchronization service is not offered.
    TimeSync,
    /// The heartbeat service is not offered.
    Heartbeat,
    /// The guest's key-value daemon is told another value.
    KeyValues,
    /// The machine says that the guest is frozen, and has not asked it.
    Freeze,
    /// There is no keyboard.
    Keyboard,
    /// The guest is not told that there are crash registers.
    CrashRegisters,
    /// The machine says that a disk is taken away, and it is not.
    UnpluggedDisk,
    /// The machine says that a disk has grown, and it has not.
    GrownDisk,
    /// What the guest discards is not given back.
    Discarding,
    /// A disk that is to be read only can be written.
    ReadOnly,
    /// The machine says that a card is plugged in, and it is not.
    PluggedCard,
    /// The machine says that the cable is out, and it is not.
    Link,
    /// The machine says that a processor is plugged in, and it is not.
    PluggedProcessor,
    /// The machine says that the balloon has another size, and it has not.
    Balloon,
    /// The machine says that memory is plugged in, and it is not.
    PluggedMemory,
    /// The machine says that it stands still, and it does not.
    Pause,
    /// The machine ends when it is reset, and does not start again.
    Restart,
    /// The guest is told to ignore Ctrl, Alt and Delete.
    CtrlAltDelete,
    /// The machine says that it is reset, and it is not.
    Reset,
    /// A disk says that it has flushed, and it has not.
    Flush,
    /// There is no device that a panic is told to.
    PanicDevice,
    /// The watchdog that is not fed does nothing.
    Watchdog,
    /// The machine says that a snapshot is taken, and it is not.
    Snapshot,
    /// The machine says that it has gone back, and it has not.
    Restored,
    /// There is no port for QEMU's guest agent.
    GuestAgent,
    /// The firmware refuses the disk's boot loader.
    BootLoader,
    /// The firmware says that it enforces Secure Boot, and it does not.
    SecureBoot,
    /// The firmware trusts what it must refuse.
    TrustingFirmware,
    /// One of the processors is not brought up.
    OfflineProcessor,
    /// The kernel is told to leave a feature of the processor alone.
    ProcessorFlags,
    /// The agent flips a bit of the memory that it fills.
    MemoryBit,
    /// The agent overwrites a part of what it has written.
    DiskContent,
    /// Frames beyond the usual length are lost.
    LongFrames,
    /// The kernel is told that its clock ticks slower than it does.
    ClockRate,
    /// One bit of each piece is flipped on its way to the guest.
    PortContent,
    /// Every colour of the guest's console is black.
    Screen,
    /// The kernel is told that a user has tainted it.
    Taint,
    /// The machine has no UUID.
    Uuid,
    /// A letter of the support data is changed on its way.
    SupportData,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 50] = [
        Self::BootLog,
        Self::Vcpus,
        Self::Memory,
        Self::DiskBus,
        Self::Address,
        Self::Transfer,
        Self::Clock,
        Self::Entropy,
        Self::Console,
        Self::PowerButton,
        Self::Hypervisor,
        Self::TimeSync,
        Self::Heartbeat,
        Self::KeyValues,
        Self::Freeze,
        Self::Keyboard,
        Self::CrashRegisters,
        Self::UnpluggedDisk,
        Self::GrownDisk,
        Self::Discarding,
        Self::ReadOnly,
        Self::PluggedCard,
        Self::Link,
        Self::PluggedProcessor,
        Self::Balloon,
        Self::PluggedMemory,
        Self::Pause,
        Self::Restart,
        Self::CtrlAltDelete,
        Self::Reset,
        Self::Flush,
        Self::PanicDevice,
        Self::Watchdog,
        Self::Snapshot,
        Self::Restored,
        Self::GuestAgent,
        Self::BootLoader,
        Self::SecureBoot,
        Self::TrustingFirmware,
        Self::OfflineProcessor,
        Self::ProcessorFlags,
        Self::MemoryBit,
        Self::DiskContent,
        Self::LongFrames,
        Self::ClockRate,
        Self::PortContent,
        Self::Screen,
        Self::Taint,
        Self::Uuid,
        Self::SupportData,
    ];

    /// The name on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BootLog => "boot-log",
            Self::Vcpus => "vcpus",
            Self::Memory => "memory",
            Self::DiskBus => "disk-bus",
            Self::Address => "address",
            Self::Transfer => "transfer",
            Self::Clock => "clock",
            Self::Entropy => "entropy",
            Self::Console => "console",
            Self::PowerButton => "power-button",
            Self::Hypervisor => "hypervisor",
            Self::TimeSync => "time-sync",
            Self::Heartbeat => "heartbeat",
            Self::KeyValues => "key-values",
            Self::Freeze => "freeze",
            Self::Keyboard => "keyboard",
            Self::CrashRegisters => "crash-registers",
            Self::UnpluggedDisk => "unplugged-disk",
            Self::GrownDisk => "grown-disk",
            Self::Discarding => "discard",
            Self::ReadOnly => "read-only",
            Self::PluggedCard => "plugged-card",
            Self::Link => "link",
            Self::PluggedProcessor => "plugged-processor",
            Self::Balloon => "balloon",
            Self::PluggedMemory => "plugged-memory",
            Self::Pause => "pause",
            Self::Restart => "restart",
            Self::CtrlAltDelete => "ctrl-alt-delete",
            Self::Reset => "reset",
            Self::Flush => "flush",
            Self::PanicDevice => "panic-device",
            Self::Watchdog => "watchdog",
            Self::Snapshot => "snapshot",
            Self::Restored => "restored",
            Self::GuestAgent => "guest-agent",
            Self::BootLoader => "boot-loader",
            Self::SecureBoot => "secure-boot",
            Self::TrustingFirmware => "trusting-firmware",
            Self::OfflineProcessor => "offline-processor",
            Self::ProcessorFlags => "processor-flags",
            Self::MemoryBit => "memory-bit",
            Self::DiskContent => "disk-content",
            Self::LongFrames => "long-frames",
            Self::ClockRate => "clock-rate",
            Self::PortContent => "port-content",
            Self::Screen => "screen",
            Self::Taint => "taint",
            Self::Uuid => "uuid",
            Self::SupportData => "support-data",
        }
    }

    /// The case that must fail.
    #[must_use]
    pub fn case(self) -> CaseId {
        match self {
            Self::BootLog => CaseId::Boot02,
            Self::Vcpus => CaseId::Cpu01,
            Self::Memory => CaseId::Mem01,
            Self::DiskBus => CaseId::Sto01,
            Self::Address => CaseId::Net01,
            Self::Transfer => CaseId::Net02,
            Self::Clock => CaseId::Time01,
            Self::Entropy => CaseId::Rng01,
            Self::Console => CaseId::Con01,
            Self::PowerButton => CaseId::Pwr01,
            Self::Hypervisor => CaseId::Cpu05,
            Self::TimeSync => CaseId::Cpu08,
            Self::Heartbeat => CaseId::Hb01,
            Self::KeyValues => CaseId::Kvp01,
            Self::Freeze => CaseId::Snp01,
            Self::Keyboard => CaseId::Kbd01,
            Self::CrashRegisters => CaseId::Crs03,
            Self::UnpluggedDisk => CaseId::Sto02,
            Self::GrownDisk => CaseId::Sto03,
            Self::Discarding => CaseId::Sto04,
            Self::ReadOnly => CaseId::Sto14,
            Self::PluggedCard => CaseId::Net07,
            Self::Link => CaseId::Net14,
            Self::PluggedProcessor => CaseId::Cpu04,
            Self::Balloon => CaseId::Mem02,
            Self::PluggedMemory => CaseId::Mem04,
            Self::Pause => CaseId::Time04,
            Self::Restart => CaseId::Boot08,
            Self::CtrlAltDelete => CaseId::Pwr02,
            Self::Reset => CaseId::Pwr03,
            Self::Flush => CaseId::Sto05,
            Self::PanicDevice => CaseId::Crs02,
            Self::Watchdog => CaseId::Crs05,
            Self::Snapshot => CaseId::Snp02,
            Self::Restored => CaseId::Snp05,
            Self::GuestAgent => CaseId::Hb02,
            Self::BootLoader => CaseId::Boot03,
            Self::SecureBoot => CaseId::Boot04,
            Self::TrustingFirmware => CaseId::Boot05,
            Self::OfflineProcessor => CaseId::Cpu03,
            Self::ProcessorFlags => CaseId::Cpu07,
            Self::MemoryBit => CaseId::Mem08,
            Self::DiskContent => CaseId::Sto13,
            Self::LongFrames => CaseId::Net04,
            Self::ClockRate => CaseId::Time02,
            Self::PortContent => CaseId::Con02,
            Self::Screen => CaseId::Gfx01,
            Self::Taint => CaseId::Sup01,
            Self::Uuid => CaseId::Sup04,
            Self::SupportData => CaseId::Sup06,
        }
    }

    /// Spoils a machine.
    pub(crate) fn spoil(self, spec: &mut LaunchSpec) {
        match self {
            Self::BootLog => append(spec, "pci=detente-fault"),
            Self::Vcpus => {
                spec.topology = Topology {
                    sockets: 1,
                    cores: 1,
                    threads: 1,
                }
            }
            Self::Memory => append(spec, &format!("mem={}M", spec.memory_mib / 2)),
            Self::DiskBus => {
                for disk in &mut spec.disks {
                    disk.bus = not_the_profiles(disk.bus);
                }
            }
            Self::Address => spec.network.dhcp = false,
            Self::Transfer => spec.network.spoil_transfer = true,
            Self::Clock => append(spec, "nohz=off highres=off clocksource=jiffies"),
            Self::Entropy => spec.entropy = false,
            Self::Console => spec.console_input = false,
            Self::PowerButton => append(spec, "systemd.mask=systemd-logind.service"),
            Self::Hypervisor => spec.hypervisor_bit = false,
            Self::TimeSync => spec.synthetic.integration.time_sync = false,
            Self::Heartbeat => spec.synthetic.integration.heartbeat = false,
            // Not offered at all, systemd would wait 90 s for a device that the daemons' units
            // are bound to.
            Self::KeyValues => spec.synthetic.service_faults.spoil_values = true,
            Self::Freeze => spec.synthetic.service_faults.pretend_freezing = true,
            Self::Keyboard => spec.synthetic.keyboard = false,
            Self::CrashRegisters => spec.synthetic.crash_registers = false,
            Self::UnpluggedDisk => pretend(spec, Pretended::UnpluggedDisk),
            Self::GrownDisk => pretend(spec, Pretended::GrownDisk),
            Self::Discarding => pretend(spec, Pretended::Discarding),
            Self::ReadOnly => pretend(spec, Pretended::ReadOnly),
            Self::PluggedCard => pretend(spec, Pretended::PluggedCard),
            Self::Link => pretend(spec, Pretended::Link),
            Self::PluggedProcessor => pretend(spec, Pretended::PluggedProcessor),
            Self::Balloon => pretend(spec, Pretended::Balloon),
            Self::PluggedMemory => pretend(spec, Pretended::PluggedMemory),
            Self::Pause => pretend(spec, Pretended::Pause),
            Self::Restart => spec.extras.on_reset = OnReset::Ends,
            Self::CtrlAltDelete => append(spec, "systemd.mask=ctrl-alt-del.target"),
            Self::Reset => pretend(spec, Pretended::Reset),
            Self::Flush => pretend(spec, Pretended::Flush),
            Self::PanicDevice => pretend(spec, Pretended::PanicDevice),
            Self::Watchdog => pretend(spec, Pretended::Watchdog),
            Self::Snapshot => pretend(spec, Pretended::Snapshot),
            Self::Restored => pretend(spec, Pretended::Restored),
            Self::GuestAgent => spec.extras.guest_agent = false,
            Self::BootLoader => pretend(spec, Pretended::AnyBootLoader),
            Self::SecureBoot => pretend(spec, Pretended::SecureBoot),
            Self::TrustingFirmware => pretend(spec, Pretended::StrangerAlone),
            Self::OfflineProcessor => append(spec, "maxcpus=1"),
            Self::ProcessorFlags => append(spec, "clearcpuid=151"),
            Self::MemoryBit => pretend(spec, Pretended::Memory),
            Self::DiskContent => pretend(spec, Pretended::DiskContent),
            Self::LongFrames => pretend(spec, Pretended::LongFrames),
            Self::ClockRate => append(
                spec,
                "tsc_early_khz=1000000 tsc=reliable clocksource=tsc no-kvmclock",
            ),
            Self::PortContent => pretend(spec, Pretended::PortContent),
            Self::Screen => append(spec, BLACK),
            Self::Taint => append(spec, "sysctl.kernel.tainted=64"),
            Self::Uuid => pretend(spec, Pretended::Uuid),
            Self::SupportData => pretend(spec, Pretended::SupportData),
        }
    }
}

/// Linux, drivers/tty/vt/vt.c: the sixteen colours of the console.
const BLACK: &str = "vt.default_red=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0 \
                     vt.default_grn=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0 \
                     vt.default_blu=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0";

fn pretend(spec: &mut LaunchSpec, what: Pretended) {
    spec.extras.pretended.insert(what);
}

fn append(spec: &mut LaunchSpec, option: &str) {
    spec.boot.cmdline.push(' ');
    spec.boot.cmdline.push_str(option);
}

fn not_the_profiles(bus: DiskBus) -> DiskBus {
    match bus {
        DiskBus::Virtio | DiskBus::Sata | DiskBus::Nvme => DiskBus::Nvme,
        // There is nothing else on our own machine that a disk could hang on.
        DiskBus::Vmbus => DiskBus::Vmbus,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No fault has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault {name:?}")]
pub struct UnknownFault {
    /// The name that was given.
    pub name: String,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| UnknownFault {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use detente_machine::{DirectBoot, DiskBelow, LaunchDisk, LaunchNetwork, Profile};

    use super::*;

    fn spec() -> LaunchSpec {
        LaunchSpec {
            name: String::new(),
            profile: Profile::Kvm,
            topology: Topology {
                sockets: 1,
                cores: 2,
                threads: 1,
            },
            memory_mib: 2048,
            disks: vec![LaunchDisk {
                overlay: "overlay".into(),
                below: DiskBelow::Files(Vec::new()),
                bus: DiskBus::Virtio,
                serial: String::new(),
            }],
            boot: DirectBoot {
                kernel: "kernel".into(),
                initramfs: "initramfs".into(),
                cmdline: "ro".to_owned(),
            },
            network: LaunchNetwork {
                mac: [0; 6],
                dhcp: true,
                spoil_transfer: false,
            },
            entropy: true,
            console_input: true,
            hypervisor_bit: true,
            synthetic: detente_machine::Synthetic::default(),
            extras: detente_machine::Extras {
                on_reset: OnReset::Restarts,
                guest_agent: true,
                ..detente_machine::Extras::default()
            },
        }
    }

    #[test]
    fn every_fault_has_a_name_and_a_case_of_its_own_and_spoils_something() {
        let (mut names, mut cases) = (HashSet::new(), HashSet::new());
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(fault));
            assert!(names.insert(fault.name()) && cases.insert(fault.case()));
            let mut spoiled = spec();
            fault.spoil(&mut spoiled);
            assert_ne!(spoiled, spec(), "{fault}");
        }
    }

    #[test]
    fn an_unknown_fault_is_named() {
        let error = "vcpu".parse::<Fault>().unwrap_err();
        assert_eq!(error.to_string(), "unknown fault \"vcpu\"");
    }
}
