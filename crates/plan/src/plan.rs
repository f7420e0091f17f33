//! Plans: versioned data with a digest.

use std::fmt;

use detente_evidence::Requirement;
use detente_machine::{Profile, Topology};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Condition, Responsibility};

/// A test plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `detente/plan/1`.
    pub schema: String,
    /// Its name on the command line.
    pub id: String,
    /// Counts up with every change.
    pub version: u32,
    /// The question that it answers.
    pub title: String,
    /// The machine, and how much is moved.
    pub parameters: Parameters,
    /// The cases, in the order of the report.
    pub cases: Vec<Case>,
}

/// The machine, and how much is moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Processors.
    pub vcpus: Topology,
    /// Memory.
    pub memory_mib: u64,
    /// How much of the memory the kernel may keep for itself.
    pub memory_reserved_percent: u32,
    /// Written and read back on the root disk.
    pub disk_bytes: u64,
    /// Sent and received.
    pub transfer_bytes: u64,
    /// Read from the entropy device.
    pub entropy_bytes: u32,
    /// How long a shutdown may take, with hardware acceleration.
    pub shutdown_limit_s: u64,
}

/// One case of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Which.
    pub id: CaseId,
    /// What it shows, in a few words.
    pub title: String,
    /// What is done, in sentences.
    pub about: String,
    /// When it passes, in sentences.
    pub passes_when: String,
    /// How much the plan wants it.
    pub requirement: Requirement,
    /// The profiles that it applies to.
    pub profiles: Vec<Profile>,
    /// What the guest must be or have; all of it.
    #[serde(default)]
    pub applies_when: Vec<Condition>,
    /// Profiles that it applies to and that cannot show it, with the reason.
    #[serde(default)]
    pub not_shown: Vec<NotShown>,
    /// Who is asked first when it fails.
    pub responsibility: Responsibility,
    /// How often it is tried again, in a boot of its own, after it has not passed.
    #[serde(default)]
    pub retries: u32,
    /// How many boots it costs beside the one that all cases share.
    #[serde(default)]
    pub boots: u32,
    /// How long it may take with hardware acceleration; scaled for slower ones.
    pub limit_s: u64,
    /// What carries it.
    pub channel: String,
}

/// Profiles that cannot show a case which applies to them. There it is not run. That does not keep
/// a run from passing, and counts against what the run covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotShown {
    /// The profiles.
    pub profiles: Vec<Profile>,
    /// Why, in words that follow "not run:".
    pub why: String,
}

/// The cases that we can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CaseId {
    /// Cold boot.
    #[serde(rename = "BOOT-01")]
    Boot01,
    /// Boot log clean.
    #[serde(rename = "BOOT-02")]
    Boot02,
    /// The firmware starts the disk's own boot loader.
    #[serde(rename = "BOOT-03")]
    Boot03,
    /// Secure Boot.
    #[serde(rename = "BOOT-04")]
    Boot04,
    /// What Secure Boot must refuse.
    #[serde(rename = "BOOT-05")]
    Boot05,
    /// Drivers in the initramfs.
    #[serde(rename = "BOOT-10")]
    Boot10,
    /// Processor count and topology.
    #[serde(rename = "CPU-01")]
    Cpu01,
    /// Hypervisor discovery.
    #[serde(rename = "CPU-05")]
    Cpu05,
    /// Channels and interrupts of the synthetic bus.
    #[serde(rename = "CPU-08")]
    Cpu08,
    /// Memory size.
    #[serde(rename = "MEM-01")]
    Mem01,
    /// Root disk: controller and data.
    #[serde(rename = "STO-01")]
    Sto01,
    /// Link, address, name.
    #[serde(rename = "NET-01")]
    Net01,
    /// Transfer integrity.
    #[serde(rename = "NET-02")]
    Net02,
    /// Clock source.
    #[serde(rename = "TIME-01")]
    Time01,
    /// Heartbeat to the host.
    #[serde(rename = "HB-01")]
    Hb01,
    /// Data exchange with the host.
    #[serde(rename = "KVP-01")]
    Kvp01,
    /// Freeze and thaw.
    #[serde(rename = "SNP-01")]
    Snp01,
    /// Entropy device.
    #[serde(rename = "RNG-01")]
    Rng01,
    /// Serial console, both ways.
    #[serde(rename = "CON-01")]
    Con01,
    /// The keyboard.
    #[serde(rename = "KBD-01")]
    Kbd01,
    /// Graceful shutdown asked from outside.
    #[serde(rename = "PWR-01")]
    Pwr01,
    /// A crash is told to the host.
    #[serde(rename = "CRS-03")]
    Crs03,
    /// A processor is plugged in.
    #[serde(rename = "CPU-04")]
    Cpu04,
    /// The balloon.
    #[serde(rename = "MEM-02")]
    Mem02,
    /// Memory is plugged in.
    #[serde(rename = "MEM-04")]
    Mem04,
    /// A disk is plugged in and taken away.
    #[serde(rename = "STO-02")]
    Sto02,
    /// A disk grows.
    #[serde(rename = "STO-03")]
    Sto03,
    /// What is discarded is given back.
    #[serde(rename = "STO-04")]
    Sto04,
    /// A disk that may only be read.
    #[serde(rename = "STO-14")]
    Sto14,
    /// A network card is plugged in and taken away.
    #[serde(rename = "NET-07")]
    Net07,
    /// The network's cable is pulled out and put back.
    #[serde(rename = "NET-14")]
    Net14,
    /// The clock after a pause.
    #[serde(rename = "TIME-04")]
    Time04,
    /// What QEMU's guest agent says of the guest.
    #[serde(rename = "AGT-01")]
    Agt01,
    /// The guest restarts itself, again and again.
    #[serde(rename = "BOOT-08")]
    Boot08,
    /// A crash is told by the pvpanic device.
    #[serde(rename = "CRS-02")]
    Crs02,
    /// A watchdog that is not fed.
    #[serde(rename = "CRS-05")]
    Crs05,
    /// QEMU's guest agent is alive.
    #[serde(rename = "HB-02")]
    Hb02,
    /// A restart asked from outside.
    #[serde(rename = "PWR-02")]
    Pwr02,
    /// The reset button.
    #[serde(rename = "PWR-03")]
    Pwr03,
    /// A snapshot while the guest runs.
    #[serde(rename = "SNP-02")]
    Snp02,
    /// The machine's state is kept and found again.
    #[serde(rename = "SNP-05")]
    Snp05,
    /// What was flushed survives a power cut.
    #[serde(rename = "STO-05")]
    Sto05,
    /// Self-check.
    #[serde(rename = "SUP-05")]
    Sup05,
    /// Processors go offline and come back.
    #[serde(rename = "CPU-03")]
    Cpu03,
    /// What the processor can.
    #[serde(rename = "CPU-07")]
    Cpu07,
    /// Memory under stress.
    #[serde(rename = "MEM-08")]
    Mem08,
    /// Several files are written and read at once.
    #[serde(rename = "STO-13")]
    Sto13,
    /// Offloads.
    #[serde(rename = "NET-03")]
    Net03,
    /// An MTU beyond the usual.
    #[serde(rename = "NET-04")]
    Net04,
    /// Drift, idle and under load.
    #[serde(rename = "TIME-02")]
    Time02,
    /// The clock after it was turned back.
    #[serde(rename = "TIME-03")]
    Time03,
    /// Pairs that change and go.
    #[serde(rename = "KVP-02")]
    Kvp02,
    /// The virtio serial port, both ways.
    #[serde(rename = "CON-02")]
    Con02,
    /// The screen.
    #[serde(rename = "GFX-01")]
    Gfx01,
    /// Everything is busy at once.
    #[serde(rename = "STR-01")]
    Str01,
    /// A guest that can be supported.
    #[serde(rename = "SUP-01")]
    Sup01,
    /// What SMBIOS and ACPI say.
    #[serde(rename = "SUP-04")]
    Sup04,
    /// Support data.
    #[serde(rename = "SUP-06")]
    Sup06,
}

impl CaseId {
    /// The name in records and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boot01 => "BOOT-01",
            Self::Boot02 => "BOOT-02",
            Self::Boot03 => "BOOT-03",
            Self::Boot04 => "BOOT-04",
            Self::Boot05 => "BOOT-05",
            Self::Boot10 => "BOOT-10",
            Self::Cpu01 => "CPU-01",
            Self::Cpu05 => "CPU-05",
            Self::Cpu08 => "CPU-08",
            Self::Mem01 => "MEM-01",
            Self::Sto01 => "STO-01",
            Self::Net01 => "NET-01",
            Self::Net02 => "NET-02",
            Self::Time01 => "TIME-01",
            Self::Hb01 => "HB-01",
            Self::Kvp01 => "KVP-01",
            Self::Snp01 => "SNP-01",
            Self::Rng01 => "RNG-01",
            Self::Con01 => "CON-01",
            Self::Kbd01 => "KBD-01",
            Self::Pwr01 => "PWR-01",
            Self::Crs03 => "CRS-03",
            Self::Cpu04 => "CPU-04",
            Self::Mem02 => "MEM-02",
            Self::Mem04 => "MEM-04",
            Self::Sto02 => "STO-02",
            Self::Sto03 => "STO-03",
            Self::Sto04 => "STO-04",
            Self::Sto14 => "STO-14",
            Self::Net07 => "NET-07",
            Self::Net14 => "NET-14",
            Self::Time04 => "TIME-04",
            Self::Agt01 => "AGT-01",
            Self::Boot08 => "BOOT-08",
            Self::Crs02 => "CRS-02",
            Self::Crs05 => "CRS-05",
            Self::Hb02 => "HB-02",
            Self::Pwr02 => "PWR-02",
            Self::Pwr03 => "PWR-03",
            Self::Snp02 => "SNP-02",
            Self::Snp05 => "SNP-05",
            Self::Sto05 => "STO-05",
            Self::Sup05 => "SUP-05",
            Self::Cpu03 => "CPU-03",
            Self::Cpu07 => "CPU-07",
            Self::Mem08 => "MEM-08",
            Self::Sto13 => "STO-13",
            Self::Net03 => "NET-03",
            Self::Net04 => "NET-04",
            Self::Time02 => "TIME-02",
            Self::Time03 => "TIME-03",
            Self::Kvp02 => "KVP-02",
            Self::Con02 => "CON-02",
            Self::Gfx01 => "GFX-01",
            Self::Str01 => "STR-01",
            Self::Sup01 => "SUP-01",
            Self::Sup04 => "SUP-04",
            Self::Sup06 => "SUP-06",
        }
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Case {
    /// Whether the case applies to a profile.
    #[must_use]
    pub fn applies_to(&self, profile: Profile) -> bool {
        self.profiles.contains(&profile)
    }

    /// Why a profile that the case applies to cannot show it, if it cannot.
    #[must_use]
    pub fn not_shown_on(&self, profile: Profile) -> Option<&str> {
        let mut reasons = self.not_shown.iter();
        let reason = reasons.find(|reason| reason.profiles.contains(&profile))?;
        Some(&reason.why)
    }
}

impl Plan {
    /// The schema that this version reads and writes.
    pub const SCHEMA: &'static str = "detente/plan/1";

    /// The plans that come with the program.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        let texts = [
            include_str!("../plans/smoke.json"),
            include_str!("../plans/base.json"),
        ];
        let parsed = texts.iter().map(|text| {
            serde_json::from_str(text).expect("the built-in plans are parsed in this crate's tests")
        });
        parsed.collect()
    }

    /// The built-in plan of a name.
    ///
    /// # Errors
    /// [`UnknownPlan`], which says the names that there are.
    pub fn named(id: &str) -> Result<Self, UnknownPlan> {
        let plans = Self::built_in();
        let known = plans.iter().map(|plan| plan.id.clone()).collect();
        plans
            .into_iter()
            .find(|plan| plan.id == id)
            .ok_or_else(|| UnknownPlan {
                id: id.to_owned(),
                known,
            })
    }

    /// SHA-256 of the canonical form (RFC 8785), as hex. Plans hold only text and whole numbers, for which
    /// sorted keys without white space are the canonical form.
    #[must_use]
    pub fn digest(&self) -> String {
        let value = serde_json::to_value(self).expect("a plan is text and numbers");
        let digest = Sha256::digest(value.to_string().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The case of an identity, if the plan has it.
    #[must_use]
    pub fn case(&self, id: CaseId) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }
}

/// No plan has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown plan {id:?}; the plans are: {}", known.join(", "))]
pub struct UnknownPlan {
    /// The name that was given.
    pub id: String,
    /// The names that there are.
    pub known: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_plans_parse_and_say_their_schema() {
        for plan in Plan::built_in() {
            assert_eq!(plan.schema, Plan::SCHEMA);
            assert!(!plan.cases.is_empty());
        }
    }

    #[test]
    fn a_plan_names_each_case_once_and_only_profiles_that_it_applies_to() {
        for plan in Plan::built_in() {
            for case in &plan.cases {
                let alike = plan.cases.iter().filter(|other| other.id == case.id);
                assert_eq!(alike.count(), 1, "{} of {}", case.id, plan.id);
                for profile in case.not_shown.iter().flat_map(|reason| &reason.profiles) {
                    assert!(case.applies_to(*profile), "{} on {profile}", case.id);
                }
            }
        }
    }

    #[test]
    fn base_has_the_cases_of_smoke_in_their_order() {
        let ids = |name: &str| -> Vec<CaseId> {
            let plan = Plan::named(name).unwrap();
            plan.cases.iter().map(|case| case.id).collect()
        };
        let smoke = ids("smoke");
        let mut base = ids("base");
        base.retain(|case| smoke.contains(case));
        assert_eq!(base, smoke);
    }

    #[test]
    fn a_profile_that_cannot_show_a_case_says_why() {
        let mut case = Plan::named("base").unwrap().cases.remove(0);
        case.not_shown = vec![NotShown {
            profiles: vec![Profile::HypervVmbus],
            why: "no firmware".to_owned(),
        }];
        assert_eq!(case.not_shown_on(Profile::HypervVmbus), Some("no firmware"));
        assert_eq!(case.not_shown_on(Profile::Kvm), None);
    }

    #[test]
    fn the_digest_does_not_depend_on_the_order_of_keys() {
        let text = include_str!("../plans/smoke.json");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let shuffled: Plan = serde_json::from_value(value).unwrap();
        assert_eq!(shuffled.digest(), Plan::named("smoke").unwrap().digest());
    }

    #[test]
    fn the_digest_changes_with_a_limit() {
        let plan = Plan::named("smoke").unwrap();
        let mut spoiled = plan.clone();
        spoiled.parameters.memory_reserved_percent += 1;
        assert_ne!(plan.digest(), spoiled.digest());
    }

    #[test]
    fn an_unknown_plan_names_the_known_ones() {
        assert_eq!(
            Plan::named("smok").unwrap_err().to_string(),
            "unknown plan \"smok\"; the plans are: smoke, base"
        );
    }
}
