//! The results of one profile, as they come, and in the plan's order at last.

use std::path::Path;

use detente_evidence::{CaseResult, Outcome};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, RootState};

use crate::cases::{self, Context, Judged, Shutdown};
use crate::left_out::Said;
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
        let finding = match self.context.left_out.said(id) {
            Said::Run => finding,
            Said::Instead(_) if id == CaseId::Boot01 && !finding.outcome.is_pass() => finding,
            Said::Instead(instead) => instead.clone(),
            Said::Nothing => return,
        };
        let result = case_result(case, finding, started_ms, duration_ms);
        self.observer.progress(&Progress::Case { result: &result });
        self.done.push((id, result));
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
            let finding = match self.context.left_out.said(id) {
                Said::Run | Said::Nothing if interrupted => cases::interrupted(),
                Said::Run | Said::Nothing => not_reached(),
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
        self.done.into_iter().map(with_evidence).collect()
    }
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
