//! BOOT-08, PWR-02, PWR-03: one machine that is started again and again.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_host::{HostError, Operation};
use detente_machine::OnReset;
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, Restart};
use detente_plan::protocol::{BootState, HostMessage, Observation, Phase, RunTool, Task, ToolEnd};

use super::group::observe;
use super::own_boot::OwnBoot;
use super::{Context, Judged, interrupted, no_answer};
use crate::limits::{ms, scaled};
use crate::profile::OverallLimits;
use crate::session::{NoAnswer, Session, Waited};

/// How often the guest restarts itself.
const RESTARTS: usize = 3;

/// How long the guest's own programs may take to order it, with hardware acceleration.
const ORDER_S: u64 = 20;

/// How long the agent is given to let go of the root.
const LEAVING: Duration = Duration::from_secs(10);

/// What is written to the root disk after a reset.
const WRITTEN_BYTES: u64 = 1 << 20;

/// Programs that order a restart without waiting for it, the first that is there.
const PROGRAMS: [&[&str]; 3] = [
    &[
        "systemctl",
        "--no-block",
        "--job-mode=replace-irreversibly",
        "start",
        "reboot.target",
    ],
    &["reboot"],
    &["busybox", "reboot"],
];

/// Other tools are not to ask systemd (`RunTool::env`); these are to.
const ONLINE: (&str, &str) = ("SYSTEMD_OFFLINE", "0");

/// The cases, in the order in which they are run.
const CASES: &[CaseId] = &[CaseId::Boot08, CaseId::Pwr02, CaseId::Pwr03];

/// The boot.
pub(super) const BOOT: OwnBoot = OwnBoot {
    name: "restarts",
    cases: CASES,
    furnish: |spec| spec.extras.on_reset = OnReset::Restarts,
    run: |stage| {
        let mut session = match stage.start()? {
            Ok(session) => session,
            Err(finding) => {
                let cases = CASES.iter();
                return Ok(cases
                    .map(|case| stage.judged(*case, finding.clone()))
                    .collect());
            }
        };
        let judged = all(stage.context, stage.limits, &mut session)?;
        stage.end(session)?;
        Ok(judged)
    },
};

/// Restarts a machine that has just been started, in every way that applies.
pub(crate) fn all(
    context: &Context<'_>,
    overall: OverallLimits,
    session: &mut Session,
) -> Result<Vec<Judged>, HostError> {
    let boot = overall.boot;
    let limits = Limits {
        boot,
        shutdown: overall.shutdown,
        order: scaled(ORDER_S, context.acceleration),
    };
    let mut judged = Vec::new();
    if let Err(why) = ready(session, boot)? {
        for &case in CASES {
            judged.push(timed(session, case, Duration::ZERO, why.clone()));
        }
        return Ok(judged);
    }
    for (case, run) in [
        (CaseId::Boot08, from_inside as Run),
        (CaseId::Pwr02, from_outside as Run),
        (CaseId::Pwr03, not_asked as Run),
    ] {
        if context.applies(case) {
            let begun = session.elapsed();
            let finding = run(context, session, limits)?;
            judged.push(timed(session, case, begun, finding));
        }
    }
    Ok(judged)
}

type Run = fn(&Context<'_>, &mut Session, Limits) -> Result<Finding, HostError>;

/// How long what belongs to a restart may take.
#[derive(Clone, Copy)]
struct Limits {
    boot: Duration,
    shutdown: Duration,
    order: Duration,
}

fn timed(session: &Session, case: CaseId, begun: Duration, finding: Finding) -> Judged {
    Judged {
        case,
        finding,
        duration_ms: ms(session.elapsed().saturating_sub(begun)),
        started_ms: ms(begun),
    }
}

/// BOOT-08: the guest restarts itself.
fn from_inside(
    _: &Context<'_>,
    session: &mut Session,
    limits: Limits,
) -> Result<Finding, HostError> {
    let mut seen = Vec::new();
    while seen.len() < RESTARTS {
        let restart = restart(session, limits, |session| order(session, limits.order))?;
        if session.interrupted() {
            return Ok(interrupted());
        }
        let back = matches!(restart.ready, Some(Ok(_)));
        seen.push(restart);
        if !back {
            break;
        }
    }
    Ok(judge::boot08(&seen, RESTARTS, ms(limits.boot)))
}

/// PWR-02: Ctrl, Alt and Delete are pressed.
fn from_outside(
    _: &Context<'_>,
    session: &mut Session,
    limits: Limits,
) -> Result<Finding, HostError> {
    if let Some(finding) = not_there(session) {
        return Ok(finding);
    }
    let seen = restart(session, limits, |session| {
        session.mention(&HostMessage::Leave);
        session.wait(LEAVING, |state| {
            let over = state.phase == Some(Phase::Leaving) || state.died().is_some();
            over.then_some(())
        })?;
        press(session, &Operation::PressCtrlAltDelete)
    })?;
    if session.interrupted() {
        return Ok(interrupted());
    }
    Ok(judge::pwr02(&seen, ms(limits.boot)))
}

/// PWR-03: the reset button is pressed.
fn not_asked(
    context: &Context<'_>,
    session: &mut Session,
    limits: Limits,
) -> Result<Finding, HostError> {
    if let Some(finding) = not_there(session) {
        return Ok(finding);
    }
    let mut seen = restart(session, limits, |session| press(session, &Operation::Reset))?;
    if matches!(seen.ready, Some(Ok(_))) {
        let task = Task::ExerciseRootDisk {
            bytes: WRITTEN_BYTES,
            seed: context.seed,
        };
        seen.not_written = match observe(session, task, context.limit(CaseId::Pwr03))? {
            Ok(Observation::RootDisk(disk)) if disk.written_sha256 == disk.read_sha256 => None,
            Ok(_) => Some("what was written did not come back".to_owned()),
            Err(NoAnswer::Failed(why) | NoAnswer::Died(why) | NoAnswer::Silent(why)) => Some(why),
            Err(NoAnswer::Interrupted) => return Ok(interrupted()),
        };
    }
    if session.interrupted() {
        return Ok(interrupted());
    }
    Ok(judge::pwr03(&seen, ms(limits.boot)))
}

/// Why a restart cannot be tried, if it cannot: the machine is gone.
fn not_there(session: &Session) -> Option<Finding> {
    let how = session.died().or_else(|| session.gone())?;
    let message = format!("not begun: {how}");
    Some(Finding::plain(Outcome::NotRun, "guest_ended", message))
}

fn press(session: &mut Session, button: &Operation) -> Result<Option<String>, HostError> {
    let pressed = session.machine().operate(button);
    Ok(pressed
        .err()
        .map(|error| detente_block::with_causes(&error)))
}

/// Brings a restart about, and waits until the guest is ready again. What brings it about says why
/// it could not.
fn restart(
    session: &mut Session,
    limits: Limits,
    bring_about: impl FnOnce(&mut Session) -> Result<Option<String>, HostError>,
) -> Result<Restart, HostError> {
    let (begun, before) = (session.elapsed(), session.resets);
    let mut seen = Restart::default();
    if let Some(why) = bring_about(session)? {
        seen.not_reset = Some(why);
        return Ok(seen);
    }
    let waited = session.wait(limits.shutdown, |state| {
        if state.resets > before {
            return Some(None);
        }
        let off = state
            .power_off
            .is_some()
            .then(|| state.died().or_else(|| state.gone()));
        off.or_else(|| state.panic_line().map(|line| Some(line.clone())))
    })?;
    seen.reset_ms = ms(session.elapsed().saturating_sub(begun));
    seen.not_reset = match waited {
        Waited::Came(None) => None,
        Waited::Came(Some(how)) => Some(how),
        Waited::Late => Some(format!(
            "the machine was not reset within {} s",
            limits.shutdown.as_secs()
        )),
        Waited::Gone => Some(session.gone().unwrap_or_default()),
        Waited::Interrupted => return Ok(seen),
    };
    if seen.not_reset.is_some() {
        return Ok(seen);
    }
    seen.said_so = session.console.tail_has("reboot: Restarting system");
    session.begin_boot();
    let reset = session.elapsed();
    let state = ready(session, limits.boot)?;
    seen.ready_ms = ms(session.elapsed().saturating_sub(reset));
    seen.ready = Some(state.map_err(|finding| finding.message));
    Ok(seen)
}

/// Has one of the guest's programs order a restart; why none did.
fn order(session: &mut Session, limit: Duration) -> Result<Option<String>, HostError> {
    let before = session.resets;
    for words in PROGRAMS {
        let task = Task::RunTool(RunTool {
            argv: words.iter().map(|word| (*word).to_owned()).collect(),
            env: vec![(ONLINE.0.to_owned(), ONLINE.1.to_owned())],
            folder: None,
            tail_bytes: 1024,
        });
        let seen = observe(session, task, limit)?;
        let said = matches!(
            &seen,
            Ok(Observation::ToolRun(run)) if run.end == ToolEnd::Exited { status: 0 }
        );
        if said || session.resets > before {
            session.mention(&HostMessage::Leave);
            return Ok(None);
        }
        if session.interrupted() {
            return Ok(None);
        }
    }
    Ok(Some("no program of the guest's ordered it".to_owned()))
}

/// Waits until the guest is ready.
pub(super) fn ready(
    session: &mut Session,
    limit: Duration,
) -> Result<Result<BootState, Finding>, HostError> {
    let begun = session.elapsed();
    let there = session.wait(limit, |state| {
        let bad = state.died().or_else(|| state.gone());
        let good = state.phase == Some(Phase::Root);
        good.then_some(Ok(())).or(bad.map(Err))
    })?;
    let fail = |message: String| Ok(Err(Finding::plain(Outcome::Failed, "not_ready", message)));
    match there {
        Waited::Came(Ok(())) => {}
        Waited::Came(Err(how)) => return fail(how),
        Waited::Late => {
            return fail(format!("no root within {} s", limit.as_secs()));
        }
        Waited::Gone => return fail(session.gone().unwrap_or_default()),
        Waited::Interrupted => return Ok(Err(interrupted())),
    }
    let rest = limit.saturating_sub(session.elapsed().saturating_sub(begun));
    let seen = observe(session, Task::AwaitReady, rest.max(LEAVING))?;
    Ok(match seen {
        Ok(Observation::BootState(state)) => Ok(state),
        Ok(_) => Err(super::wrong_answer()),
        Err(nothing) => Err(no_answer(nothing)),
    })
}
