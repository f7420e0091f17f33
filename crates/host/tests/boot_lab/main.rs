//! Tiny guests on the Hyper-V-compatible machine in the lab: they tell on their consoles what they
//! see of it, and what they tell is held against what they were given.
//!
//! One lab serves them all, one after another.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says aloud what it skips and measures"
)]

mod disks;
mod guest;
mod kills;
mod place;
mod told;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use detente_host::hyperv::Shown;
use detente_host::{MachineEvent, PowerOff};
use detente_machine::hyperv::{Controller, CpuidProfile, VmbusVersion};

use guest::{End, Variant};
use place::Place;
use told::Told;

/// The limits of issue B, in seconds of a processor that does nothing else; measured is what QEMU
/// used, whatever else this machine does.
const LAB_CPU_LIMIT: Duration = Duration::from_secs(15);
const GUEST_CPU_LIMIT: Duration = Duration::from_secs(30);

/// From when a guest has told its clock until it has ended and is looked at.
const CLOCK_LIMIT: Duration = Duration::from_secs(120);

/// What every guest is shown, by class and driver: Linux, `include/linux/hyperv.h`, and
/// `drivers/hv/hv_util.c`, `drivers/input/serio/hyperv-keyboard.c`, `drivers/net/hyperv/netvsc_drv.c`.
const CHANNELS: [(&str, &str); 7] = [
    ("57164f39-9115-4e78-ab55-382f3bd5422d", "hv_utils"),
    ("0e0b6031-5213-4934-818b-38d90ced39db", "hv_utils"),
    ("9527e630-d0ae-497b-adce-e80ab0175caf", "hv_utils"),
    ("a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", "hv_utils"),
    ("35fa2e29-ea23-4236-96ae-3a6ebacba440", "hv_utils"),
    ("f912ad6d-2b17-48ea-bd65-f927a61c7684", "hyperv_keyboard"),
    ("f8615163-df3e-46c5-913f-f2d2f965ed0e", "hv_netvsc"),
];

/// `drivers/scsi/storvsc_drv.c`.
const SCSI: (&str, &str) = ("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f", "hv_storvsc");
const IDE: (&str, &str) = ("32412632-86cb-44a2-9b5c-50d1417354f5", "hv_storvsc");

fn shown(cpuid: CpuidProfile, vmbus: (u16, u16), controller: Controller) -> Shown {
    let (major, minor) = vmbus;
    Shown {
        cpuid,
        vmbus: VmbusVersion { major, minor },
        controller,
    }
}

/// Kernels, versions of the bus, numbers of processors and controllers, each met at least once.
fn variants() -> [Variant; 4] {
    [
        Variant {
            kernel: "tiny-6.1",
            processors: 1,
            shown: Shown::default(),
            full: true,
            end: End::PowerOff,
        },
        Variant {
            kernel: "tiny-6.1",
            processors: 1,
            shown: shown(CpuidProfile::Ws2016, (4, 0), Controller::Ide),
            full: false,
            end: End::Itself,
        },
        Variant {
            kernel: "tiny-6.1",
            processors: 4,
            shown: shown(CpuidProfile::Ws2019, (3, 0), Controller::Scsi),
            full: false,
            end: End::Itself,
        },
        Variant {
            kernel: "tiny-6.12",
            processors: 4,
            shown: shown(CpuidProfile::Ws2025, (5, 3), Controller::Scsi),
            full: false,
            end: End::Restart,
        },
    ]
}

#[test]
fn guests_in_the_lab_see_what_they_were_given() {
    let test = "guests_in_the_lab_see_what_they_were_given";
    let Some(place) = Place::find(test) else {
        return;
    };
    let lab = place.lab_up();
    let up = lab.cpu();
    eprintln!("measured: the lab was up after {up:.1?} of CPU time");
    assert!(up <= LAB_CPU_LIMIT, "{up:?}");
    let mut boots = BTreeSet::new();
    for variant in variants() {
        if !place.has(test, variant.kernel) {
            continue;
        }
        let before = lab.cpu();
        let work = tempfile::tempdir().unwrap();
        let told = guest::boot(&place, &variant, work.path());
        let took = lab.cpu().saturating_sub(before);
        eprintln!("measured: {variant} took {took:.1?} of CPU time");
        check(&variant, &told);
        let boot = told.value_of("boot ").to_owned();
        assert!(boots.insert(boot), "{variant} is no boot of its own");
        assert!(took <= GUEST_CPU_LIMIT, "{variant}: {took:?}");
    }
}

fn check(variant: &Variant, told: &Told) {
    // Why it ended says most if anything went wrong.
    told.ended_by(&match variant.end {
        End::Itself | End::PowerOff => MachineEvent::PowerOff(PowerOff::Guest),
        End::Restart => MachineEvent::Reset,
    });
    told.says(&format!("nonce {}", told.nonce));
    check_kernel(variant, told);
    check_channels(variant, told);
    told.disks.check(told);
    told.connected_with(variant.shown.vmbus);
    let classes = classes(variant).map(|(class, _)| class);
    told.did_what_was_asked(variant.shown.vmbus, &classes);
    match variant.end {
        End::Itself => {}
        End::PowerOff => told.says("/sbin/poweroff was called"),
        End::Restart => told.says("/sbin/reboot was called"),
    }
    if variant.end != End::Itself {
        told.answered_heartbeats(2);
    }
    if variant.full {
        check_clock(told);
    }
}

/// The guest's clock, which it had set to 2001, was ours again.
fn check_clock(told: &Told) {
    told.says("clock is wrong: 2001");
    let seconds = told.value_of("clock is right: ");
    let seconds: u64 = seconds.strip_suffix(" seconds").unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ago = now.as_secs().abs_diff(seconds);
    assert!(ago <= CLOCK_LIMIT.as_secs(), "{ago} s from ours");
}

/// What the kernel and its drivers say of the platform.
fn check_kernel(variant: &Variant, told: &Told) {
    for line in [
        "Hypervisor detected: Microsoft Hyper-V".to_owned(),
        format!("Vmbus version:{}", variant.shown.vmbus),
        "storvsc_host_t".to_owned(),
        "Heartbeat IC version".to_owned(),
        "Shutdown IC version".to_owned(),
        "TimeSync IC version".to_owned(),
    ] {
        assert!(told.console.contains(&line), "{line}:\n{}", told.console);
    }
    told.says("clocksource hyperv_clocksource_tsc_page");
    told.says(&format!("processors {}", variant.processors));
    let interrupts: u64 = told.value_of("interrupts ").parse().unwrap();
    assert!(interrupts > 0);
}

/// The channels of sysfs, as `lsvmbus` reads them, and their drivers.
fn check_channels(variant: &Variant, told: &Told) {
    for (class, driver) in classes(variant) {
        let line = told.value_of(&format!("channel {{{class}}} "));
        assert!(
            line.ends_with(&format!(" driver {driver}")),
            "{class} {line}"
        );
    }
}

/// What a guest is shown, by class and driver. The SCSI controller is there with or without disks.
fn classes(variant: &Variant) -> [(&'static str, &'static str); 8] {
    let disks = match variant.shown.controller {
        Controller::Scsi => SCSI,
        Controller::Ide => IDE,
    };
    let [a, b, c, d, e, f, g] = CHANNELS;
    [a, b, c, d, e, f, g, disks]
}
