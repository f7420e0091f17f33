//! Boots one tiny guest and does from outside what it waits for.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use detente_host::hyperv::Shown;
use detente_host::{Host as _, Machine, MachineEvent, Port};
use detente_machine::hyperv::{Command, Controller, DiskConfig};
use detente_machine::lab::DISK_FOLDER;
use detente_machine::{
    DirectBoot, ImageFormat, LaunchNetwork, LaunchSpec, Profile, Synthetic, Topology,
};

use crate::disks::{Disks, GROWN_BYTES, MOVED_LUN, WRITTEN_SECTOR, nonce};
use crate::place::{GUEST_MEMORY_MIB, Place};
use crate::told::{Told, heartbeats};

/// How long a guest may take on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(270);

/// Linux's own tests of itself, and defences against others, cost a translated processor seconds.
const COMMAND_LINE: &str = "console=ttyS0 panic=1 reboot=k nokaslr quiet pci=off nowatchdog \
                            cryptomgr.notests mitigations=off audit=0 apparmor=0";

/// A kernel, and what it is shown.
pub(crate) struct Variant {
    pub(crate) kernel: &'static str,
    pub(crate) processors: u32,
    pub(crate) shown: Shown,
    /// Whether its second disk goes, comes again and grows, and its clock is set right.
    pub(crate) full: bool,
    /// How it ends.
    pub(crate) end: End,
}

/// How a guest ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Itself,
    /// The shutdown service asks it to power off.
    PowerOff,
    /// The shutdown service asks it to restart.
    Restart,
}

impl Variant {
    /// Disks of an IDE-class controller are channels of their own, which Linux takes up at the same
    /// time: their names could be either way round.
    fn disks(&self) -> usize {
        match self.shown.controller {
            Controller::Scsi => 2,
            Controller::Ide => 1,
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kernel, processors) = (self.kernel, self.processors);
        let Shown {
            cpuid,
            vmbus,
            controller,
        } = self.shown;
        let cpuid = cpuid.name();
        write!(
            f,
            "{kernel}, {processors} processors, {cpuid}, VMBus {vmbus}, {controller:?}"
        )
    }
}

/// Boots a guest and waits for its end.
pub(crate) fn boot(place: &Place, variant: &Variant, work: &Path) -> Told {
    run(place, variant, work, None)
}

/// Boots a guest whose machine is killed so long after its start; nothing is done from outside.
pub(crate) fn boot_and_kill(
    place: &Place,
    variant: &Variant,
    work: &Path,
    after: Duration,
) -> Told {
    run(place, variant, work, Some(after))
}

fn run(place: &Place, variant: &Variant, work: &Path, killed_after: Option<Duration>) -> Told {
    let mut told = Told {
        nonce: nonce(),
        moved: variant.full,
        console: String::new(),
        events: Vec::new(),
        asked: Vec::new(),
        failed_to_start: None,
        disks: Disks::make(work, variant.disks()),
    };
    let mut spec = spec(place, variant, &told);
    spec.synthetic.killed_after = killed_after;
    let host = place.host(variant.shown).unwrap();
    let mut machine = match host.start(&spec, work) {
        Ok(machine) => machine,
        // Killed before it had said who it is.
        Err(error) if killed_after.is_some() => {
            told.failed_to_start = Some(error);
            return told;
        }
        Err(error) => panic!("{variant}: {error}"),
    };
    let mut script = Script::new(variant);
    let deadline = Instant::now() + LIMIT;
    loop {
        let Some(event) = machine.next_event(deadline).unwrap() else {
            panic!("{variant}: not within {LIMIT:?}:\n{}", told.console)
        };
        let ended = matches!(event, MachineEvent::Exited { .. });
        match event {
            MachineEvent::Output {
                port: Port::Console,
                bytes,
            } => told.console += &String::from_utf8_lossy(&bytes),
            event => told.events.push(event),
        }
        if ended {
            break;
        }
        if killed_after.is_none() {
            script.go_on(machine.as_mut(), &mut told);
        }
    }
    machine.stop().unwrap();
    told
}

/// What is done from outside, one after another, each when the guest says that it waits for it.
struct Script {
    steps: VecDeque<(&'static str, Command)>,
    end: End,
}

impl Script {
    fn new(variant: &Variant) -> Self {
        let controller = Controller::Scsi;
        let mut steps = VecDeque::new();
        if variant.full {
            let remove = Command::RemoveDisk { controller, lun: 1 };
            let disk = second_disk();
            let resize = Command::ResizeDisk {
                controller,
                lun: MOVED_LUN,
                len_bytes: GROWN_BYTES,
            };
            steps.extend([
                ("tiny: watching LUN", remove),
                ("tiny: gone LUN", Command::AddDisk { disk }),
                ("tiny: resizing LUN", resize),
                ("tiny: clock is wrong", Command::SyncTime),
            ]);
        }
        let end = variant.end;
        if end != End::Itself {
            steps.push_back(("tiny: done", Command::Status));
        }
        Self { steps, end }
    }

    fn go_on(&mut self, machine: &mut dyn Machine, told: &mut Told) {
        let waits = |text: &str| told.console.contains(text);
        if let Some((_, command)) = self.steps.pop_front_if(|(text, _)| waits(text)) {
            let id = machine.ask(command.clone()).unwrap();
            told.asked.push((id, command));
        }
        let ready = told.is_answered() && heartbeats(&told.events) >= 2;
        if !self.steps.is_empty() || !ready {
            return;
        }
        match std::mem::replace(&mut self.end, End::Itself) {
            End::Itself => {}
            End::PowerOff => machine.press_power_button().unwrap(),
            End::Restart => {
                let id = machine.ask(Command::Restart).unwrap();
                told.asked.push((id, Command::Restart));
            }
        }
    }
}

/// The second disk of a lab's first machine, at another place than before.
fn second_disk() -> DiskConfig {
    DiskConfig {
        path: Path::new(DISK_FOLDER).join("m1d1"),
        // What it is below cannot grow: a disk of the lab. The lab forgets the folder's files.
        overlay: Some(Path::new(DISK_FOLDER).join("grown")),
        format: Some(ImageFormat::Raw),
        rests_on: Vec::new(),
        controller: Controller::Scsi,
        lun: MOVED_LUN,
        serial: "detente1".to_owned(),
        sector_bytes: 512,
        read_only: false,
    }
}

fn spec(place: &Place, variant: &Variant, told: &Told) -> LaunchSpec {
    let (nonce, disks) = (&told.nonce, told.disks.count());
    let mut cmdline = format!("{COMMAND_LINE} nonce={nonce} disks={disks} write={WRITTEN_SECTOR}");
    if variant.full {
        let sectors = GROWN_BYTES / 512;
        cmdline += &format!(" watch=1,{MOVED_LUN} resize={MOVED_LUN},{sectors} clock=1");
    }
    if variant.end != End::Itself {
        cmdline += " stay=1";
    }
    LaunchSpec {
        name: "boot-lab".to_owned(),
        profile: Profile::HypervVmbus,
        topology: Topology {
            sockets: 1,
            cores: variant.processors,
            threads: 1,
        },
        memory_mib: GUEST_MEMORY_MIB,
        disks: told.disks.specs(),
        boot: DirectBoot {
            kernel: place.guest(variant.kernel, "kernel"),
            initramfs: place.guest(variant.kernel, "initramfs"),
            cmdline,
        },
        network: LaunchNetwork {
            mac: [0x52, 0x54, 0x00, 0xd7, 0xe2, 0x01],
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: false,
        console_input: false,
        hypervisor_bit: true,
        synthetic: Synthetic::default(),
        extras: detente_machine::Extras::default(),
    }
}
