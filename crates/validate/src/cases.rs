//! The cases that run inside a booted guest: what the agent is asked, and who judges the answer.

mod boot;
mod console;
mod crash;
mod group;
mod own_boot;
mod plugging;
mod power;
mod questions;
mod services;
mod way;

use std::path::Path;
use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::Acceleration;
use detente_machine::{Hardware, Profile};
use detente_plan::judge::{Execution, Finding};
use detente_plan::{CaseId, Plan};

use crate::limits::scaled;
use crate::session::NoAnswer;

use group::observe;

pub(crate) use boot::boot;
pub(crate) use group::group;
pub(crate) use own_boot::{OwnBoot, SILENCE_S, Stage, not_started};
pub(crate) use plugging::extras;
pub(crate) use power::{Shutdown, power};

/// The file of the profile's folder that holds the kernel's warnings and worse.
pub(crate) const KERNEL_LOG: &str = "kernel-log.txt";

/// The cases of the shared boot. Those of a group do not disturb each other; a group is over before
/// the next begins. The kernel's log comes last, so that it also shows what the other cases did to
/// the guest.
pub(crate) const GROUPS: &[&[CaseId]] = &[
    &[
        CaseId::Cpu01,
        CaseId::Cpu05,
        CaseId::Mem01,
        CaseId::Sto01,
        CaseId::Net01,
        CaseId::Rng01,
    ],
    &[CaseId::Net02, CaseId::Time01],
    &[
        CaseId::Con01,
        CaseId::Hb01,
        CaseId::Kvp01,
        CaseId::Kbd01,
        CaseId::Snp01,
    ],
    &[CaseId::Cpu08],
    // What changes the machine comes when nobody counts it any more.
    &[
        CaseId::Sto02,
        CaseId::Sto03,
        CaseId::Sto04,
        CaseId::Sto14,
        CaseId::Net07,
        CaseId::Net14,
        CaseId::Mem02,
        CaseId::Mem04,
        CaseId::Cpu04,
        CaseId::Time04,
    ],
    &[CaseId::Boot02],
];

/// The boots beside the shared one, for cases that end or disturb it, in their order.
pub(crate) const OWN_BOOTS: &[OwnBoot] = &[crash::BOOT];

/// A finding, or why there is none.
pub(crate) type Found = Result<Finding, NoAnswer>;

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
