//! The results of one profile, as they come, and in the plan's order at last.

use std::path::Path;

use detente_evidence::{CaseResult, Outcome};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, RootState};

use crate::cases::{self, Context, Judged, Shutdown};
use crate::left_out::Said;
use crate::observer::{Observer, Progress};
use crate::own_case::OwnCase;
use crate::record::{case_result, own_case_result};

/// The results of a profile, as they come.
pub(crate) struct Results<'a, 'o> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) observer: &'o mut dyn Observer,
    done: Vec<(CaseId, CaseResult)>,
    /// Of the user's own cases.
    own: Vec<CaseResult>,
    /// Whether the machine was left up for a person, so that what would come after is not run.
    pub(crate) held: bool,
}

impl<'a, 'o> Results<'a, 'o> {
    /// None yet.
    pub(crate) fn new(context: &'a Context<'a>, observer: &'o mut dyn Observer) -> Self {
        Self {
            context,
            observer,
            done: Vec::new(),
            own: Vec::new(),
            held: false,
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

    /// Keeps a result and tells the observer. Of a case that is not run here it is said why,
    /// whatever was found; but what all cases stand on is told wherever it does not hold.
    pub(crate) fn add(
        &mut self,
        id: CaseId,
        finding: Finding,
        (started_ms, duration_ms): (u64, u64),
    ) {
        let Some(case) = self.context.plan.case(id) else {
            return;
        };
        let finding = match self.context.left_out.said(id.name()) {
            Said::Run => finding,
            Said::Instead(_) if id == CaseId::Boot01 && !finding.outcome.is_pass() => finding,
            Said::Instead(instead) => instead.clone(),
            Said::Nothing => return,
        };
        let result = case_result(case, finding, started_ms, duration_ms);
        self.observer.progress(&Progress::Case { result: &result });
        self.done.push((id, result));
    }

    /// Whether something has failed so far.
    pub(crate) fn has_failure(&self) -> bool {
        let done = self.done.iter().map(|(_, result)| result);
        let mut all = done.chain(&self.own);
        all.any(|result| result.outcome == Outcome::Failed)
    }

    /// What is said of a case that was never begun.
    fn unseen(&self, interrupted: bool) -> Finding {
        match (interrupted, self.held) {
            (true, _) => cases::interrupted(),
            (false, true) => held(),
            (false, false) => not_reached(),
        }
    }

    /// Keeps the result of a case of the user's own, and tells the observer.
    pub(crate) fn add_own(&mut self, case: &OwnCase, finding: Finding, time_ms: (u64, u64)) {
        let mut result = own_case_result(case, finding, time_ms);
        let output = cases::output_name(case);
        if self.context.work.join(&output).is_file() {
            result.evidence = vec![format!("{}/{output}", self.context.label)];
        }
        self.observer.progress(&Progress::Case { result: &result });
        self.own.push(result);
    }

    /// One result for each of the user's own cases.
    fn fill_in_own(&mut self, interrupted: bool) {
        for case in self.context.own_cases {
            if self.own.iter().any(|done| done.case_id == case.id) {
                continue;
            }
            let finding = match self.context.left_out.said(&case.id) {
                Said::Run => self.unseen(interrupted),
                Said::Instead(instead) => instead.clone(),
                Said::Nothing => continue,
            };
            self.add_own(case, finding, (0, 0));
        }
    }

    /// Puts what there is into its places in a list that is in the plan's order.
    pub(crate) fn put_into(self, cases: &mut Vec<CaseResult>) {
        let plan = self.context.plan;
        cases.extend(self.done.into_iter().map(|(_, result)| result));
        let place = |result: &CaseResult| {
            let mut ids = plan.cases.iter().map(|case| case.id.name());
            ids.position(|id| id == result.case_id)
        };
        // What the plan does not have comes last.
        cases.sort_by_key(|result| place(result).unwrap_or(usize::MAX));
    }

    /// The shutdown's result, once the disk can be looked at.
    pub(crate) fn add_shutdown(
        &mut self,
        shutdown: Option<Shutdown>,
        root: impl FnOnce() -> RootState,
    ) {
        let (finding, elapsed_ms) = match shutdown {
            None | Some(Shutdown::Unasked) => return,
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

    /// One result for each case of the plan but the self-check, which is of all passes together, in
    /// its order: what never came was not run, or not let run by the user. Files of `folder` that belong to a case are named where they are there.
    pub(crate) fn in_plan_order(mut self, interrupted: bool, folder: &Path) -> Vec<CaseResult> {
        let planned: Vec<CaseId> = self.context.plan.cases.iter().map(|case| case.id).collect();
        for &id in &planned {
            if id == CaseId::Sup05 || self.done.iter().any(|(done, _)| *done == id) {
                continue;
            }
            let finding = match self.context.left_out.said(id.name()) {
                Said::Run | Said::Nothing => self.unseen(interrupted),
                Said::Instead(instead) => instead.clone(),
            };
            self.add(id, finding, (0, 0));
        }
        let place = |id: CaseId| planned.iter().position(|planned| *planned == id);
        self.done.sort_by_key(|(id, _)| place(*id));
        let with_evidence = |(id, mut result): (CaseId, CaseResult)| {
            result.evidence = evidence(id, &self.context.label);
            result.evidence.retain(|name| folder.join(name).is_file());
            result
        };
        self.fill_in_own(interrupted);
        let own = std::mem::take(&mut self.own);
        self.done
            .into_iter()
            .map(with_evidence)
            .chain(own)
            .collect()
    }
}

fn held() -> Finding {
    let message = "the machine was left up for a person after a failure";
    Finding::plain(Outcome::NotRun, "held", message)
}

fn not_reached() -> Finding {
    Finding::plain(
        Outcome::NotRun,
        "not_ready",
        "the guest was not ready to be asked",
    )
}

/// The files of a pass's folder that may belong to a case of the shared boot.
const EVIDENCE: &[(CaseId, &[&str])] = &[
    (CaseId::Boot01, &["console.log", "screen.png"]),
    (CaseId::Boot02, &[cases::KERNEL_LOG, "console.log"]),
    (CaseId::Con01, &["console.log"]),
    (CaseId::Pwr01, &["console.log"]),
    (CaseId::Gfx01, &[cases::SCREEN]),
    (CaseId::Sup06, &[cases::SUPPORT_DATA]),
];

/// Those of a boot that cases have to themselves.
const EVIDENCE_OF_OWN_BOOTS: &[&str] = &["console.log", "screen.png"];

/// The files of the run's folder that may belong to a case.
fn evidence(case: CaseId, label: &str) -> Vec<String> {
    let own = cases::OWN_BOOTS
        .iter()
        .find(|own| own.cases.contains(&case));
    let (folder, names) = match own {
        Some(own) => (format!("{label}-{}", own.name), EVIDENCE_OF_OWN_BOOTS),
        None => {
            let row = EVIDENCE.iter().find(|(of, _)| *of == case);
            (label.to_owned(), row.map_or(&[][..], |(_, names)| names))
        }
    };
    let names = names.iter();
    names.map(|name| format!("{folder}/{name}")).collect()
}
