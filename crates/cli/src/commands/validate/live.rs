//! What the user sees while a run goes on: a line a step, a line a case.

use detente_evidence::CaseResult;
use detente_guest::Guest;
use detente_host::Host;
use detente_plan::Plan;
use detente_validate::{Observer, Progress};

use super::one::Audience;
use super::table::mark;
use crate::output::Output;

/// Prints progress to standard error.
pub(in crate::commands) struct Live<'a> {
    out: &'a mut Output,
}

impl<'a> Live<'a> {
    pub(in crate::commands) fn new(out: &'a mut Output) -> Self {
        Self { out }
    }

    /// Says what is going to be done, before anything takes time.
    pub(in crate::commands) fn begin<'h>(
        &mut self,
        guest: &Guest,
        plan: &Plan,
        hosts: impl Iterator<Item = &'h dyn Host>,
    ) {
        let os = &guest.facts().operating_system.pretty_name;
        self.out.aside(&format!("guest     {os}"));
        self.out.aside(&format!(
            "plan      {} v{}, {} cases",
            plan.id,
            plan.version,
            plan.cases.len()
        ));
        for host in hosts {
            let facts = host.facts();
            self.out.aside(&format!(
                "platform  {} {}: {}",
                facts.product, facts.version, facts.acceleration_proof
            ));
        }
    }

    fn case(&mut self, result: &CaseResult) {
        let CaseResult {
            case_id,
            outcome,
            message,
            duration_ms,
            ..
        } = result;
        let seconds = format!("{}.{} s", duration_ms / 1000, duration_ms % 1000 / 100);
        self.out.aside(&format!(
            "  {} {case_id:<8} {outcome:<10} {seconds:>8}  {message}",
            mark(*outcome)
        ));
    }
}

impl Audience for Live<'_> {
    fn begin(&mut self, guest: &Guest, plan: &Plan, hosts: &mut dyn Iterator<Item = &dyn Host>) {
        Live::begin(self, guest, plan, hosts);
    }
}

impl Observer for Live<'_> {
    fn progress(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Starting { profile } => self.out.aside(&format!("\nprofile   {profile}")),
            Progress::Step { text, elapsed_ms } => {
                let seconds = format!("{}.{} s", elapsed_ms / 1000, elapsed_ms % 1000 / 100);
                self.out.aside(&format!("  · {seconds:>8}  {text}"));
            }
            Progress::Held { ways, .. } => {
                self.out.aside("\nthe machine is left up. To get in:");
                for way in *ways {
                    self.out.aside(&format!("  {way}"));
                }
                self.out.aside("Ctrl-C ends it.");
            }
            Progress::Case { result } => self.case(result),
        }
    }
}
