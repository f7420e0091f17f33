//! The cases that run inside a booted guest: what the agent is asked, and who judges the answer.

mod batch;
mod boot;
mod console;
mod power;
mod services;

use std::path::Path;
use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::{Acceleration, HostError};
use detente_machine::{Hardware, Profile};
use detente_plan::judge::{self, AllowList, Execution, Finding, NetworkExpected};
use detente_plan::protocol::{Observation, Task};
use detente_plan::{CaseId, Plan};

use crate::limits::scaled;
use crate::session::{NoAnswer, Session};

use batch::echo_seen;

pub(crate) use batch::batch;
pub(crate) use boot::boot;
pub(crate) use console::console;
pub(crate) use power::{Shutdown, power};
pub(crate) use services::{crash, services};

/// Warnings and worse are read of the kernel's log.
const KERNEL_LOG_LEVEL: u8 = 4;

/// The file of the profile's folder that holds the kernel's warnings and worse.
pub(crate) const KERNEL_LOG: &str = "kernel-log.txt";

/// Cases that do not disturb each other run side by side; a batch is over before the next begins.
/// The kernel's log comes last, so that it also shows what the other cases did to the guest.
pub(crate) const BATCHES: &[&[CaseId]] = &[
    &[
        CaseId::Cpu01,
        CaseId::Cpu05,
        CaseId::Mem01,
        CaseId::Sto01,
        CaseId::Net01,
        CaseId::Rng01,
    ],
    &[CaseId::Net02, CaseId::Time01],
    &[CaseId::Con01],
    &[CaseId::Cpu08],
    &[CaseId::Boot02],
];

/// What the cases of one profile have in common.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) profile: Profile,
    pub(crate) acceleration: Acceleration,
    /// What no case but the boot may exceed, whatever the plan says.
    pub(crate) case_limit: Option<Duration>,
    pub(crate) mac: String,
    pub(crate) seed: u64,
    /// The profile's folder, for evidence.
    pub(crate) work: &'a Path,
}

/// One case's finding, with its time.
pub(crate) struct Judged {
    pub(crate) case: CaseId,
    pub(crate) finding: Finding,
    pub(crate) duration_ms: u64,
    pub(crate) started_ms: u64,
}

impl Context<'_> {
    /// The limit of a case on this host.
    pub(crate) fn limit(&self, case: CaseId) -> Duration {
        let limit_s = self.plan.case(case).map_or(0, |case| case.limit_s);
        let limit = scaled(limit_s, self.acceleration);
        match self.case_limit {
            Some(most) if case != CaseId::Boot01 => limit.min(most),
            Some(_) | None => limit,
        }
    }

    /// Whether the plan has the case, and for this profile.
    pub(crate) fn applies(&self, case: CaseId) -> bool {
        self.plan
            .case(case)
            .is_some_and(|case| case.applies_to(self.profile))
    }

    /// What executes the guest, as far as it bears on verdicts.
    pub(crate) fn execution(&self) -> Execution {
        match self.acceleration {
            Acceleration::Hardware | Acceleration::Nested => Execution::Processor,
            Acceleration::Emulated => Execution::Emulated,
        }
    }

    fn hardware(&self) -> Hardware {
        self.profile.hardware()
    }

    /// What the agent is asked, for the cases that are one question.
    fn task(&self, case: CaseId) -> Option<Task> {
        let parameters = &self.plan.parameters;
        match case {
            CaseId::Boot02 => Some(Task::ReadKernelLog {
                max_level: KERNEL_LOG_LEVEL,
            }),
            CaseId::Cpu01 => Some(Task::CountCpus),
            CaseId::Mem01 => Some(Task::MeasureMemory),
            CaseId::Sto01 => Some(Task::ExerciseRootDisk {
                bytes: parameters.disk_bytes,
                seed: self.seed,
            }),
            CaseId::Net01 => Some(Task::ProbeNetwork {
                mac: self.mac.clone(),
                ping: detente_host::network::GATEWAY,
                name: detente_host::network::NAME.to_owned(),
            }),
            CaseId::Net02 => Some(Task::TransferTcp {
                address: detente_host::network::GATEWAY,
                port: detente_host::network::ECHO_PORT,
                bytes: parameters.transfer_bytes,
                seed: self.seed,
            }),
            CaseId::Time01 => Some(Task::SwitchClockSources),
            CaseId::Rng01 => Some(Task::ReadEntropy {
                bytes: parameters.entropy_bytes,
            }),
            CaseId::Cpu05 => Some(Task::IdentifyHypervisor),
            CaseId::Cpu08 => Some(Task::ListVmbus),
            CaseId::Boot01
            | CaseId::Boot10
            | CaseId::Hb01
            | CaseId::Kvp01
            | CaseId::Snp01
            | CaseId::Con01
            | CaseId::Kbd01
            | CaseId::Pwr01
            | CaseId::Crs03
            | CaseId::Sup05 => None,
        }
    }

    /// What an answer means.
    fn judge(
        &self,
        case: CaseId,
        seen: &Observation,
        session: &mut Session,
    ) -> Result<Finding, HostError> {
        let parameters = &self.plan.parameters;
        let hardware = self.hardware();
        Ok(match (case, seen) {
            (CaseId::Boot02, Observation::KernelLog(seen)) => {
                judge::boot02(seen, &AllowList::built_in(), self.execution())
            }
            (CaseId::Cpu01, Observation::Cpus(seen)) => judge::cpu01(seen, parameters.vcpus),
            (CaseId::Mem01, Observation::Memory(seen)) => judge::mem01(
                seen,
                parameters.memory_mib,
                parameters.memory_reserved_percent,
            ),
            (CaseId::Sto01, Observation::RootDisk(seen)) => {
                judge::sto01(seen, &hardware, parameters.disk_bytes)
            }
            (CaseId::Net01, Observation::Network(seen)) => {
                let expected = NetworkExpected {
                    name: detente_host::network::NAME.to_owned(),
                    address: detente_host::network::GATEWAY,
                };
                judge::net01(seen, &hardware, &expected)
            }
            (CaseId::Net02, Observation::Transfer(seen)) => {
                let echo = echo_seen(session)?;
                judge::net02(seen, &echo, parameters.transfer_bytes)
            }
            (CaseId::Time01, Observation::Clock(seen)) => {
                judge::time01(seen, &hardware, self.execution())
            }
            (CaseId::Cpu05, Observation::Hypervisor(seen)) => {
                judge::cpu05(seen, &hardware.discovery, self.execution())
            }
            (CaseId::Cpu08, Observation::Vmbus(seen)) => {
                let agreed = session.services.agreed_version();
                judge::cpu08(seen, &services::offered(), agreed.as_deref())
            }
            (CaseId::Rng01, Observation::Entropy(seen)) => {
                judge::rng01(seen, parameters.entropy_bytes)
            }
            // Pairs, not variants: every other pair is a wrong answer.
            _ => wrong_answer(),
        })
    }
}

/// What it means that a task gave nothing.
pub(crate) fn no_answer(nothing: NoAnswer) -> Finding {
    match nothing {
        NoAnswer::Failed(reason) => Finding::plain(Outcome::Failed, "not_possible", reason),
        NoAnswer::Died(reason) => Finding::plain(Outcome::Failed, "guest_ended", reason),
        NoAnswer::Silent(reason) => Finding::plain(Outcome::Error, "no_answer", reason),
        NoAnswer::Interrupted => interrupted(),
    }
}

/// An answer to another question.
pub(crate) fn wrong_answer() -> Finding {
    Finding::plain(
        Outcome::Error,
        "wrong_answer",
        "the agent answered something else than it was asked",
    )
}

/// A case that the user did not let end.
pub(crate) fn interrupted() -> Finding {
    Finding::plain(
        Outcome::Interrupted,
        "interrupted",
        "the run was ended before this was seen",
    )
}

#[cfg(test)]
mod tests {
    use detente_plan::Plan;

    use super::*;

    #[test]
    fn a_case_limit_shortens_and_spares_the_boot() {
        let plan = Plan::named("smoke").unwrap();
        let context = |case_limit| Context {
            plan: &plan,
            profile: Profile::Kvm,
            acceleration: Acceleration::Hardware,
            case_limit,
            mac: String::new(),
            seed: 0,
            work: Path::new("."),
        };
        let seconds = Duration::from_secs;
        assert_eq!(context(None).limit(CaseId::Sto01), seconds(30));
        let short = context(Some(seconds(10)));
        assert_eq!(short.limit(CaseId::Sto01), seconds(10));
        assert_eq!(short.limit(CaseId::Con01), seconds(5));
        assert_eq!(short.limit(CaseId::Boot01), seconds(60));
    }
}
