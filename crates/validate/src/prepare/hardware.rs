//! On which machine a guest is booted to be changed: one whose hardware it supports by `check`.

use detente_guest::Facts;
use detente_guest::check::{Boots, Finding, Profile as Hardware, ProfileReadiness, check};
use detente_host::Acceleration;
use detente_machine::{Profile, Topology};

use super::error::Tried;

/// Fastest first: QEMU's machines boot in a fraction of the time that ours needs in the lab.
const ORDER: [(Profile, Hardware); 3] = [
    (Profile::Kvm, Hardware::Kvm),
    (Profile::KvmLegacy, Hardware::KvmLegacy),
    (Profile::HypervVmbus, Hardware::HypervVmbus),
];

/// More processors than that do not make an initramfs any sooner.
const MAX_PROCESSORS: u32 = 4;

/// Enough for any of the guest's own tools, with the files that they unpack in memory.
pub(crate) const MEMORY_MIB: u64 = 2048;

/// Machines to be tried, best first, each with the reason; and those that are of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidates {
    pub(crate) machines: Vec<(Profile, String)>,
    pub(crate) of_no_use: Vec<Tried>,
}

/// What the facts say of each machine.
pub(crate) fn candidates(facts: &Facts) -> Candidates {
    let readiness = check(facts, &ORDER.map(|(_, hardware)| hardware));
    let mut machines = Vec::new();
    let mut unknown = Vec::new();
    let mut of_no_use = Vec::new();
    for (profile, hardware) in ORDER {
        let own = |ready: &&ProfileReadiness| ready.profile == hardware;
        let boots = readiness.profiles.iter().find(own).map(|ready| ready.boots);
        match boots {
            Some(Boots::Yes) => {
                machines.push((profile, format!("`check` finds that it boots on {profile}")));
            }
            Some(Boots::Unknown) | None => {
                unknown.push((
                    profile,
                    format!("`check` cannot tell whether it boots on {profile}"),
                ));
            }
            Some(Boots::No) => of_no_use.push(Tried {
                profile,
                why: obstacle(&readiness.findings, hardware),
            }),
        }
    }
    machines.append(&mut unknown);
    Candidates {
        machines,
        of_no_use,
    }
}

/// The first finding that keeps the guest from booting there.
fn obstacle(findings: &[Finding], hardware: Hardware) -> String {
    let blocks = |finding: &&Finding| {
        finding.severity == detente_guest::check::Severity::BlocksBoot
            && finding.profiles.contains(&hardware)
    };
    match findings.iter().find(blocks) {
        Some(finding) => finding.title.to_owned(),
        None => "`check` finds that it does not boot".to_owned(),
    }
}

/// As many processors as are of use. A translator has one: making an initramfs is many small programs
/// one after the other, and each that ends has the other processors flush what they know of memory.
/// Seen with shell loops in Debian 12, on two processors of a busy host: with one the same takes
/// three quarters of the processor time and half of the wall time.
pub(crate) fn topology(acceleration: Acceleration) -> Topology {
    let here = std::thread::available_parallelism();
    let here = here.map_or(1, |count| {
        u32::try_from(count.get()).unwrap_or(MAX_PROCESSORS)
    });
    let cores = match acceleration {
        Acceleration::Hardware | Acceleration::Nested => here.min(MAX_PROCESSORS),
        Acceleration::Emulated => 1,
    };
    Topology {
        sockets: 1,
        cores,
        threads: 1,
    }
}
