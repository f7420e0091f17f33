//! One hardware profile of a run: one machine, from its start to its end.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use detente_evidence::{MachineRecord, Outcome, ProfileRun, Verdict, statement};
use detente_machine::LaunchSpec;
use detente_plan::CaseId;
use detente_plan::judge::{self, Digests, Finding, RootState};
use detente_plan::protocol::Order;

use crate::cases::{self, Context, GROUPS, OWN_BOOTS, SILENCE_S, Shutdown, Stage, not_started};
use crate::chain::reopen;
use crate::digests::Digesting;
use crate::folder::{RunFolder, write_file};
use crate::guest_disks::{self, GuestDisks};
use crate::hold::{Hold, hold};
use crate::left_out::LeftOut;
use crate::limits::scaled;
use crate::link::AgentIdentity;
use crate::machine::{Boot, Prepared, mac_text, machine_spec};
use crate::observer::{Observer, Progress, Recorder};
use crate::passes::{Pass, passes};
use crate::record::{file_name, not_proved, platform};
use crate::request::{Column, Request};
use crate::results::Results;
use crate::root_state::root_is_clean;
use crate::run::{Before, outcomes};
use crate::session::Session;
use crate::{Scope, ValidateError, agent};

/// What one profile's part of a run needs.
pub(crate) struct ProfileTask<'a, 'r> {
    pub(crate) request: &'a Request<'r>,
    /// How much of the plan is run on this profile, and how often.
    pub(crate) scope: Scope,
    pub(crate) folder: &'a RunFolder,
    pub(crate) order: &'a Order,
    pub(crate) boot: &'a Boot,
    pub(crate) column: Column<'a>,
    /// How many profiles have been run before: what they have shown is not lost to this one.
    pub(crate) earlier: usize,
}

impl ProfileTask<'_, '_> {
    /// The machine, with empty overlays in `work`, what cases want beside the profile's hardware,
    /// and the faults that were asked for.
    pub(crate) fn machine(
        &self,
        work: &Path,
        furnish: impl FnOnce(&mut LaunchSpec),
    ) -> Result<Prepared, ValidateError> {
        let (plan, disks) = (&self.request.plan, &self.request.disks);
        let mut prepared = machine_spec(self.column.profile, plan, self.boot, disks, work)?;
        furnish(&mut prepared.spec);
        for fault in &self.request.faults {
            fault.spoil(&mut prepared.spec);
        }
        Ok(prepared)
    }
}

/// How long a boot and a shutdown may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverallLimits {
    pub(crate) boot: Duration,
    pub(crate) shutdown: Duration,
}

impl OverallLimits {
    /// The plan's, unless the request replaces them.
    pub(crate) fn new(request: &Request<'_>, context: &Context<'_>) -> Self {
        let shutdown_s = context.plan.parameters.shutdown_limit_s;
        Self {
            boot: request
                .boot_limit
                .unwrap_or_else(|| context.limit(CaseId::Boot01)),
            shutdown: request
                .shutdown_limit
                .unwrap_or_else(|| scaled(shutdown_s, context.acceleration)),
        }
    }
}

/// What was seen of a profile's machine while it was on.
struct Seen {
    /// What came of the shutdown, if it came to one.
    shutdown: Option<Shutdown>,
    agent: Option<AgentIdentity>,
    /// Whether the user ended the run before the machine was off.
    interrupted: bool,
    boots: u32,
}

/// Runs the profile; also gives the disks' digests from after it.
pub(crate) fn run_profile(
    task: &ProfileTask<'_, '_>,
    before: &mut Before,
    observer: &mut dyn Observer,
) -> Result<(ProfileRun, Vec<Option<String>>), ValidateError> {
    let request = task.request;
    let mut seen = passes(task, observer)?;
    let reopened: Vec<_> = request.disks.iter().map(reopen).collect();
    let after = Digesting::start(&reopened).finish(&request.interrupt);
    let before = before.wait(&request.interrupt);
    let check = self_check(request, before, &after, seen.agent.as_ref());
    let facts = Some(request.guest.facts());
    let left_out = LeftOut::new(&request.plan, task.column.profile, facts, &task.scope);
    let context = context(task, task.folder.path(), String::new(), left_out);
    let mut results = Results::new(&context, observer);
    results.add(CaseId::Sup05, check, (0, 0));
    results.put_into(&mut seen.cases);
    Ok((profile_run(task, seen), after))
}

/// One boot that the cases share, and those that some of them have to themselves.
pub(crate) fn pass(
    task: &ProfileTask<'_, '_>,
    number: u32,
    left_out: LeftOut,
    observer: &mut dyn Observer,
) -> Result<Pass, ValidateError> {
    let request = task.request;
    let label = match number {
        1 => task.column.profile.name().to_owned(),
        more => format!("{}-{more}", task.column.profile),
    };
    let work = task.folder.subfolder(&label)?;
    let context = context(task, &work, label, left_out);
    let prepared = task.machine(&work, |spec| {
        spec.extras = cases::extras(|case| context.applies(case));
    })?;
    let spec = &prepared.spec;
    let mut recorder = Recorder::new(observer);
    let mut results = Results::new(&context, &mut recorder);
    let is_first = number == 1 && task.earlier == 0;
    let seen = run_machine(task, spec, &mut results, is_first)?;

    // It comes to a shutdown only where the guest was ready.
    let (boots, ready) = (seen.boots, seen.shutdown.is_some());
    results.add_shutdown(seen.shutdown, || root(task, spec));
    let boots = boots + own_boots(task, &mut results, ready)?;
    let cases = results.in_plan_order(seen.interrupted, task.folder.path());
    if !request.keep {
        remove_overlays(&work)?;
    }
    Ok(Pass {
        cases,
        boots,
        steps: recorder.steps,
        machine: MachineRecord {
            vcpus: spec.topology.count(),
            memory_mib: spec.memory_mib,
            cmdline: spec.boot.cmdline.clone(),
            cmdline_additions: task.boot.additions.clone(),
        },
        agent: seen.agent,
        interrupted: seen.interrupted,
    })
}

fn context<'a>(
    task: &'a ProfileTask<'_, '_>,
    work: &'a Path,
    label: String,
    left_out: LeftOut,
) -> Context<'a> {
    Context {
        plan: &task.request.plan,
        profile: task.column.profile,
        label,
        left_out,
        own_cases: &task.request.own_cases,
        hold: task
            .request
            .keep_on_failure
            .clone()
            .map(|folder| Hold { folder }),
        acceleration: task.column.host.facts().acceleration,
        case_limit: task.request.case_limit,
        mac: mac_text(),
        seed: seed(&task.order.run_id),
        faults: &task.request.faults,
        work,
        disks: GuestDisks::new(task.request, work),
    }
}

fn profile_run(task: &ProfileTask<'_, '_>, seen: Pass) -> ProfileRun {
    let Pass {
        cases,
        boots,
        steps,
        machine,
        agent: _,
        interrupted: _,
    } = seen;
    let mut part = ProfileRun {
        profile: task.column.profile.name().to_owned(),
        platform: platform(task.column.host.facts()),
        not_proved: not_proved(task.column.profile, machine.vcpus, &cases),
        machine,
        boots,
        steps,
        cases,
        statement: String::new(),
        verdict: Verdict::Passed,
    };
    part.statement = statement(&part);
    part.verdict = Verdict::of(outcomes(&part));
    part
}

/// Everything from the machine's start to its end. A run that the user has ended starts no more. One
/// whose very first machine does not start is none.
fn run_machine(
    task: &ProfileTask<'_, '_>,
    spec: &LaunchSpec,
    results: &mut Results<'_, '_>,
    is_first: bool,
) -> Result<Seen, ValidateError> {
    let (request, work) = (task.request, results.context.work);
    if request.interrupt.load(Ordering::Relaxed) {
        return Ok(Seen {
            shutdown: None,
            agent: None,
            interrupted: true,
            boots: 0,
        });
    }
    results.observer.progress(&Progress::Starting {
        profile: task.column.profile,
    });
    let machine = match task.column.host.start(spec, work) {
        Ok(machine) => machine,
        Err(error) if !is_first => {
            results.add(CaseId::Boot01, not_started(&error), (0, 0));
            return Ok(Seen {
                shutdown: None,
                agent: None,
                interrupted: false,
                boots: 0,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let mut session = Session::new(
        machine,
        task.order.clone(),
        request.interrupt.clone(),
        scaled(SILENCE_S, results.context.acceleration),
    );
    let limits = OverallLimits::new(request, results.context);
    let shutdown = in_guest(&mut session, results, limits)?;
    let seen = Seen {
        shutdown,
        agent: session.agent.clone(),
        interrupted: session.interrupted(),
        boots: 1,
    };
    let tail = session.console.tail();
    write_file(&work.join("console-tail.txt"), tail.as_bytes())?;
    end(session)?;
    Ok(seen)
}

/// Ends the machine. One that was lost before cannot always say how it ended: what was seen of it
/// is evidence all the same.
pub(crate) fn end(session: Session) -> Result<(), ValidateError> {
    let lost = session.exited.is_some();
    match session.into_machine().stop() {
        Ok(_) => Ok(()),
        Err(_) if lost => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The boots that some cases have to themselves, where the first went well; how many they were.
fn own_boots(
    task: &ProfileTask<'_, '_>,
    results: &mut Results<'_, '_>,
    ready: bool,
) -> Result<u32, ValidateError> {
    let context = results.context;
    let mut boots: u32 = 0;
    for own in OWN_BOOTS {
        let wanted = own.cases.iter().any(|case| context.applies(*case)) && ready;
        if !wanted || task.request.interrupt.load(Ordering::Relaxed) {
            continue;
        }
        let mut stage = Stage::new(task, context, own)?;
        results.add_all((own.run)(&mut stage)?);
        boots = boots.saturating_add(stage.clear()?);
    }
    Ok(boots)
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
    let finding = judge::sup05(&Digests {
        images: disks
            .map(|(index, disk)| (file_name(disk), at(before, index), at(after, index)))
            .collect(),
        agent_carried: agent::sha256(),
        agent_ran: agent.map(|agent| agent.sha256.clone()),
        plan_obeyed: agent.map(|agent| agent.plan_digest.clone()),
        plan: request.plan.digest(),
        tool: Some(request.tool.sha256.clone()).filter(|digest| !digest.is_empty()),
    });
    let unseen = finding.outcome == Outcome::Error;
    if unseen && request.interrupt.load(Ordering::Relaxed) {
        return cases::interrupted();
    }
    finding
}

/// Everything that happens while the machine is on; what was seen of the shutdown, if it came to
/// one.
pub(crate) fn in_guest(
    session: &mut Session,
    results: &mut Results<'_, '_>,
    limits: OverallLimits,
) -> Result<Option<Shutdown>, ValidateError> {
    let context = results.context;
    let booted = cases::boot(context, session, limits.boot, results.observer)?;
    results.add_all(booted.findings);
    if booted.ready {
        for group in GROUPS {
            cases::group(context, session, group, &mut |judged| {
                results.add_all(vec![judged]);
            })?;
        }
        cases::own_cases(session, results)?;
    }
    keep_picture(context.work, session);
    if let Some(place) = &context.hold
        && results.has_failure()
        && !session.interrupted()
    {
        hold(session, place, results.observer)?;
        results.held = true;
        return Ok(None);
    }
    if !booted.ready {
        return Ok(None);
    }
    if !context.applies(CaseId::Pwr01) {
        return Ok(Some(Shutdown::Unasked));
    }
    results.observer.progress(&Progress::Step {
        text: "it is asked to power off",
        elapsed_ms: crate::limits::ms(session.elapsed()),
    });
    Ok(Some(cases::power(session, limits.shutdown)?))
}

/// Keeps a picture of the screen in `folder`, where the host has one.
pub(crate) fn keep_picture(folder: &Path, session: &mut Session) {
    let picture = folder.join("screen.png");
    if session.exited.is_none() && session.machine().screen_picture(&picture).is_err() {
        // A picture is a help for the reader, not a case: a host without a screen has none.
        let _ = std::fs::remove_file(&picture);
    }
}

/// Looks at the root file system in its overlay, where the host leaves it there.
fn root(task: &ProfileTask<'_, '_>, spec: &LaunchSpec) -> RootState {
    if !task.column.host.fills_overlays() {
        let why = "what the guest wrote is known to its machine alone, which has ended";
        return RootState::Unread(why);
    }
    let root = task.request.guest.facts().root;
    let clean = root
        .disk()
        .and_then(|disk| spec.disks.get(disk))
        .and_then(|disk| {
            let mut chain: Vec<PathBuf> = disk.below.files().map(Path::to_owned).collect();
            let above = guest_disks::above(&disk.overlay);
            if !above.is_file() {
                return root_is_clean(&disk.overlay, &chain, root.partition);
            }
            // A snapshot was taken: what was written since lies above it.
            chain.insert(0, disk.overlay.clone());
            root_is_clean(&above, &chain, root.partition)
        });
    match clean {
        Some(true) => RootState::Clean,
        Some(false) => RootState::Dirty,
        None => RootState::Unread("cannot be read on this disk"),
    }
}

/// Removes what guests wrote: the overlays, and files that a host made for the same purpose.
pub(crate) fn remove_overlays(folder: &Path) -> Result<(), ValidateError> {
    let listing = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = listing.map(|entry| entry.path());
    for path in files.filter(|path| path.extension().is_some_and(|is| is == "overlay")) {
        std::fs::remove_file(&path).map_err(|source| ValidateError::Write { path, source })?;
    }
    Ok(())
}

/// A number that no two runs share, from the run's name (FNV-1a, 64 bits).
fn seed(run_id: &str) -> u64 {
    run_id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
