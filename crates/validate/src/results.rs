//! The results of one profile, as they come, and in the plan's order at last.

use std::path::Path;

use detente_evidence::{CaseResult, Outcome};
use detente_machine::Profile;
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, RootState};

use crate::cases::{self, Context, Judged, Shutdown};
use crate::observer::{Observer, Progress};
use crate::record::case_result;

/// The results of a profile, as they come.
pub(crate) struct Results<'a, 'o> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) observer: &'o mut dyn Observer,
    done: Vec<(CaseId, CaseResult)>,
}

impl<'a, 'o> Results<'a, 'o> {
    /// None yet.
    pub(crate) fn new(context: &'a Context<'a>, observer: &'o mut dyn Observer) -> Self {
        Self {
            context,
            observer,
            done: Vec::new(),
        }
    }

    /// Keeps results.
    pub(crate) fn add_all(&mut self, judged: Vec<Judged>) {
        for Judged {
            case,
            finding,
            duration_ms,
            started_ms,
        } in judged
        {
            self.add(case, finding, (started_ms, duration_ms));
        }
    }

    /// Keeps a result and tells the observer. A case that does not apply to the profile is
    /// skipped, whatever was found.
    pub(crate) fn add(
        &mut self,
        id: CaseId,
        finding: Finding,
        (started_ms, duration_ms): (u64, u64),
    ) {
        let Some(case) = self.context.plan.case(id) else {
            return;
        };
        let finding = if case.applies_to(self.context.profile) {
            finding
        } else {
            not_applicable()
        };
        let result = case_result(case, finding, started_ms, duration_ms);
        self.observer.progress(&Progress::Case { result: &result });
        self.done.push((id, result));
    }

    /// The shutdown's result, once the disk can be looked at.
    pub(crate) fn add_shutdown(
        &mut self,
        shutdown: Option<Shutdown>,
        root: impl FnOnce() -> RootState,
    ) {
        let (finding, elapsed_ms) = match shutdown {
            None => return,
            Some(Shutdown::Unseen(finding)) => (finding, 0),
            Some(Shutdown::Seen(mut seen)) => {
                if seen.by_guest {
                    seen.root = root();
                }
                (judge::pwr01(&seen), seen.elapsed_ms)
            }
        };
        self.add(CaseId::Pwr01, finding, (0, elapsed_ms));
    }

    /// One result for each case of the plan, in its order: what never came was not run, or not let
    /// run by the user. Files of `folder` that belong to a case are named where they are there.
    pub(crate) fn in_plan_order(mut self, interrupted: bool, folder: &Path) -> Vec<CaseResult> {
        let planned: Vec<CaseId> = self.context.plan.cases.iter().map(|case| case.id).collect();
        for &id in &planned {
            if self.done.iter().all(|(done, _)| *done != id) {
                let finding = if interrupted {
                    cases::interrupted()
                } else {
                    not_reached()
                };
                self.add(id, finding, (0, 0));
            }
        }
        let place = |id: CaseId| planned.iter().position(|planned| *planned == id);
        self.done.sort_by_key(|(id, _)| place(*id));
        let profile = self.context.profile;
        let with_evidence = |(id, mut result): (CaseId, CaseResult)| {
            result.evidence = evidence(id, profile);
            result.evidence.retain(|name| folder.join(name).is_file());
            result
        };
        self.done.into_iter().map(with_evidence).collect()
    }
}

fn not_applicable() -> Finding {
    Finding::plain(
        Outcome::Skipped,
        "not_applicable",
        "does not apply to this hardware profile",
    )
}

fn not_reached() -> Finding {
    Finding::plain(
        Outcome::NotRun,
        "not_ready",
        "the guest was not ready to be asked",
    )
}

/// The files of the run's folder that may belong to a case.
fn evidence(case: CaseId, profile: Profile) -> Vec<String> {
    let file = |name: &str| format!("{profile}/{name}");
    match case {
        CaseId::Boot01 => vec![file("console.log"), file("screen.png")],
        CaseId::Boot02 => vec![file(cases::KERNEL_LOG), file("console.log")],
        CaseId::Con01 | CaseId::Pwr01 | CaseId::Crs03 => vec![file("console.log")],
        CaseId::Boot10
        | CaseId::Cpu01
        | CaseId::Cpu05
        | CaseId::Cpu08
        | CaseId::Hb01
        | CaseId::Kvp01
        | CaseId::Snp01
        | CaseId::Kbd01
        | CaseId::Mem01
        | CaseId::Sto01
        | CaseId::Net01
        | CaseId::Net02
        | CaseId::Time01
        | CaseId::Rng01
        | CaseId::Cpu04
        | CaseId::Mem02
        | CaseId::Mem04
        | CaseId::Sto02
        | CaseId::Sto03
        | CaseId::Sto04
        | CaseId::Sto14
        | CaseId::Net07
        | CaseId::Net14
        | CaseId::Time04
        | CaseId::Sup05 => Vec::new(),
    }
}
