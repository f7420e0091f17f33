//! One hardware profile of a run: one machine, from its start to its end.

use std::path::PathBuf;
use std::sync::Arc;

use detente_block::BlockRead;
use detente_evidence::{CaseResult, MachineRecord, Outcome, ProfileRun, Verdict};
use detente_machine::{MachineSpec, Profile};
use detente_plan::CaseId;
use detente_plan::judge::{self, Digests, Finding, PowerSeen};
use detente_plan::protocol::Order;

use crate::cases::{self, BATCHES, Context, Judged};
use crate::digests::Digesting;
use crate::folder::{RunFolder, write_file};
use crate::limits::scaled;
use crate::link::AgentIdentity;
use crate::machine::{Boot, mac_text, machine_spec};
use crate::observer::{Observer, Progress};
use crate::record::{case_result, file_name, not_proved, platform};
use crate::request::Request;
use crate::root_state::root_is_clean;
use crate::run::{Before, outcomes};
use crate::session::Session;
use crate::{ValidateError, agent};

/// How long an agent that speaks every second may be silent, with hardware acceleration.
const SILENCE_S: u64 = 15;

/// What one profile's part of a run needs.
pub(crate) struct ProfileTask<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) folder: &'a RunFolder,
    pub(crate) order: &'a Order,
    pub(crate) boot: &'a Boot,
    pub(crate) profile: Profile,
}

/// Runs the profile; also gives the disks' digests from after it.
pub(crate) fn run_profile(
    task: &ProfileTask<'_>,
    before: &mut Before,
    readers: &[Arc<dyn BlockRead>],
    observer: &mut dyn Observer,
) -> Result<(ProfileRun, Vec<Option<String>>), ValidateError> {
    let request = task.request;
    let work = task.folder.subfolder(task.profile.name())?;
    let mut spec = machine_spec(
        task.profile,
        &request.plan,
        task.boot,
        &request.disks,
        &work,
    )?;
    for fault in &request.faults {
        fault.spoil(&mut spec);
    }
    let facts = request.host.facts();
    let context = Context {
        plan: &request.plan,
        profile: task.profile,
        acceleration: facts.acceleration,
        mac: mac_text(),
        seed: seed(&task.order.run_id),
        work: &work,
    };
    let mut results = Results {
        context: &context,
        observer,
        done: Vec::new(),
    };

    results.observer.progress(&Progress::Starting {
        profile: task.profile,
    });
    let machine = request.host.start(&spec, &work)?;
    let silence = scaled(SILENCE_S, facts.acceleration);
    let mut session = Session::new(
        machine,
        task.order.clone(),
        request.interrupt.clone(),
        silence,
    );
    let power = in_guest(task, &mut session, &mut results)?;
    let agent = session.agent.clone();
    write_file(
        &work.join("console-tail.txt"),
        session.console.tail().as_bytes(),
    )?;
    session.into_machine().stop()?;

    results.add_power(power, || root_clean(request, &spec));
    let after = Digesting::start(readers).finish();
    let check = self_check(request, before.wait(), &after, agent.as_ref());
    results.add(CaseId::Sup05, check, (0, 0));
    let cases = results.in_plan_order();
    if !request.keep {
        remove_overlays(&spec)?;
    }
    let mut part = ProfileRun {
        profile: task.profile.name().to_owned(),
        platform: platform(facts),
        machine: MachineRecord {
            vcpus: spec.topology.count(),
            memory_mib: spec.memory_mib,
            cmdline: spec.boot.cmdline.clone(),
            cmdline_additions: task.boot.additions.clone(),
        },
        boots: 1,
        not_proved: not_proved(&cases),
        cases,
        verdict: Verdict::Passed,
    };
    part.verdict = Verdict::of(outcomes(&part));
    Ok((part, after))
}

/// The digests of everything that took part.
fn self_check(
    request: &Request<'_>,
    before: &[Option<String>],
    after: &[Option<String>],
    agent: Option<&AgentIdentity>,
) -> Finding {
    let at = |list: &[Option<String>], index: usize| list.get(index).cloned().flatten();
    let disks = request.disks.iter().enumerate();
    judge::sup05(&Digests {
        images: disks
            .map(|(index, disk)| (file_name(disk), at(before, index), at(after, index)))
            .collect(),
        agent_carried: agent::sha256(),
        agent_ran: agent.map(|agent| agent.sha256.clone()),
        plan_obeyed: agent.map(|agent| agent.plan_digest.clone()),
        plan: request.plan.digest(),
        tool: Some(request.tool.sha256.clone()).filter(|digest| !digest.is_empty()),
    })
}

/// Everything that happens while the machine is on; what was seen of the shutdown, if it came to
/// one.
fn in_guest(
    task: &ProfileTask<'_>,
    session: &mut Session,
    results: &mut Results<'_, '_>,
) -> Result<Option<PowerSeen>, ValidateError> {
    let request = task.request;
    let context = results.context;
    let limit = request
        .boot_limit
        .unwrap_or_else(|| context.limit(CaseId::Boot01));
    let booted = cases::boot(context, session, limit, results.observer)?;
    results.add_all(booted.findings);
    if booted.ready {
        for batch in BATCHES {
            results.add_all(cases::batch(context, session, batch)?);
            if batch.contains(&CaseId::Con01) && context.applies(CaseId::Con01) {
                results.add_all(vec![cases::console(context, session)?]);
            }
        }
    }
    let picture = task
        .folder
        .path()
        .join(task.profile.name())
        .join("screen.png");
    if session.exited.is_none() && session.machine().screen_picture(&picture).is_err() {
        // A picture is a help for the reader, not a case: a host without a screen has none.
        let _ = std::fs::remove_file(&picture);
    }
    if booted.ready && context.applies(CaseId::Pwr01) && !session.interrupted() {
        let planned = request.plan.parameters.shutdown_limit_s;
        let limit = request
            .shutdown_limit
            .unwrap_or_else(|| scaled(planned, context.acceleration));
        return Ok(cases::power(session, limit)?);
    }
    Ok(None)
}

/// The results of a profile, as they come.
struct Results<'a, 'o> {
    context: &'a Context<'a>,
    observer: &'o mut dyn Observer,
    done: Vec<(CaseId, CaseResult)>,
}

impl Results<'_, '_> {
    fn add_all(&mut self, judged: Vec<Judged>) {
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
    fn add(&mut self, id: CaseId, finding: Finding, (started_ms, duration_ms): (u64, u64)) {
        let Some(case) = self.context.plan.case(id) else {
            return;
        };
        let finding = if case.applies_to(self.context.profile) {
            finding
        } else {
            not_applicable()
        };
        let evidence = evidence(id, self.context.profile);
        let result = case_result(case, finding, started_ms, duration_ms, evidence);
        self.observer.progress(&Progress::Case { result: &result });
        self.done.push((id, result));
    }

    /// The shutdown's result, once the disk can be looked at.
    fn add_power(&mut self, seen: Option<PowerSeen>, root_clean: impl FnOnce() -> Option<bool>) {
        let Some(mut seen) = seen else { return };
        if seen.by_guest {
            seen.root_clean = root_clean();
        }
        self.add(CaseId::Pwr01, judge::pwr01(&seen), (0, seen.elapsed_ms));
    }

    /// One result for each case of the plan, in its order: what never came was not run.
    fn in_plan_order(mut self) -> Vec<CaseResult> {
        let interrupted = self
            .done
            .iter()
            .any(|(_, case)| case.outcome == Outcome::Interrupted);
        let missing: Vec<CaseId> = self.context.plan.cases.iter().map(|case| case.id).collect();
        for id in missing {
            if self.done.iter().all(|(done, _)| *done != id) {
                let finding = if interrupted {
                    cases::interrupted()
                } else {
                    not_reached()
                };
                self.add(id, finding, (0, 0));
            }
        }
        let order = |id: CaseId| {
            self.context
                .plan
                .cases
                .iter()
                .position(|case| case.id == id)
        };
        self.done.sort_by_key(|(id, _)| order(*id));
        self.done.into_iter().map(|(_, result)| result).collect()
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

/// The files of the run's folder that belong to a case.
fn evidence(case: CaseId, profile: Profile) -> Vec<String> {
    let file = |name: &str| format!("{profile}/{name}");
    match case {
        CaseId::Boot01 => vec![file("console.log"), file("screen.png")],
        CaseId::Boot02 => vec![file(cases::KERNEL_LOG), file("console.log")],
        CaseId::Con01 | CaseId::Pwr01 => vec![file("console.log")],
        CaseId::Boot10
        | CaseId::Cpu01
        | CaseId::Mem01
        | CaseId::Sto01
        | CaseId::Net01
        | CaseId::Net02
        | CaseId::Time01
        | CaseId::Rng01
        | CaseId::Sup05 => Vec::new(),
    }
}

/// Looks at the root file system in its overlay.
fn root_clean(request: &Request<'_>, spec: &MachineSpec) -> Option<bool> {
    let root = request.guest.facts().root;
    let disk = spec.disks.get(root.disk)?;
    let chain: Vec<PathBuf> = disk.chain.iter().map(|file| file.path.clone()).collect();
    root_is_clean(&disk.overlay, &chain, root.partition)
}

fn remove_overlays(spec: &MachineSpec) -> Result<(), ValidateError> {
    for disk in &spec.disks {
        std::fs::remove_file(&disk.overlay).map_err(|source| ValidateError::Write {
            path: disk.overlay.clone(),
            source,
        })?;
    }
    Ok(())
}

/// A number that no two runs share, from the run's name (FNV-1a, 64 bits).
fn seed(run_id: &str) -> u64 {
    run_id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
