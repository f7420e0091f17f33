//! The cases that run inside a booted guest: what the agent is asked, and who judges the answer.

mod boot;
mod console;
mod crash;
mod exercises;
mod firmware;
mod flush;
mod group;
mod own_boot;
mod own_case;
mod plugging;
mod power;
mod questions;
mod restarts;
mod services;
mod told_panic;
mod watchdog;
mod way;

use std::path::Path;
use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::Acceleration;
use detente_machine::{Hardware, Profile};
use detente_plan::judge::{Execution, Finding};
use detente_plan::{CaseId, Plan};

use crate::Fault;
use crate::guest_disks::GuestDisks;
use crate::hold::Hold;
use crate::left_out::LeftOut;
use crate::limits::scaled;
use crate::own_case::OwnCase;
use crate::session::NoAnswer;

use group::observe;

pub(crate) use boot::boot;
pub(crate) use group::group;
pub(crate) use own_boot::{OwnBoot, SILENCE_S, Stage, not_started};
pub(crate) use own_case::{output_name, own_cases};
pub(crate) use plugging::extras;
pub(crate) use power::{Shutdown, power};
#[cfg(test)]
pub(crate) use restarts::all as restart_in_every_way;

/// The file of the profile's folder that holds the kernel's warnings and worse.
pub(crate) const KERNEL_LOG: &str = "kernel-log.txt";

/// The archive with what a supporter wants to see.
pub(crate) const SUPPORT_DATA: &str = "support-data.tar";

/// The picture that the screen is judged by.
pub(crate) const SCREEN: &str = "screen-shown.png";

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
    // What is only looked at.
    &[
        CaseId::Sup04,
        CaseId::Cpu07,
        CaseId::Sup01,
        CaseId::Con02,
        CaseId::Gfx01,
        CaseId::Kvp02,
    ],
    // What the guest is put to. Processors go and come while the disk is busy.
    &[CaseId::Cpu03, CaseId::Sto13],
    &[CaseId::Mem08],
    &[CaseId::Net03],
    &[CaseId::Net04],
    &[CaseId::Time02, CaseId::Str01, CaseId::Time03],
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
        CaseId::Hb02,
        CaseId::Agt01,
        CaseId::Snp05,
        // From now on the disk's writes go elsewhere.
        CaseId::Snp02,
    ],
    &[CaseId::Sup06],
    &[CaseId::Boot02],
];

/// The boots beside the shared one, for cases that end or disturb it, in their order.
pub(crate) const OWN_BOOTS: &[OwnBoot] = &[
    firmware::AS_THE_DISK_ASKS,
    firmware::SECURE,
    firmware::REFUSED,
    crash::BOOT,
    restarts::BOOT,
    flush::BOOT,
    told_panic::BOOT,
    watchdog::BOOT,
];

/// A finding, or why there is none.
pub(crate) type Found = Result<Finding, NoAnswer>;

/// What the cases of one profile have in common.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) profile: Profile,
    /// What the folders of this pass are called: the profile, with a number from the second on.
    pub(crate) label: String,
    /// The cases that are not run here.
    pub(crate) left_out: LeftOut,
    /// The user's own cases.
    pub(crate) own_cases: &'a [OwnCase],
    /// Where the sockets of a machine are that is left up after a failure, if it is.
    pub(crate) hold: Option<Hold>,
    pub(crate) acceleration: Acceleration,
    /// What no case but the boot may exceed, whatever the plan says.
    pub(crate) case_limit: Option<Duration>,
    pub(crate) mac: String,
    pub(crate) seed: u64,
    /// The faults that were put in, for those that are told to the agent.
    pub(crate) faults: &'a [Fault],
    /// The profile's folder, for evidence.
    pub(crate) work: &'a Path,
    /// The guest's disks in the shared boot.
    pub(crate) disks: GuestDisks,
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

    /// Whether the plan has the case, and it is run here.
    pub(crate) fn applies(&self, case: CaseId) -> bool {
        self.plan.case(case).is_some() && !self.left_out.contains(case)
    }

    /// What executes the guest, as far as it bears on verdicts.
    pub(crate) fn execution(&self) -> Execution {
        match self.acceleration {
            Acceleration::Hardware | Acceleration::Nested => Execution::Processor,
            Acceleration::Emulated => Execution::Emulated,
        }
    }

    /// Whether a fault was put in.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
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
            label: String::new(),
            left_out: LeftOut::default(),
            own_cases: &[],
            hold: None,
            acceleration: Acceleration::Hardware,
            case_limit,
            mac: String::new(),
            seed: 0,
            faults: &[],
            work: Path::new("."),
            disks: GuestDisks::default(),
        };
        let seconds = Duration::from_secs;
        assert_eq!(context(None).limit(CaseId::Sto01), seconds(30));
        let short = context(Some(seconds(10)));
        assert_eq!(short.limit(CaseId::Sto01), seconds(10));
        assert_eq!(short.limit(CaseId::Con01), seconds(5));
        assert_eq!(short.limit(CaseId::Boot01), seconds(60));
    }
}
