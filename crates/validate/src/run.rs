//! A whole run: every profile in turn, then the documents, then the folder's name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_block::BlockRead;
use detente_evidence::{
    AgentRecord, CaseResult, Manifest, Outcome, ProfileRun, Requirement, Run, RunKind, Verdict,
    coverage, junit,
};
use detente_guest::BootLimits;
use jiff::Timestamp;

use crate::digests::Digesting;
use crate::folder::RunFolder;
use crate::machine::Boot;
use crate::observer::Observer;
use crate::profile::{ProfileTask, run_profile};
use crate::record::{guest_record, image_records, plan_record};
use crate::request::{Column, Control, Request};
use crate::{OwnCase, ValidateError, agent, control};

/// Boots the guest on every profile, runs the plan, and writes the run's folder.
///
/// # Errors
/// [`ValidateError`] when no run can be made; then nothing is left behind. What goes wrong inside
/// the guest is a result.
pub fn validate(request: Request<'_>, observer: &mut dyn Observer) -> Result<Run, ValidateError> {
    let started = Timestamp::now();
    let run_id = run_id(started)?;
    let folder = RunFolder::create(&request.out, &run_id)?;
    let work = folder.subfolder("work")?;
    let files = request.guest.boot_files(BootLimits::default())?;
    let order = agent::order(&run_id, &request.plan.digest(), &files);
    let boot = Boot::write(&work, files, &order)?;

    let readers: Vec<Option<Arc<dyn BlockRead>>> = request
        .disks
        .iter()
        .map(|disk| Some(disk.image.reader.clone()))
        .collect();
    let mut before = Before::Running(Digesting::start(&readers));
    let mut after = Vec::new();
    let mut profiles = Vec::new();
    let task = |column, scope, earlier| ProfileTask {
        request: &request,
        scope,
        folder: &folder,
        order: &order,
        boot: &boot,
        column,
        earlier,
    };
    for &column in &request.profiles {
        let task = task(column, request.scope.clone(), profiles.len());
        let (part, digests) = run_profile(&task, &mut before, observer)?;
        after = digests;
        profiles.push(part);
    }
    let mut controls = Vec::new();
    match wanted_control(&request, &profiles) {
        Some(Control::On(column)) => {
            let task = task(column, request.scope.of_control(), profiles.len());
            let (part, digests) = run_profile(&task, &mut before, observer)?;
            after = digests;
            controls.push(part);
        }
        Some(Control::NotToBeHad { profile, reason }) => {
            control::tell_missing(&mut profiles, profile, &reason);
        }
        None => {}
    }
    control::attach(&mut profiles, &controls);
    std::fs::remove_dir_all(&work).map_err(|source| ValidateError::Write {
        path: work.clone(),
        source,
    })?;

    let mut run = Run {
        schema: Run::SCHEMA.to_owned(),
        run_id,
        kind: kind(&request),
        faults: request.faults.iter().map(ToString::to_string).collect(),
        started_at: started.to_string(),
        finished_at: Timestamp::now().to_string(),
        tool: request.tool.clone(),
        agent: AgentRecord {
            sha256: agent::sha256(),
            size_bytes: agent::size_bytes(),
        },
        plan: plan_record(&request.plan),
        selection: request.scope.record(),
        repetitions: request.scope.repetitions,
        own_cases: request.own_cases.iter().map(OwnCase::record).collect(),
        images: image_records(&request.disks, before.done(), &after),
        guest: guest_record(request.guest),
        complete: request.scope.is_whole() && complete(&profiles),
        verdict: Verdict::of(profiles.iter().flat_map(outcomes)),
        profiles,
        controls,
        coverage: Vec::new(),
    };
    run.coverage = coverage(&run);
    write_documents(&folder, &run)?;
    folder.finish()?;
    Ok(run)
}

fn kind(request: &Request<'_>) -> RunKind {
    match (request.faults.is_empty(), request.scope.is_whole()) {
        (false, _) => RunKind::FaultInjected,
        (true, true) => RunKind::Unofficial,
        (true, false) => RunKind::Partial,
    }
}

/// Where failures are to be reproduced: nothing where both sides were asked for, or
/// nothing failed but for a fault of ours, or the user has had enough.
fn wanted_control<'a>(request: &Request<'a>, profiles: &[ProfileRun]) -> Option<Control<'a>> {
    let wanted = profiles.iter().any(control::has_failure)
        && request.faults.is_empty()
        && !request.interrupt.load(Ordering::Relaxed);
    let control = wanted.then_some(request.control?)?()?;
    let asked = |asked: &Column<'_>| asked.profile == control.profile();
    (!request.profiles.iter().any(asked)).then_some(control)
}

/// The digests from before the run: taken beside the first boot, known afterwards.
pub(crate) enum Before {
    /// Still being taken.
    Running(Digesting),
    /// Known.
    Done(Vec<Option<String>>),
}

impl Before {
    /// Waits for the digests, unless the user ends the run.
    pub(crate) fn wait(&mut self, interrupt: &AtomicBool) -> &[Option<String>] {
        let digests = match std::mem::replace(self, Self::Done(Vec::new())) {
            Self::Running(digesting) => digesting.finish(interrupt),
            Self::Done(digests) => digests,
        };
        *self = Self::Done(digests);
        self.done()
    }

    /// What is known.
    fn done(&self) -> &[Option<String>] {
        match self {
            Self::Running(_) => &[],
            Self::Done(digests) => digests,
        }
    }
}

/// `run-20261122T141500Z-1a2b3c4d`: sorts by time, and no two are alike.
fn run_id(started: Timestamp) -> Result<String, ValidateError> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|_| ValidateError::Random)?;
    let time = started.strftime("%Y%m%dT%H%M%SZ");
    Ok(format!("run-{time}-{}", agent::hex(&random)))
}

/// What the verdict is made of.
pub(crate) fn outcomes(part: &ProfileRun) -> impl Iterator<Item = (Requirement, Outcome)> + '_ {
    part.cases.iter().map(CaseResult::weight)
}

fn complete(profiles: &[ProfileRun]) -> bool {
    profiles
        .iter()
        .flat_map(outcomes)
        .all(|(_, outcome)| outcome != Outcome::Interrupted)
}

fn write_documents(folder: &RunFolder, run: &Run) -> Result<(), ValidateError> {
    folder.write("run.json", &serde_json::to_vec_pretty(run)?)?;
    let xml = junit(run).map_err(|source| ValidateError::Write {
        path: folder.path().join("junit.xml"),
        source,
    })?;
    folder.write("junit.xml", &xml)?;
    let written = detente_report::Folder::new(folder.path(), folder.entries()?);
    let page = detente_report::html(run, &written, None)?;
    folder.write("report.html", page.as_bytes())?;
    folder.write("report.tap", detente_report::tap(run).as_bytes())?;
    let manifest = Manifest::of(run, folder.entries()?);
    folder.write("manifest.json", &serde_json::to_vec_pretty(&manifest)?)
}
